using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KkiMesh.TestKit;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;

namespace KkiMesh.Identity.Tests;

/// <summary>What the service sets up when it starts, and when it does not start.</summary>
public sealed class StartTests(TestServers servers)
{
    private const string Secret = "a secret of a registry";

    [Fact]
    public async Task The_meshs_own_programs_are_as_they_are_configured()
    {
        await using var place = await servers.NewPlaceAsync();
        var database = await place.DatabaseAsync("identity");
        (string, string?)[] settings =
        [
            ("Mesh:Regions:1", "posavje"), ("Identity:Clients:service-registry:Secret", Secret), ("Identity:Clients:service-registry:Role", "integrator"),
        ];

        var replicas = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => RunningIdentity.StartAsync(database, "Development", settings)));
        foreach (var replica in replicas)
        {
            Assert.Equal(["gorenjska/integrator", "posavje/integrator"], await RolesAsync(replica, Secret));
            await replica.DisposeAsync();
        }

        await using (var changed = await RunningIdentity.StartAsync(database, "Development", ("Identity:Clients:service-registry:Secret", Secret + "!")))
        {
            Assert.Equal(["gorenjska/partner"], await RolesAsync(changed, Secret + "!"));
            Assert.Equal(HttpStatusCode.Unauthorized, (await changed.AskTokenAsync("service-registry", Secret, "kkimesh")).Status);
        }

        await using var without = await RunningIdentity.StartAsync(database, "Development");
        Assert.Empty(await RolesAsync(without, Secret + "!"));

        static async Task<IEnumerable<string>> RolesAsync(RunningIdentity identity, string secret)
        {
            var given = await identity.AskTokenAsync("service-registry", secret, "kkimesh events:registry");
            Assert.Equal(HttpStatusCode.OK, given.Status);
            var token = new JsonWebToken((string)given.Body!["access_token"]!);
            return token.Claims.Where(c => c.Type == "roles").Select(c => c.Value).Order(StringComparer.Ordinal);
        }
    }

    [Fact]
    public async Task Replicas_that_begin_together_on_an_empty_database_protect_their_forms_with_one_key()
    {
        await using var place = await servers.NewPlaceAsync();
        var database = await place.DatabaseAsync("identity");

        var replicas = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => RunningIdentity.StartAsync(database, "Development")));

        await using (var inside = replicas[0].Inside())
            Assert.Equal(1, await inside.ServiceProvider.GetRequiredService<IdentityStore>().DataProtectionKeys.CountAsync(TestContext.Current.CancellationToken));
        foreach (var replica in replicas)
            await replica.DisposeAsync();
    }

    [Fact]
    public async Task The_meshs_own_client_signs_people_in_at_any_port_without_asking_for_consent()
    {
        await using var identity = await RunningIdentity.StartAsync(servers, ("Identity:OwnClient:RedirectUris:0", "http://127.0.0.1/own"));
        using var person = new Person(DemoAccounts.Email("mentor-1"), DemoAccounts.Password);

        var client = identity.Client(person, ConfiguredClients.Own, "http://127.0.0.1:50505/own", "openid profile offline_access kkimesh events");
        var signedIn = await client.LoginAsync();

        Assert.False(signedIn.IsError, signedIn.Error);
        Assert.Single(person.Pages);
        Assert.Contains("member-6@example.org", person.Pages[0], StringComparison.Ordinal);
        Assert.Equal("gorenjska/mentor", new JsonWebToken(signedIn.AccessToken).GetClaim("roles").Value);
    }

    [Theory]
    [InlineData("Identity:Clients:service-x:Secret", "short", "Identity:Clients:service-x:Secret")]
    [InlineData("Identity:Clients:service-x:Name", "X", "Identity:Clients:service-x:Secret")]
    [InlineData("Identity:Clients:a0a0a0a0-0000-4000-8000-000000000000:Secret", Secret, "UUID")]
    [InlineData("Identity:OwnClient:RedirectUris:0", "docs", "Identity:OwnClient:RedirectUris")]
    public async Task A_program_that_is_configured_wrongly_stops_the_start_with_a_sentence(string name, string value, string sentence)
    {
        await using var place = await servers.NewPlaceAsync();
        var database = await place.DatabaseAsync("identity");

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => RunningIdentity.StartAsync(database, "Development", (name, value)));

        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Outside_development_it_does_not_start_with_demo_accounts()
    {
        await using var place = await servers.NewPlaceAsync();
        var (empty, demo) = (await place.DatabaseAsync("identity"), await place.DatabaseAsync("demo"));
        var folder = Directory.CreateTempSubdirectory("kkimesh-keys-").FullName;
        try
        {
            (string, string?)[] production = [("Identity:KeyRing:Certificate", WriteCertificate(folder)), ("Identity:KeyRing:Password", Secret)];
            await using (await RunningIdentity.StartAsync(demo, "Development"))
            {
            }

            var asked = await Assert.ThrowsAsync<InvalidOperationException>(
                () => RunningIdentity.StartAsync(empty, "Production", [.. production, ("Identity:DemoAccounts", "true")]));
            var left = await Assert.ThrowsAsync<InvalidOperationException>(() => RunningIdentity.StartAsync(demo, "Production", production));

            Assert.Contains("Identity:DemoAccounts", asked.Message, StringComparison.Ordinal);
            Assert.Contains("demo accounts", left.Message, StringComparison.Ordinal);
            await using var started = await RunningIdentity.StartAsync(empty, "Production", production);
            Assert.Equal(HttpStatusCode.Unauthorized, (await started.SendAsync(HttpMethod.Get, "/gorenjska/identity/grants", null)).Status);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task The_first_operator_is_invited_by_a_program_that_is_configured()
    {
        await using var identity = await RunningIdentity.StartAsync(
            servers, ("Identity:DemoAccounts", "false"), ("Identity:Clients:first:Secret", Secret), ("Identity:Clients:first:Role", "operator"));
        var token = (string)(await identity.AskTokenAsync("first", Secret, "kkimesh")).Body!["access_token"]!;

        var invitation = new { email = "new@example.org", language = "sl", grants = (object[])[new { role = "operator" }] };
        var invited = await identity.SendAsync(HttpMethod.Post, "/gorenjska/identity/invitations", token, invitation);

        Assert.Equal(HttpStatusCode.Accepted, invited.Status);
        Assert.Equal("new@example.org", identity.Letters.Single().To.Mailboxes.Single().Address);
        var grants = await identity.SendAsync(HttpMethod.Get, "/gorenjska/identity/grants?role=operator", token);
        Assert.Equal(["configuration", "first"], grants.Items().Select(g => (string)g["givenBy"]!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task In_development_demo_accounts_can_be_left_out()
    {
        await using var identity = await RunningIdentity.StartAsync(servers, ("Identity:DemoAccounts", "false"));
        using var person = new Person(DemoAccounts.Email("member"), DemoAccounts.Password);

        Assert.True((await identity.Client(person).LoginAsync()).IsError);
        Assert.DoesNotContain("example.org", person.Pages[0], StringComparison.Ordinal);
    }

    private static string WriteCertificate(string folder)
    {
        using var rsa = RSA.Create(2048);
        var request = new CertificateRequest("CN=keys", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var file = Path.Combine(folder, "keys.p12");
        File.WriteAllBytes(file, certificate.Export(X509ContentType.Pkcs12, Secret));
        return file;
    }
}
