using System.Net;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

public sealed class EntriesTests(WholeMesh mesh)
{
    private const string Address = "ana@example.org";

    [Fact]
    public async Task Whom_to_write_to_is_seen_by_who_entered_an_idea_and_by_its_organiser_only()
    {
        using var client = mesh.Client();
        var call = await client.PublishAsync("U3-P3", 2022, 100, 3600);
        await client.StatusBecomes(call, "open");
        var idea = new { title = "Zamisel", summary = "Povzetek", applicant = "Ana", contactEmail = Address, municipality = "052" };

        var entered = await client.PostAsync($"/gorenjska/challenges/{call}/entries", "member-1", idea);
        var entry = entered.Headers.Location!.ToString();
        var scored = await client.PostAsync($"{entry}/scores", "juror-1", new { points = 80 });

        Assert.Equal(HttpStatusCode.Created, entered.Status);
        Assert.Equal(Address, (string?)entered.Body!["contactEmail"]);
        Assert.Equal(80, (int)scored.Body!["points"]!);
        Answer[] ofJurors = [scored, await client.GetAsync(entry, "juror-2"), await client.GetAsync($"/gorenjska/challenges/{call}/entries", "juror-2")];
        Assert.All(ofJurors, a => Assert.DoesNotContain(Address, a.Body!.ToJsonString(), StringComparison.Ordinal));
        Assert.All(ofJurors, a => Assert.Equal(HttpStatusCode.OK, a.Status));
        Answer[] ofOrganisers = [await client.GetAsync(entry, "coordinator"), await client.GetAsync($"/gorenjska/challenges/{call}/entries", "coordinator")];
        Assert.All(ofOrganisers, a => Assert.Contains(Address, a.Body!.ToJsonString(), StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync(entry, "member-2")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync(entry)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"/gorenjska/challenges/{Guid.NewGuid()}/entries/{(string?)entered.Body["id"]}", "coordinator")).Status);
    }
}
