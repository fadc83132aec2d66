using System.Net;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

[Collection<OnWholeMesh>]
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
        var own = await client.GetAsync(entry, "member-1");
        Assert.Equal((Address, 0), ((string?)own.Body!["contactEmail"], own.Body["scores"]!.AsArray().Count));
        Assert.Equal(1, (int)(await client.GetAsync($"/gorenjska/challenges/{call}/entries", "member-1")).Body!["total"]!);
        Assert.Equal(0, (int)(await client.GetAsync($"/gorenjska/challenges/{call}/entries", "member-2")).Body!["total"]!);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(entry, "member-2")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync(entry, "treasurer")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync(entry)).Status);
        await IsWrittenDown(client, entry);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"/gorenjska/challenges/{Guid.NewGuid()}/entries/{(string?)entered.Body["id"]}", "coordinator")).Status);
    }

    [Fact]
    public async Task An_idea_is_entered_for_a_subject_by_those_whose_it_is_and_its_own_people_do_not_judge_it()
    {
        using var client = mesh.Client();
        var call = await client.PublishAsync("U3-P3", 2022, 100, 3600);
        await client.StatusBecomes(call, "open");
        var registered = await client.PostAsync("/gorenjska/registry/subjects", "member-1", new
        {
            name = "Delavnica",
            kind = "creative-company",
            legalForm = "other",
            fields = (int[])[13],
            competences = (string[])["keramika"],
            municipality = "052",
            offers = (string[])[],
            looksFor = (string[])[],
            contactEmail = Address,
            description = "Opis",
        });
        var subject = (string)registered.Body!["id"]!;
        await client.PostAsync($"/gorenjska/registry/subjects/{subject}/consent", "member-1", new { textVersion = "1" });
        await client.PostAsync($"/gorenjska/registry/subjects/{subject}/publish", "member-1");
        var idea = new { title = "Zamisel", summary = "Povzetek", applicant = "Delavnica", contactEmail = Address, municipality = "052", subjectId = subject };

        // Until Challenges has heard of it, there is no such subject.
        var entered = await Eventually.Is(() => client.PostAsync($"/gorenjska/challenges/{call}/entries", "member-1", idea), a => a.Status != HttpStatusCode.UnprocessableEntity);
        Assert.Equal(HttpStatusCode.Created, entered.Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync($"/gorenjska/challenges/{call}/entries", "member-2", idea)).Status);

        // A coordinator makes somebody who judges this challenge a member of it too.
        foreach (var (role, of) in (IEnumerable<(string, string)>)[("member", subject), ("juror", call)])
            Assert.Equal(HttpStatusCode.Created, (await client.PostAsync("/gorenjska/identity/grants", "coordinator", new { email = "member-5@example.org", role, of })).Status);
        mesh.Tokens.Renew("member-5");
        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync($"{entered.Headers.Location}/scores", "member-5", new { points = 100 })).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{entered.Headers.Location}/scores", "juror-1", new { points = 50 })).Status);
    }

    private static async Task IsWrittenDown(Client client, string entry)
    {
        var log = (await client.GetAsync("/gorenjska/challenges/access-log?pageSize=100", "auditor")).Body!["items"]!.AsArray();
        var read = log.Where(a => (string)a!["path"]! == entry && (string)a["method"]! == "GET").Select(a => ((string?)a!["role"], (int)a["status"]!)).ToList();
        Assert.Contains(("coordinator", 200), read);
        Assert.Contains(("juror", 200), read);
        Assert.Contains(("member", 404), read);
        Assert.Contains((null, 403), read);
        Assert.DoesNotContain(Address, log.ToJsonString(), StringComparison.Ordinal);
    }
}
