using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.AppHost;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>The id of an answer is the id in its address.</summary>
[Collection<Apart>]
public sealed class IdTests(TestServers servers)
{
    [Fact]
    public async Task Each_thing_that_has_an_address_says_its_id_and_the_id_opens_the_address()
    {
        await using var place = await servers.NewPlaceAsync();
        await using var mesh = await AccessTests.StartAsync(place);
        var token = AccessTests.TokenOfAllRoles(place.Issuer);
        using var client = new Client(mesh.Gateway, _ => Task.FromResult(token));
        await AdoptAsync(client);
        var (faults, opened) = (new List<string>(), new List<string>());
        foreach (var service in Topology.Services.Where(s => s != Topology.Identity))
        {
            var document = (await client.GetAsync($"/openapi/{service.Name}.json")).Body!;
            foreach (var (list, one) in Things(document))
            {
                if (Shown(document, one) is { } shown && shown["properties"]?["id"] is null)
                    faults.Add($"The answer of {one} has no id.");
                if (Listed(document, list) is { } listed && listed["properties"]?["id"] is null)
                    faults.Add($"The items of {list} have no id.");
                opened.AddRange(await OpenAsync(client, list, one, faults));
            }
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
        Assert.Superset(
            new HashSet<string>
            {
                "municipalities", "rows", "findings", "support-points", "contribution-keys", "annual-plans",
                "challenges",
            },
            opened.ToHashSet());
    }

    // A key, a draft of a plan and a challenge: what a new region has none of.
    private static async Task AdoptAsync(Client client)
    {
        var parts = new[] { new { basis = "equal", weight = 1 } };
        string[] municipalities = ["003"];
        var key = new
        {
            nameSl = "Enako",
            nameEn = "Equal",
            legalBasis = "Sklep",
            validFrom = "2026-01-01",
            municipalities,
            parts,
        };
        await Eventually.Is(
            () => client.PostAsync("/gorenjska/funding/contribution-keys/equal/versions", "coordinator", key),
            a => a.Status == HttpStatusCode.Created);
        var money = new { amount = 100, currency = "EUR" };
        var rows = (await client.GetAsync("/gorenjska/funding/rows?pageSize=100")).Body!["items"]!.AsArray();
        var row = rows.First(r => r!["funds"]!.AsArray().Any(f => (string?)f!["source"] == "municipal-key"))!["id"];
        var item = new { row = (string?)row, description = "Delavnice", purpose = "small-incentives", amount = money };
        var items = new[] { item };
        var plan = await client.SendAsync(
            HttpMethod.Put,
            "/gorenjska/funding/annual-plans/2026",
            "coordinator",
            new { items, key = "equal" },
            $"{Guid.NewGuid()}");
        Assert.True(plan.Status == HttpStatusCode.Created, plan.Detail);
        var terms = Region.Terms("U3-P4", 2022, 100, 3600);
        var challenge = await client.PostAsync("/gorenjska/challenges", "coordinator", terms);
        Assert.Equal(HttpStatusCode.Created, challenge.Status);
    }

    // What is read at an address, below what is listed.
    private static IEnumerable<(string List, string One)> Things(JsonNode document)
    {
        var paths = document["paths"]!.AsObject().Where(p => p.Value!["get"] is not null).Select(p => p.Key).ToList();
        return paths.Where(p => p.EndsWith('}') && !p.Contains("/errors/", StringComparison.Ordinal))
            .Select(one => (List: paths.Find(list => IsListOf(list, one)), One: one))
            .Where(p => p.List is not null).Select(p => (p.List!, p.One));
    }

    // The nearest one above it: an id may be of several parts.
    private static bool IsListOf(string list, string one) =>
        one.StartsWith(list + "/{", StringComparison.Ordinal) && !list.EndsWith('}');

    private static JsonNode? Shown(JsonNode document, string path) => Followed(
        document, document["paths"]![path]!["get"]!["responses"]!["200"]?["content"]?["application/json"]?["schema"]);

    private static JsonNode? Listed(JsonNode document, string path) =>
        Followed(document, Shown(document, path)?["properties"]?["items"]?["items"]);

    private static JsonNode? Followed(JsonNode document, JsonNode? schema) =>
        (string?)schema?["$ref"] is { } reference
            ? document["components"]!["schemas"]![reference.Split('/')[^1]]
            : schema;

    // Lists of what is below something else are read where that is there.
    private static async Task<IEnumerable<string>> OpenAsync(
        Client client, string list, string one, List<string> faults)
    {
        var address = list.Replace("{region}", "gorenjska", StringComparison.Ordinal);
        if (address.Contains('{', StringComparison.Ordinal))
            return [];
        var answer = await client.GetAsync(address, "coordinator");
        if (answer.Body?["items"]?.AsArray() is not { Count: > 0 } items)
            return [];
        foreach (var item in items)
        {
            var id = (string?)item!["id"];
            var shown = await client.GetAsync($"{address}/{id}", "coordinator");
            if (id is null || shown.Status != HttpStatusCode.OK || (string?)shown.Body!["id"] != id)
                faults.Add($"{one} with {id}: {(int)shown.Status} {shown.Body?["id"]}");
        }

        return [address.Split('/')[^1]];
    }
}
