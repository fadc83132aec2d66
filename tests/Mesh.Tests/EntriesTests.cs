using System.Net;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

[Collection<OnWholeMesh>]
public sealed class EntriesTests(WholeMesh mesh)
{
    private const string Address = "ana@example.org";

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

        // A juror who is none of theirs is only too early.
        Assert.Equal(HttpStatusCode.Conflict, (await client.PostAsync($"{entered.Headers.Location}/scores", "juror-1", new { points = 50 })).Status);
    }
}
