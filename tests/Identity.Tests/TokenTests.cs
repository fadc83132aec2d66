using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Duende.IdentityModel.Client;
using KkiMesh.TestKit;
using Microsoft.IdentityModel.JsonWebTokens;

namespace KkiMesh.Identity.Tests;

/// <summary>Driven by client libraries that nobody here wrote.</summary>
public sealed class TokenTests(TestServers servers, PlainIdentity shared) : IClassFixture<PlainIdentity>
{
    [Fact]
    public async Task A_client_finds_out_everything_by_discovery_and_gets_a_token_for_its_secret()
    {
        var identity = shared.Running;
        using var http = identity.Http();

        var discovered = await http.GetDiscoveryDocumentAsync(new DiscoveryDocumentRequest { Policy = { RequireHttps = false } });
        var token = await http.RequestClientCredentialsTokenAsync(new ClientCredentialsTokenRequest
        {
            Address = discovered.TokenEndpoint,
            ClientId = DemoAccounts.Integrator,
            ClientSecret = DemoAccounts.Password,
            Scope = "kkimesh",
        });

        Assert.False(discovered.IsError, discovered.Error);
        Assert.Equal(identity.Address.ToString(), discovered.Issuer);
        Assert.False(token.IsError, token.Error);
        var read = new JsonWebToken(token.AccessToken);
        Assert.Equal(("demo-integrator", "kkimesh", "RS256"), (read.Subject, read.Audiences.Single(), read.Alg));
        Assert.Equal("gorenjska/integrator", read.GetClaim("roles").Value);
        Assert.Contains(discovered.KeySet!.Keys, k => k.Kid == read.Kid);
    }

