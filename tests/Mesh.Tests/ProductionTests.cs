using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Duende.IdentityModel.Client;
using Duende.IdentityModel.OidcClient;
using KkiMesh.AppHost;
using KkiMesh.TestKit;
using OtpNet;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// Outside Development: from an empty database to people who work, all of it
/// over HTTPS with a certificate of one's own.
/// </summary>
[Collection<Apart>]
public sealed partial class ProductionTests(ProductionMesh mesh, TestServers servers) : IClassFixture<ProductionMesh>
{
    private const string Subjects = "/gorenjska/registry/subjects";
    private const string Password = "correct horse battery staple";
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task The_mesh_tells_addresses_of_HTTPS_alone()
    {
        using var client = mesh.Client();

        var description = (JsonObject)(await client.GetAsync("/.well-known/openid-configuration")).Body!;

        Assert.Equal(mesh.Address.ToString(), (string?)description["issuer"]);
        var addresses = description.Where(d => d.Key.EndsWith("_endpoint", StringComparison.Ordinal) || d.Key == "jwks_uri").ToList();
        Assert.True(addresses.Count > 5);
        Assert.All(addresses, a => Assert.StartsWith(mesh.Address.ToString(), (string?)a.Value, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_first_operator_is_invited_by_a_program_and_lets_a_coordinator_in_who_works()
    {
        // A program that is configured invites the first operator, who cannot sign in without a second factor.
        await InviteAsync(await TokenOfFirstAsync(), "operator@kki.example.org", "operator");
        var key = "";
        using var first = await SetPasswordAsync("operator@kki.example.org");
        var ofOperator = await SignInAsync(first, async page =>
        {
            Assert.Equal("/account/second-factor", page.Address.AbsolutePath);
            key = page.Codes.Single();
            var on = await first.PressAsync("Turn the second factor on", ("code", Code(key)));
            return await first.OpenAsync(on.Links.Single());
        });

        // Next time a code is asked for.
        using var again = mesh.Browser();
        await again.OpenAsync("/account/sign-in");
        Assert.Equal("/account/second-factor/sign-in", (await again.SignInAsync("operator@kki.example.org", Password)).Address.AbsolutePath);
        Assert.Equal("/account", (await again.PressAsync("Sign in", ("code", Code(key, later: Step)))).Address.AbsolutePath);

        // The operator invites a coordinator, for whom a password is enough.
        await InviteAsync(ofOperator.AccessToken, "coordinator@kki.example.org", "coordinator");
        using var second = await SetPasswordAsync("coordinator@kki.example.org");
        var ofCoordinator = await SignInAsync(second, Task.FromResult);

        // The coordinator works.
        using var coordinator = mesh.Client(ofCoordinator.AccessToken);
        var registered = await coordinator.PostAsync(Subjects, "coordinator", Subject);
        Assert.Equal(HttpStatusCode.Created, registered.Status);
        var read = await coordinator.GetAsync(registered.Headers.Location!.ToString(), "coordinator");
        Assert.Equal("zadruga@kki.example.org", (string?)read.Body!["profile"]!["contactEmail"]);

        Assert.All([.. first.Cookies, .. again.Cookies, .. second.Cookies], IsForHttpsAlone);
    }

    [Fact]
    public async Task Who_signed_in_stays_signed_in_over_a_restart_and_a_stolen_refresh_token_ends_it()
    {
        await InviteAsync(await TokenOfFirstAsync(), "auditor@kki.example.org", "auditor");
        using var browser = await SetPasswordAsync("auditor@kki.example.org");
        var client = mesh.SignIn();
        var signedIn = await SignInAsync(browser, Task.FromResult);
        var next = await client.RefreshTokenAsync(signedIn.RefreshToken);
        Assert.False(next.IsError, next.Error);

        await mesh.Run.RestartReplicaAsync("identity", 0);

        var afterwards = await client.RefreshTokenAsync(next.RefreshToken);
        Assert.False(afterwards.IsError, afterwards.Error);
        Assert.Equal("/account", (await browser.OpenAsync("/account")).Address.AbsolutePath);
        using var auditor = mesh.Client(signedIn.AccessToken);
        Assert.Equal(HttpStatusCode.OK, (await auditor.GetAsync("/gorenjska/registry/access-log", "auditor")).Status);

        // For ten seconds a client may ask again.
        await Eventually.Is(async () => (await client.RefreshTokenAsync(signedIn.RefreshToken)).Error, error => error == "invalid_grant");
        Assert.Equal("invalid_grant", (await client.RefreshTokenAsync(afterwards.RefreshToken)).Error);
    }

    [Fact]
    public async Task Without_a_token_of_its_own_issuer_nobody_gets_in()
    {
        using var nobody = mesh.Client();
        using var stranger = mesh.Client(servers.Issuer.Token("coordinator", "gorenjska"));

        foreach (var refused in (Answer[])[await nobody.GetAsync($"{Subjects}/mine"), await stranger.GetAsync($"{Subjects}/mine", "coordinator")])
        {
            Assert.Equal((HttpStatusCode.Unauthorized, 401), (refused.Status, (int?)refused.Body!["status"]));
            Assert.Equal("Bearer", refused.Headers.WwwAuthenticate.Single().Scheme);
        }
    }

    [Fact]
    public async Task Over_HTTP_a_token_is_refused_and_a_page_is_sent_on()
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = mesh.OpenAddress };
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Subjects}/mine");
        request.Headers.Authorization = new("Bearer", await TokenOfFirstAsync());

        using var refused = await http.SendAsync(request, TestContext.Current.CancellationToken);
        using var sentOn = await http.GetAsync("/account/sign-in", TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.BadRequest, "application/problem+json"), (refused.StatusCode, refused.Content.Headers.ContentType?.MediaType));
        Assert.Equal((HttpStatusCode.PermanentRedirect, new Uri(mesh.Address, "/account/sign-in")), (sentOn.StatusCode, sentOn.Headers.Location));
    }

    [Fact]
    public async Task There_are_no_demo_accounts_and_the_pages_look_as_they_should()
    {
        using var browser = mesh.Browser();

        var page = await browser.OpenAsync("/account/sign-in");
        Assert.DoesNotContain("example.org", page.Html, StringComparison.Ordinal);
        Assert.DoesNotContain(DemoTokens.Password, page.Html, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await browser.SignInAsync("coordinator@example.org", DemoTokens.Password)).Status);
        foreach (var program in (string[])["demo-integrator", "demo-partner"])
            Assert.Equal(HttpStatusCode.Unauthorized, (await TokenAsync(program, DemoTokens.Password)).HttpStatusCode);
        Assert.Contains("font", (await browser.OpenAsync("/account/style.css")).Html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_for_operators_names_just_the_settings_that_this_mesh_runs_with()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Checkout.Root, "docs", "operate.md"), TestContext.Current.CancellationToken);
        var parts = page.Split("**Production, step by step.**")[1].Split("```")[1].Split("\n# ")[1..];

        Assert.Equal(["gateway", "identity", "registry"], parts.Select(p => p.Split([',', '\n'])[0]));
        foreach (var part in parts)
        {
            var name = part.Split([',', '\n'])[0];
            Assert.Equal(Environment(mesh.Run.Replicas.Single(r => r.Service == name).ProcessId), Names(part.Split('\n')));
        }
    }

    private static object Subject => new
    {
        name = "Zadruga",
        kind = "creative-company",
        legalForm = "other",
        fields = (int[])[13],
        competences = (string[])["les"],
        municipality = "052",
        offers = (string[])[],
        looksFor = (string[])[],
        contactEmail = "zadruga@kki.example.org",
        description = "Opis",
    };

    private async Task<TokenResponse> TokenAsync(string program, string secret)
    {
        using var http = new HttpClient(mesh.Connections()) { BaseAddress = mesh.Address };
        return await http.RequestClientCredentialsTokenAsync(
            new ClientCredentialsTokenRequest { Address = "/connect/token", ClientId = program, ClientSecret = secret, Scope = "kkimesh" });
    }

    private async Task<string> TokenOfFirstAsync()
    {
        var given = await TokenAsync(ProductionMesh.First, mesh.Secret(ProductionMesh.First));
        Assert.False(given.IsError, given.Error);
        return given.AccessToken!;
    }

    private async Task InviteAsync(string? token, string email, string role)
    {
        using var client = mesh.Client(token);
        var invited = await client.PostAsync("/gorenjska/identity/invitations", "any", new { email, language = "en", grants = (object[])[new { role }] });
        Assert.Equal(HttpStatusCode.Accepted, invited.Status);
    }

    // The letter's link asks for a name and a password, and leads to the sign-in page.
    private async Task<Browser> SetPasswordAsync(string email)
    {
        var link = mesh.LinkTo(email);
        Assert.StartsWith(mesh.Address.ToString(), link, StringComparison.Ordinal);
        var browser = mesh.Browser();
        await browser.OpenAsync(link);
        await browser.PressAsync("Set the password", ("displayName", "Somebody"), ("newPassword", Password));
        Assert.Equal("/account/sign-in", browser.Seen.Address.AbsolutePath);
        Assert.Equal("/account", (await browser.SignInAsync(email, Password)).Address.AbsolutePath);
        return browser;
    }

    // Authorization code with PKCE, in a browser that is signed in.
    private async Task<LoginResult> SignInAsync(Browser browser, Func<Seen, Task<Seen>> answer)
    {
        var client = mesh.SignIn();
        var asked = await client.PrepareLoginAsync();
        var back = await answer(await browser.OpenAsync(asked.StartUrl));
        var signedIn = await client.ProcessResponseAsync(back.Address.ToString(), asked);
        Assert.False(signedIn.IsError, signedIn.Error);
        return signedIn;
    }

    // A code is good once; the next one is taken half a minute early.
    private static string Code(string key, TimeSpan later = default) => new Totp(Base32Encoding.ToBytes(key)).ComputeTotp(DateTime.UtcNow + later);

    private static void IsForHttpsAlone(string cookie)
    {
        Assert.Contains("; secure", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("; httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("; samesite=", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("; samesite=none", cookie, StringComparison.OrdinalIgnoreCase);
    }

    // What a process was started with, and this one was not.
    private static IEnumerable<string> Environment(int process) => Names(Environment($"{process}").Except(Environment("self")));

    private static string[] Environment(string process) => File.ReadAllText($"/proc/{process}/environ").Split('\0');

    private static IEnumerable<string> Names(IEnumerable<string> lines) => lines.Select(l => Setting().Match(l)).Where(m => m.Success)
        .Select(m => m.Groups["name"].Value).Order(StringComparer.Ordinal);

    // A setting in a file is the same setting.
    [GeneratedRegex("^(?<name>(ASPNETCORE_|[A-Za-z]+__)[^=]*?)(_FILE)?=", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Setting();
}
