using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

[Collection<OnWholeMesh>]
public sealed class MatchmakingTests(WholeMesh mesh)
{
    private const string Subjects = "/gorenjska/registry/subjects";

    [Fact]
    public async Task Who_fits_is_proposed_and_who_hides_while_Matchmaking_is_down_is_gone_when_it_is_back()
    {
        using var client = mesh.Client();
        await using var listener = await Integrator.ListenAsync(mesh.Servers.RabbitMq, "gorenjska.matchmaking.#");
        var (stays, hides) = (await PublishedSubject(client, "kovaštvo"), await PublishedSubject(client, "kovaštvo"));
        var call = await PublishedCall(client, "Kovastvo");
        await Proposed(call, 2);

        await mesh.Run.KillAsync("matchmaking");
        await Done(client, $"{Subjects}/{hides}/consent/withdraw", "member");
        var comes = await PublishedSubject(client, "kovaštvo");
        await mesh.Run.StartReplicaAsync("matchmaking", 0);
        await Eventually.Is(() => Proposed(call, null), p => p.SetEquals([stays, comes]));

        // Thrown away and built anew, it is the same, and nothing is published again.
        await Eventually.Is(() => Task.FromResult(Heard().Count), n => n == 4);
        Assert.Equal(HttpStatusCode.Accepted, (await client.SendAsync(HttpMethod.Post, "/gorenjska/matchmaking/picture/rebuild", "operator")).Status);
        await Eventually.Is(() => client.Read("/gorenjska/matchmaking/picture", "operator"), p => (bool?)p!["building"] == false);
        await PublishedSubject(client, "mizarstvo");
        var last = await PublishedSubject(client, "kovaštvo");
        await Eventually.Is(() => Proposed(call, null), p => p.SetEquals([stays, comes, last]));
        await Eventually.Is(() => Task.FromResult(Heard().Count), n => n == 5);

        Assert.Equal(4, Heard().Count(e => (string)e["type"]! == "kki.matchmaking.match-proposed.v1"));
        Assert.Equal("subject-hidden", (string)Heard().Single(e => (string?)e["data"]!["because"] is not null)["data"]!["because"]!);

        List<JsonNode> Heard() => [.. listener.Messages.Select(m => JsonNode.Parse(m.Body)!).Where(e => (string?)e["correlationid"] == call).DistinctBy(e => (string)e["id"]!)];

        Task<HashSet<string>> Proposed(string challenge, int? count) => Eventually.Is(
            async () => ((await client.Read($"/gorenjska/matchmaking/challenges/{challenge}/proposals"))?["items"]?.AsArray() ?? []).Select(i => (string)i!["subjectId"]!).ToHashSet(),
            p => count is null || p.Count == count);
    }

    private static async Task<string> PublishedSubject(Client client, string competence)
    {
        var registered = await client.UntilAnswered(Subjects, "member", new
        {
            name = "Izmišljeni obrtnik",
            kind = "creator-or-ngo",
            legalForm = "self-employed-in-culture",
            fields = (int[])[3],
            competences = (string[])[competence],
            municipality = "041",
            offers = (string[])[],
            looksFor = (string[])[],
            contactEmail = "obrtnik@example.org",
            description = "Izdelki po meri.",
        });
        Assert.Equal(HttpStatusCode.Created, registered.Status);
        var subject = (string)registered.Body!["id"]!;
        await Done(client, $"{Subjects}/{subject}/consent", "member", new { textVersion = (string)(await client.GetAsync("/gorenjska/registry/consent-text")).Body!["version"]! });
        await Done(client, $"{Subjects}/{subject}/publish", "member");
        return subject;
    }

    private static async Task<string> PublishedCall(Client client, string competence)
    {
        var terms = System.Text.Json.JsonSerializer.SerializeToNode(Region.Terms("U3-P3", 2022, 1, 3600))!;
        (terms["fields"], terms["competences"]) = (new JsonArray(3), new JsonArray(competence));
        var draft = await client.UntilAnswered("/gorenjska/challenges", "coordinator", terms);
        Assert.Equal(HttpStatusCode.Created, draft.Status);
        var call = (string)draft.Body!["id"]!;
        await Done(client, $"/gorenjska/challenges/{call}/publish", "coordinator");
        await client.StatusBecomes(call, "open");
        return call;
    }

    private static async Task Done(Client client, string path, string role, object? body = null)
    {
        var answer = await client.UntilAnswered(path, role, body);
        Assert.True(answer.Status == HttpStatusCode.OK, $"{path}: {(int)answer.Status} {answer.Detail}");
    }
}
