using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

[Collection<OnWholeMesh>]
public sealed class HelpDeskTests(WholeMesh mesh)
{
    [Fact]
    public async Task A_winner_is_offered_mentoring_near_home_though_the_help_desk_was_down_and_the_case_is_seen_to_its_end()
    {
        using var client = mesh.Client();
        await using var listener = await Integrator.ListenAsync(mesh.Servers.RabbitMq, "gorenjska.helpdesk.#");
        var deadline = TimeProvider.System.GetUtcNow().AddSeconds(13);
        var call = await client.PublishAsync("U3-P3", 2022, 100, 12, awards: 1);
        await client.StatusBecomes(call, "open");
        var idea = new { title = "Zamisel", summary = "Povzetek", applicant = "Ana", contactEmail = "ana@example.org", municipality = "146" };
        var entry = (string)(await client.UntilAnswered($"/gorenjska/challenges/{call}/entries", "member", idea)).Body!["id"]!;
        while (TimeProvider.System.GetUtcNow() < deadline)
            await Task.Delay(100);
        await Done($"/gorenjska/challenges/{call}/entries/{entry}/scores", "juror", new { points = 90 });

        await mesh.Run.KillAsync("helpdesk");
        await Done($"/gorenjska/challenges/{call}/awards", "coordinator", new { entryId = entry, amount = new { amount = 1, currency = "EUR" } });
        await mesh.Run.StartReplicaAsync("helpdesk", 0);

        var found = await Eventually.Is(
            () => client.Read($"/gorenjska/helpdesk/cases?entryId={entry}", "member"), c => c?["items"]?.AsArray().Count == 1);
        var offered = found!["items"]![0]!;
        Assert.Equal(("kreativnice", 12.3, "offered"), ((string)offered["supportPoint"]!, (double)offered["distanceKm"]!, (string)offered["status"]!));

        var path = $"/gorenjska/helpdesk/cases/{offered["id"]}";
        Assert.Equal(HttpStatusCode.Conflict, (await client.UntilAnswered($"{path}/close", "mentor", new { outcome = "realised" })).Status);
        await Done($"{path}/accept", "member");
        await Done($"{path}/sessions", "mentor", new { minutes = 60, note = "Zasebno" });
        await client.UntilAnswered("/gorenjska/helpdesk/picture/rebuild", "operator");
        var closed = await Done($"{path}/close", "mentor", new { outcome = "realised" });
        Assert.Equal(("closed", 60), ((string)closed["status"]!, (int)closed["minutes"]!));

        var events = await Eventually.Is(
            () => Task.FromResult(listener.Messages.Select(m => JsonNode.Parse(m.Body)!).Where(e => (string?)e["correlationid"] == call).DistinctBy(e => (string)e["id"]!).ToList()),
            e => e.Count >= 4);
        Assert.Equal(["mentoring-offered", "mentoring-accepted", "mentoring-session-held", "mentoring-closed"], events.Select(e => ((string)e["type"]!).Split('.')[2]));
        Assert.DoesNotContain(events, e => e.ToJsonString().Contains("Zasebno", StringComparison.Ordinal));

        async Task<JsonNode> Done(string command, string role, object? body = null)
        {
            var answer = await client.UntilAnswered(command, role, body);
            Assert.True(answer.Status == HttpStatusCode.OK, $"{command}: {(int)answer.Status} {answer.Detail}");
            return answer.Body!;
        }
    }
}
