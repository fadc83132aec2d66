using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using KkiMesh.AppHost;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>The one rule of text, at all services. Identity's own texts are tried in its tests.</summary>
[Collection<Apart>]
public sealed class TextTests(TestServers servers)
{
    [Fact]
    public async Task Every_text_of_every_command_keeps_to_one_rule_and_is_given_back_in_nfc()
    {
        await using var place = await servers.NewPlaceAsync();
        await using var mesh = await AccessTests.StartAsync(place);
        var token = AccessTests.TokenOfAllRoles(place.Issuer);
        var (tried, faults) = (0, new List<string>());
        foreach (var service in Topology.Services.Where(s => s != Topology.Identity))
        {
            using var http = new HttpClient { BaseAddress = mesh.Url(service.Name) };
            var requests = new WrongRequests(http, _ => token);
            await requests.TryTextsAsync("/openapi/v1.json");
            tried += requests.Tried;
            faults.AddRange(requests.Faults);
        }

        Assert.True(faults.Count == 0, $"{faults.Count} faults:\n{string.Join('\n', faults.Take(40))}");
        Assert.True(tried >= 60, $"Only {tried} texts were tried.");

        using var client = new Client(mesh.Gateway, _ => Task.FromResult(token));
        await CheckQueriesAsync(client);
        await CheckNfcAsync(client);
    }

    private static async Task CheckQueriesAsync(Client client)
    {
        var wrong = await client.GetAsync("/gorenjska/registry/organisations?town=Kra%E2%80%AEnj");
        Assert.Equal(HttpStatusCode.BadRequest, wrong.Status);
        Assert.Contains("Character 4 is U+202E", wrong.Detail, StringComparison.Ordinal);
        Assert.NotNull(wrong.Body!["errors"]!["town"]);

        // S, k, o, f with a caron of its own.
        var found = await client.GetAsync("/gorenjska/registry/organisations?town=%C5%A0kofja+Loka");
        var decomposed = await client.GetAsync("/gorenjska/registry/organisations?town=S%CC%8Ckofja+Loka");
        Assert.Equal((int)found.Body!["total"]!, (int)decomposed.Body!["total"]!);
        Assert.True((int)found.Body["total"]! > 0, "The region has organisations in that town.");
    }

    private static async Task CheckNfcAsync(Client client)
    {
        var terms = JsonNode.Parse(System.Text.Json.JsonSerializer.Serialize(Region.Terms("U3-P4", 2022, 100, 3600)))!;
        terms["title"] = WrongRequests.FreeText;
        terms["description"] = $"{WrongRequests.FreeText}\n{WrongRequests.FreeText}";
        var drafted = await client.PostAsync("/gorenjska/challenges", "coordinator", terms.ToJsonString());
        Assert.Equal(HttpStatusCode.Created, drafted.Status);
        var shown = await client.GetAsync($"/gorenjska/challenges/{drafted.Body!["id"]}", "coordinator");
        var stored = WrongRequests.FreeText.Normalize(NormalizationForm.FormC);
        Assert.NotEqual(WrongRequests.FreeText, stored);
        Assert.Equal(stored, (string?)shown.Body!["terms"]!["title"]);
        Assert.Equal($"{stored}\n{stored}", (string?)shown.Body["terms"]!["description"]);
    }
}
