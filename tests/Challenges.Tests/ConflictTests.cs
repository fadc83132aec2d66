using System.Net;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.TestKit;

namespace KkiMesh.Challenges.Tests;

/// <summary>Nobody decides on what is theirs, and nobody reads an idea before the deadline but those who entered it.</summary>
public sealed class ConflictTests(TestServers servers)
{
    [Fact]
    public async Task Who_judges_or_organises_a_challenge_does_not_enter_an_idea_for_it()
    {
        await using var here = await Here.StartAsync(servers);
        using var client = here.Client();
        var call = await here.OpenAsync();
        await here.EnterAsync(call, "member", "Prva");
        var idea = new { title = "Zamisel", summary = "Povzetek", applicant = "Ana", contactEmail = Here.Address, municipality = "052" };

        foreach (var roles in (string[])["member+juror", $"member+juror/{call.Split('/')[^1]}", "member+coordinator"])
        {
            var refused = await client.PostAsync($"{call}/entries", $"{roles}=ana", idea);
            Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
            Assert.Contains("judges or organises", refused.Detail, StringComparison.Ordinal);
        }

        // Of another challenge they may be a juror.
        Assert.Equal(HttpStatusCode.Created, (await client.PostAsync($"{call}/entries", $"member+juror/{Guid.NewGuid()}=ana", idea)).Status);
    }

