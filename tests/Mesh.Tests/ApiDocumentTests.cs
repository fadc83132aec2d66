using System.Text.Json.Nodes;
using KkiMesh.AppHost;

namespace KkiMesh.Mesh.Tests;

/// <summary>The OpenAPI documents of all services, as whoever makes a client of them reads them.</summary>
[Collection<OnWholeMesh>]
public sealed class ApiDocumentTests(WholeMesh mesh)
{
    // The areas that people know; what every service has comes last.
    private static readonly Dictionary<string, string[]> Areas = new()
    {
        ["identity"] = ["roles", "programs"],
        ["registry"] = ["subjects", "consent", "reference data"],
        ["challenges"] = ["challenges", "entries"],
        ["matchmaking"] = ["proposals"],
        ["helpdesk"] = ["support points", "mentoring"],
        ["funding"] = ["action plan", "ledger", "contributions", "grants", "bank", "reports"],
    };

    private static readonly string[] OfEvery = ["events", "errors", "picture", "access log"];

    [Fact]
    public async Task A_client_can_be_made_of_every_service()
    {
        using var http = new HttpClient { BaseAddress = mesh.Run.Gateway };
        var faults = new List<string>();
        foreach (var service in Topology.Services.Select(s => s.Name))
        {
            var document = JsonNode.Parse(await http.GetStringAsync($"/openapi/{service}.json"))!.AsObject();
            faults.AddRange(DocumentRules.Faults(document).Select(fault => $"{service}: {fault}"));
        }

        Assert.True(faults.Count == 0, $"{faults.Count} faults\n{string.Join('\n', faults)}");
    }

    [Fact]
    public async Task What_services_answer_is_as_their_documents_say()
    {
        using var client = mesh.Client();
        await client.PublishAsync("U3-P4", 2022, 1_000, seconds: 3600, fields: [1]);
        var (compared, faults) = (0, new List<string>());
        foreach (var service in Topology.Services.Select(s => s.Name))
        {
            var document = (await client.GetAsync($"/openapi/{service}.json")).Body!.AsObject();
            var answers = new DocumentedAnswers(client, document);
            await answers.ReadAsync();
            compared += answers.Compared;
            faults.AddRange(answers.Faults);
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
        Assert.True(compared >= 50, $"Only {compared} answers were compared.");
    }

    [Fact]
    public async Task Operations_stand_in_the_areas_that_people_know()
    {
        using var client = mesh.Client();
        foreach (var (service, areas) in Areas)
        {
            var document = (await client.GetAsync($"/openapi/{service}.json")).Body!;
            var tags = document["tags"]!.AsArray().Select(t => (string)t!["name"]!).ToList();

            Assert.Equal(areas, tags.Take(areas.Length));
            Assert.Subset(OfEvery.ToHashSet(), tags.Skip(areas.Length).ToHashSet());
        }
    }

    [Fact]
    public async Task The_page_begins_with_a_service_of_the_policy()
    {
        using var http = new HttpClient { BaseAddress = mesh.Run.Gateway };

        var page = await http.GetStringAsync("/docs");

        var places = Topology.Services.ToDictionary(
            s => s.Name, s => page.IndexOf($"openapi/{s.Name}.json", StringComparison.Ordinal));
        Assert.DoesNotContain(-1, places.Values);
        Assert.Equal(places["identity"], places.Values.Max());
    }
}
