using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace KkiMesh.Mesh.Tests;

/// <summary>Tokens of the mesh's own issuer, through the gateway.</summary>
[Collection<OnWholeMesh>]
public sealed class IdentityTests(WholeMesh mesh)
{
    [Fact]
    public async Task An_integrator_gets_a_token_at_the_gateways_address_and_every_service_takes_it()
    {
        using var http = new HttpClient { BaseAddress = mesh.Run.Gateway };
        var discovered = (await http.GetFromJsonAsync<JsonNode>("/.well-known/openid-configuration"))!;
        using var asked = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = "demo-integrator",
            ["client_secret"] = "kkimesh-development",
            ["scope"] = "kkimesh",
        });
        var given = await (await http.PostAsync((string)discovered["token_endpoint"]!, asked)).Content.ReadFromJsonAsync<JsonNode>();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string)given!["access_token"]!);

        Assert.Equal(mesh.Run.Gateway.ToString(), (string)discovered["issuer"]!);
        foreach (var service in (string[])["registry", "challenges", "matchmaking", "helpdesk", "funding"])
        {
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync($"/gorenjska/{service}/events")).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await http.GetAsync($"/gorenjska/{service}/errors")).StatusCode);
            Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync($"/elsewhere/{service}/events")).StatusCode);
        }
    }

    [Fact]
    public async Task Who_asks_for_a_token_of_a_demo_account_that_is_not_there_is_told_which_ones_are()
    {
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => mesh.Tokens.ForAsync("nonsense"));

        Assert.StartsWith("There is no demo account nonsense: there are ", refused.Message, StringComparison.Ordinal);
        Assert.All((string[])["coordinator", "juror-2", "integrator"], account => Assert.Contains($" {account}", refused.Message, StringComparison.Ordinal));
    }
}