    [Fact]
    public async Task Until_the_deadline_an_idea_is_read_by_who_entered_it_and_their_subject_alone()
    {
        await using var here = await Here.StartAsync(servers);
        using var client = here.Client();
        var call = await here.OpenAsync();
        var subject = await PublishedAsync(here, "cene");
        var idea = await here.EnterAsync(call, $"member/{subject}=ana", "Skrivnost", subject);
        await here.EnterAsync(call, "member=bor", "Druga");

        foreach (var who in (string[])["coordinator", "juror", $"juror/{call.Split('/')[^1]}", "coordinator+juror+auditor=vid"])
            await NothingIsReadAsync(who, HttpStatusCode.Conflict);
        foreach (var who in (string[])["member=bor", "member+juror=eva", "member+coordinator=eva", $"member/{Guid.NewGuid()}=eva"])
            await NothingIsReadAsync(who, HttpStatusCode.NotFound);
        Assert.Equal(HttpStatusCode.Conflict, (await client.PostAsync($"{call}/entries/{idea}/scores", "juror", new { points = 1 })).Status);
        Assert.Equal(2, (int)(await client.GetAsync($"{call}/entry-count", "coordinator")).Body!["entries"]!);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync($"{call}/entry-count", "juror")).Status);
        Assert.DoesNotContain("Skrivnost", (await client.GetAsync("/gorenjska/challenges/events?pageSize=500", "integrator")).Body!.ToJsonString(), StringComparison.Ordinal);

        var own = (await client.GetAsync($"{call}/entries/{idea}", $"member/{subject}=ana")).Body!;
        Assert.Equal(("Skrivnost", Here.Address), ((string?)own["title"], (string?)own["contactEmail"]));
        var colleague = await client.GetAsync($"{call}/entries", $"member/{subject}=dan");
        Assert.Equal(("Skrivnost", null), ((string?)Assert.Single(colleague.Body!["items"]!.AsArray())!["title"], (string?)colleague.Body["items"]![0]!["contactEmail"]));
        Assert.Equal("Skrivnost", (string?)(await client.GetAsync($"{call}/entries/{idea}", $"member/{subject}=dan")).Body!["title"]);

        here.PassDeadline();
        foreach (var who in (string[])["coordinator", "juror"])
            Assert.Equal(2, (int)(await client.GetAsync($"{call}/entries", who)).Body!["total"]!);

        async Task NothingIsReadAsync(string who, HttpStatusCode refusal)
        {
            var (one, all) = (await client.GetAsync($"{call}/entries/{idea}", who), await client.GetAsync($"{call}/entries", who));
            Assert.Equal((who, refusal), (who, one.Status));
            Assert.Equal((who, refusal == HttpStatusCode.NotFound ? HttpStatusCode.OK : refusal), (who, all.Status));
            Assert.DoesNotContain("Skrivnost", $"{one.Body}{all.Body}", StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Nobody_scores_or_awards_where_they_or_their_subject_compete()
    {
        await using var here = await Here.StartAsync(servers);
        using var client = here.Client();
        var call = await here.OpenAsync();
        var subject = await PublishedAsync(here, "cene");
        var theirs = await here.EnterAsync(call, $"member/{subject}=ana", "Zamisel", subject);
        var another = await here.EnterAsync(call, "member=bor", "Druga");
        await here.RegistrySaysAsync(subject, new SubjectHidden(SubjectId.From(Guid.Parse(subject)), HiddenBecause.Hidden));
        here.PassDeadline();

        // Ana and Bor have entered ideas, Cene has registered Ana's subject and hidden it, Dan is a member of it.
        (string Who, bool IsOwn)[] onTheirs = [("=ana", true), ("=bor", false), ("=cene", true), ($"+member/{subject}=dan", true)];
        foreach (var (who, isOwn) in onTheirs)
        {
            await IsRefusedAsync(theirs, who, isOwn ? "own" : "competes");
            await IsRefusedAsync(another, who, who == "=bor" ? "own" : "competes");
        }

        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{call}/entries/{theirs}/scores", "juror=eva", new { points = 90 })).Status);
        Assert.Equal(HttpStatusCode.OK, (await AwardAsync(theirs, "coordinator=eva")).Status);

        async Task IsRefusedAsync(string entry, string who, string rule)
        {
            foreach (var refused in (Answer[])[
                await client.PostAsync($"{call}/entries/{entry}/scores", $"juror{who}", new { points = 0 }), await AwardAsync(entry, $"coordinator{who}")])
            {
                Assert.Equal((who, HttpStatusCode.Forbidden), (who, refused.Status));
                Assert.Contains(rule, refused.Detail, StringComparison.Ordinal);
            }
        }

        Task<Answer> AwardAsync(string entry, string who) =>
            client.PostAsync($"{call}/awards", who, new { entryId = entry, amount = new { amount = 100, currency = "EUR" } });
    }

    [Fact]
    public async Task An_idea_is_taken_back_until_the_deadline_by_those_whose_it_is()
    {
        await using var here = await Here.StartAsync(servers);
        using var client = here.Client();
        var call = await here.OpenAsync();
        var subject = await PublishedAsync(here, "cene");
        var (first, second, third) = (await here.EnterAsync(call, "member=ana", "Prva"), await here.EnterAsync(call, $"member/{subject}=ana", "Druga", subject), await here.EnterAsync(call, "member=bor", "Tretja"));

        Assert.Equal(HttpStatusCode.NotFound, (await client.PostAsync($"{call}/entries/{first}/withdrawal", "member=bor")).Status);
        var withdrawn = await client.PostAsync($"{call}/entries/{first}/withdrawal", "member=ana");
        Assert.Equal((HttpStatusCode.OK, true), (withdrawn.Status, (bool)withdrawn.Body!["isWithdrawn"]!));
        Assert.DoesNotContain("Prva", withdrawn.Body.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Conflict, (await client.PostAsync($"{call}/entries/{first}/withdrawal", "member=ana")).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{call}/entries/{second}/withdrawal", $"member/{subject}=dan")).Status);
        Assert.Equal(1, (int)(await client.GetAsync($"{call}/entry-count", "coordinator")).Body!["entries"]!);
        Assert.Equal(0, (int)(await client.GetAsync($"{call}/entries", "member=ana")).Body!["total"]!);
        here.PassDeadline();

        // Who took theirs back competes no more; and what was taken back is judged by nobody.
        Assert.Equal(HttpStatusCode.Conflict, (await client.PostAsync($"{call}/entries/{third}/withdrawal", "member=bor")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await client.PostAsync($"{call}/entries/{first}/scores", "juror", new { points = 50 })).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{call}/entries/{third}/scores", "juror=ana", new { points = 50 })).Status);
        Assert.Equal(1, (int)(await client.GetAsync($"{call}/entries", "coordinator")).Body!["total"]!);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"{call}/entries/{first}", "coordinator")).Status);
        var award = await client.PostAsync($"{call}/awards", "coordinator", new { entryId = first, amount = new { amount = 100, currency = "EUR" } });
        Assert.Equal(HttpStatusCode.NotFound, award.Status);
        var told = await client.GetAsync("/gorenjska/challenges/events?type=kki.challenges.entry-withdrawn.v1", "integrator");
        Assert.Equal(2, told.Body!["items"]!.AsArray().Count);
    }

    // A published subject that somebody has registered.
    private static async Task<string> PublishedAsync(Here here, string owner)
    {
        var subject = SubjectId.From(Guid.NewGuid());
        await here.RegistrySaysAsync(
            subject.ToString(), new SubjectPublished(subject, SubjectKind.CreativeCompany, [13], ["keramika"], "052", [], [], OwnerKey: AccountKey.Of(subject, owner)));
        return subject.ToString();
    }
}
