using System.Net;
using Duende.IdentityModel.Client;
using KkiMesh.TestKit;

namespace KkiMesh.Identity.Tests;

/// <summary>
/// Every endpoint of this service's API with every kind of token, against
/// docs/access.md. The other services are tried in Mesh.Tests.
/// </summary>
public sealed class AccessTableTests(TestServers servers)
{
    private const string Id = "0190c0de-0000-4000-8000-000000000001";

    [Fact]
    public async Task Each_endpoint_takes_just_whom_the_table_names()
    {
        var table = await AccessTable.ReadAsync();
        await using var identity = await RunningIdentity.StartAsync(
            servers, ("Identity:Clients:demo-partner:Secret", DemoAccounts.Password), ("Identity:Clients:demo-partner:Role", "partner"));
        await using var stranger = await Issuer.StartAsync();
        using var http = identity.Http();
        var endpoints = (await AccessTable.OfDocumentAsync(http, "/openapi/v1.json")).Where(e => e.Contains("{region}", StringComparison.Ordinal)).ToList();
        var tokens = new Dictionary<string, string>();
        foreach (var role in AccessTable.Roles)
            tokens[role] = role is "integrator" or "partner" ? await OfProgramAsync(http, "demo-" + role, "kkimesh") : await identity.TokenAsync(role);
        var claims = new Dictionary<string, object> { ["roles"] = AccessTable.Roles.Select(r => "gorenjska/" + r).ToArray(), ["scope"] = "openid kkimesh" };
        Dictionary<string, string?> unknown = new()
        {
            ["no token"] = null,
            ["a wrong signature"] = stranger.Token("somebody", claims, by: identity.Address.ToString()),
            ["another issuer"] = stranger.Token("somebody", claims),
            ["another audience"] = await identity.TokenAsync("operator", "openid"),
        };
        var faults = new List<string>();

        Assert.Equal(table.Of("identity"), endpoints);
        var concerns = await AccessTable.ConcernsOfDocumentAsync(http, "/openapi/v1.json");
        Assert.All(endpoints, e => Assert.Equal((e, table.Concerns(e)), (e, concerns[e])));
        foreach (var endpoint in endpoints)
        {
            foreach (var (kind, token) in unknown)
                await CheckAsync(endpoint, kind, token, HttpStatusCode.Unauthorized);
            await CheckAsync(endpoint, "another region", tokens["operator"], HttpStatusCode.Forbidden, "koroska");
            await CheckAsync(endpoint, "the scope of events", await OfProgramAsync(http, "demo-integrator", "events"), HttpStatusCode.Forbidden);
            foreach (var (role, token) in tokens)
                await CheckAsync(endpoint, role, token, table.Allows(endpoint, role) ? null : HttpStatusCode.Forbidden);
        }

        identity.Time.Advance(TimeSpan.FromMinutes(11));
        foreach (var endpoint in endpoints)
            await CheckAsync(endpoint, "an expired token", tokens["operator"], HttpStatusCode.Unauthorized);
        Assert.Empty(faults);

        async Task CheckAsync(string endpoint, string kind, string? token, HttpStatusCode? refusal, string region = "gorenjska")
        {
            if (await AccessTable.FaultAsync(http, endpoint, kind, token, refusal, Id, region) is { } fault)
                faults.Add(fault);
        }
    }

    private static async Task<string> OfProgramAsync(HttpClient http, string client, string scope) =>
        (await http.RequestClientCredentialsTokenAsync(new ClientCredentialsTokenRequest
        {
            Address = "/connect/token",
            ClientId = client,
            ClientSecret = DemoAccounts.Password,
            Scope = scope,
        })).AccessToken ?? throw new InvalidOperationException($"{client} gets no token.");
}