    [Fact]
    public async Task A_refusal_has_the_standard_code_and_a_sentence()
    {
        var identity = shared.Running;
        using var http = identity.Http();

        await RefusesAsync(DemoAccounts.Integrator, "wrong", "kkimesh", HttpStatusCode.Unauthorized, "invalid_client");
        await RefusesAsync("nobody", "wrong", "kkimesh", HttpStatusCode.Unauthorized, "invalid_client");
        await RefusesAsync(DemoAccounts.Integrator, DemoAccounts.Password, "more", HttpStatusCode.BadRequest, "invalid_scope");

        async Task RefusesAsync(string client, string secret, string scope, HttpStatusCode status, string error)
        {
            using var asked = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["grant_type"] = "client_credentials",
                ["client_id"] = client,
                ["client_secret"] = secret,
                ["scope"] = scope,
            });
            var answer = await http.PostAsync("/connect/token", asked);
            var body = await answer.Content.ReadFromJsonAsync<JsonNode>();
            Assert.Equal((status, error), (answer.StatusCode, (string?)body!["error"]));
            Assert.NotEmpty((string?)body["error_description"] ?? "");
            if (status == HttpStatusCode.Unauthorized)
                Assert.NotEmpty(answer.Headers.WwwAuthenticate);
        }
    }

    [Fact]
    public async Task A_person_signs_in_agrees_once_and_their_client_refreshes_until_it_gives_its_token_back()
    {
        var identity = shared.Running;
        using var person = new Person(DemoAccounts.Email("treasurer"), DemoAccounts.Password);
        var client = identity.Client(person);

        var first = await client.LoginAsync();
        var again = await client.LoginAsync();
        var refreshed = await client.RefreshTokenAsync(first.RefreshToken);

        Assert.False(first.IsError, first.Error);
        Assert.Equal("Demo treasurer", first.User.FindFirst("name")!.Value);
        Assert.False(again.IsError, again.Error);
        Assert.Equal(2, person.Pages.Count);
        Assert.False(refreshed.IsError, refreshed.Error);
        var access = new JsonWebToken(refreshed.AccessToken);
        Assert.Equal("gorenjska/treasurer", access.GetClaim("roles").Value);
        Assert.False(access.TryGetClaim("email", out _) || access.TryGetClaim("name", out _));

        using var http = identity.Http();
        var revoked = await http.RevokeTokenAsync(new TokenRevocationRequest { Address = "/connect/revoke", ClientId = RunningIdentity.Console, Token = refreshed.RefreshToken });
        Assert.False(revoked.IsError, revoked.Error);
        Assert.Equal("invalid_grant", (await client.RefreshTokenAsync(refreshed.RefreshToken)).Error);
    }

    [Fact]
    public async Task A_refresh_token_that_is_used_again_ends_all_that_came_of_it()
    {
        var identity = shared.Running;
        using var person = new Person(DemoAccounts.Email("juror"), DemoAccounts.Password);
        var client = identity.Client(person);
        var signedIn = await client.LoginAsync();
        var next = await client.RefreshTokenAsync(signedIn.RefreshToken);

        identity.Time.Advance(TimeSpan.FromMinutes(1));
        var stolen = await client.RefreshTokenAsync(signedIn.RefreshToken);
        var owner = await client.RefreshTokenAsync(next.RefreshToken);

        Assert.Equal(("invalid_grant", "invalid_grant"), (stolen.Error, owner.Error));
    }

    [Fact]
    public async Task Who_does_not_agree_sends_the_client_away()
    {
        var identity = shared.Running;
        using var person = new Person(DemoAccounts.Email("member"), DemoAccounts.Password, agrees: false);

        var refused = await identity.Client(person).LoginAsync();

        Assert.Equal("access_denied", refused.Error);
    }

    [Fact]
    public async Task Guessing_locks_for_a_while_and_says_the_same_of_everybody()
    {
        var identity = shared.Running;
        var pages = new List<string>();
        for (var attempt = 0; attempt < 5; attempt++)
            await AttemptAsync(DemoAccounts.Email("mentor"), "wrong-wrong-wrong");
        await AttemptAsync("nobody@example.org", "wrong-wrong-wrong");
        await AttemptAsync(DemoAccounts.Email("mentor"), DemoAccounts.Password);
        Assert.Single(pages.Distinct());

        // ASP.NET Core Identity reads the machine's own clock.
        await AttemptAsync(DemoAccounts.Email("auditor"), DemoAccounts.Password, succeeds: true);

        async Task AttemptAsync(string email, string password, bool succeeds = false)
        {
            using var person = new Person(email, password);
            var result = await identity.PatientlyAsync(identity.Client(person).LoginAsync());
            Assert.Equal(succeeds, !result.IsError);
            if (!succeeds)
                pages.Add(result.Error);
        }
    }

    [Fact]
    public async Task New_keys_are_published_before_they_sign_and_old_tokens_stay_good()
    {
        await using var identity = await RunningIdentity.StartAsync(servers);
        using var http = identity.Http();
        var before = await KeyOfNewTokenAsync();

        identity.Time.Advance(TimeSpan.FromDays(89.5));
        var published = await Eventually.Is(PublishedAsync, keys => keys.Count == 2);
        Assert.Equal(before, await KeyOfNewTokenAsync());
        identity.Time.Advance(TimeSpan.FromDays(1));
        var after = await Eventually.Is(KeyOfNewTokenAsync, key => key != before);

        Assert.Equal(new[] { before, after }.Order(), published.Order());
        Assert.Contains(before, await PublishedAsync());

        async Task<string> KeyOfNewTokenAsync() => new JsonWebToken((await http.RequestClientCredentialsTokenAsync(new ClientCredentialsTokenRequest
        {
            Address = "/connect/token",
            ClientId = DemoAccounts.Integrator,
            ClientSecret = DemoAccounts.Password,
            Scope = "kkimesh",
        })).AccessToken).Kid;

        async Task<IReadOnlyList<string>> PublishedAsync() =>
            [.. (await http.GetFromJsonAsync<JsonNode>("/.well-known/jwks"))!["keys"]!.AsArray().Select(k => (string)k!["kid"]!)];
    }

    [Fact]
    public async Task A_request_with_another_return_address_or_without_a_challenge_goes_nowhere()
    {
        var identity = shared.Running;
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = identity.Address };
        const string Asked = "/connect/authorize?client_id=console&response_type=code&scope=openid&code_challenge_method=S256";

        var elsewhere = await http.GetAsync($"{Asked}&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&redirect_uri=https%3A%2F%2Fexample.org%2F");
        var unchallenged = await http.GetAsync($"{Asked[..Asked.IndexOf("&code", StringComparison.Ordinal)]}&redirect_uri={Uri.EscapeDataString(RunningIdentity.Callback)}");

        Assert.All([elsewhere, unchallenged], answer => Assert.Equal((HttpStatusCode.BadRequest, null), (answer.StatusCode, answer.Headers.Location)));
    }
}
