using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;
using KkiMesh.TestKit;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

[assembly: AssemblyFixture(typeof(TestServers))]

namespace KkiMesh.Challenges.Tests;

/// <summary>What a challenge is decided on: who may read it, and whether it is what was decided on.</summary>
public sealed class DecisionTests(TestServers servers)
{
    private const string Address = Here.Address;

    [Fact]
    public async Task Auditors_read_ideas_scores_and_reasons_of_a_concluded_challenge_and_not_whom_to_write_to()
    {
        await using var here = await Here.StartAsync(servers);
        using var client = here.Client();
        var call = await here.OpenAsync();
        var idea = await here.EnterAsync(call, "member", "Zamisel");
        here.PassDeadline();
        await client.PostAsync($"{call}/entries/{idea}/scores", "juror-1", new { points = 80, note = "Zrelo\nin izvedljivo 🎨" });

        var early = await client.GetAsync($"{call}/entries", "auditor");
        Assert.Equal((HttpStatusCode.Conflict, HttpStatusCode.Conflict), (early.Status, (await client.GetAsync($"{call}/entries/{idea}", "auditor")).Status));
        Assert.Equal(HttpStatusCode.Conflict, (await client.GetAsync($"{call}/decision-record", "auditor")).Status);
        await here.ConcludeAsync(call);

        var read = await client.GetAsync($"{call}/entries", "auditor");
        var one = (JsonObject)Assert.Single(read.Body!["items"]!.AsArray())!;
        Assert.Equal("Zrelo\nin izvedljivo 🎨", (string?)one["scores"]![0]!["note"]);
        Assert.Equal(one.ToJsonString(), (await client.GetAsync($"{call}/entries/{idea}", "auditor")).Body!.ToJsonString());
        Assert.DoesNotContain(Address, one.ToJsonString(), StringComparison.Ordinal);
        Assert.Null(one["owner"]);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync($"{call}/entries", "treasurer")).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/gorenjska/challenges/events?correlation=x", "auditor")).Status);
    }

    [Fact]
    public async Task Whom_to_write_to_is_seen_by_who_entered_an_idea_and_by_its_organiser_only()
    {
        await using var here = await Here.StartAsync(servers);
        using var client = here.Client();
        var call = await here.OpenAsync();
        var entry = $"{call}/entries/{await here.EnterAsync(call, "member-1", "Zamisel")}";
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(entry, "member-2")).Status);
        here.PassDeadline();

        var scored = await client.PostAsync($"{entry}/scores", "juror-1", new { points = 80 });
        Assert.Equal(80, (int)scored.Body!["points"]!);
        Answer[] ofJurors = [scored, await client.GetAsync(entry, "juror-2"), await client.GetAsync($"{call}/entries", "juror-2")];
        Assert.All(ofJurors, a => Assert.Equal((HttpStatusCode.OK, false), (a.Status, a.Body!.ToJsonString().Contains(Address, StringComparison.Ordinal))));
        Answer[] ofOrganisers = [await client.GetAsync(entry, "coordinator"), await client.GetAsync($"{call}/entries", "coordinator")];
        Assert.All(ofOrganisers, a => Assert.Contains(Address, a.Body!.ToJsonString(), StringComparison.Ordinal));
        var own = await client.GetAsync(entry, "member-1");
        Assert.Equal((Address, 0), ((string?)own.Body!["contactEmail"], own.Body["scores"]!.AsArray().Count));
        Assert.Equal(1, (int)(await client.GetAsync($"{call}/entries", "member-1")).Body!["total"]!);
        Assert.Equal(0, (int)(await client.GetAsync($"{call}/entries", "member-2")).Body!["total"]!);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync(entry, "treasurer")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync(entry)).Status);
        await IsWrittenDown(client, entry);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"/gorenjska/challenges/{Guid.NewGuid()}/entries/{entry.Split('/')[^1]}", "coordinator")).Status);
    }

    [Fact]
    public async Task What_was_decided_on_is_recorded_and_anybody_who_reads_it_finds_what_was_changed_since()
    {
        await using var here = await Here.StartAsync(servers);
        using var client = here.Client();
        var call = await here.OpenAsync();
        var ideasOf = new List<(string Idea, int Points)>();
        foreach (var (title, points) in ((string, int)[])[("Prva", 80), ("Druga", 40), ("Tretja", 0)])
        {
            var idea = await here.EnterAsync(call, "member", title);
            ideasOf.Add((idea, points));
        }

        here.PassDeadline();
        foreach (var (idea, points) in ideasOf)
        {
            foreach (var juror in (string[])["juror-2", "juror-1"])
                await client.PostAsync($"{call}/entries/{idea}/scores", juror, new { points, note = points == 0 ? null : "Zato č 🎨" });
        }

        await here.ConcludeAsync(call);
        here.Time.Advance(TimeSpan.FromSeconds(61));
        var record = await Eventually.Is(() => client.GetAsync($"{call}/decision-record", "auditor"), a => a.Body?["recorded"] is not null);

        Assert.Equal((3, true), ((int)record.Body!["entries"]!, (bool)record.Body["holds"]!));
        var ideas = (await client.GetAsync($"{call}/entries", "auditor")).Body!["items"]!.AsArray();
        Assert.Equal(MadeAnew((string)record.Body["challengeId"]!, ideas), (string?)record.Body["recorded"]);
        var told = await client.GetAsync("/gorenjska/challenges/events?type=kki.challenges.decision-recorded.v1", "auditor");
        Assert.Equal((string?)record.Body["recorded"], (string?)Assert.Single(told.Body!["items"]!.AsArray())!["data"]!["record"]);

        await here.DoAsync("update mt_doc_entry set data = jsonb_set(data, '{scores,0,note}', '\"Zato.\"') where data ->> 'title' = 'Druga'");
        var tampered = await client.GetAsync($"{call}/decision-record", "auditor");
        Assert.False((bool)tampered.Body!["holds"]!);
        Assert.Equal((string?)record.Body["recorded"], (string?)tampered.Body["recorded"]);
    }

    [Fact]
    public async Task No_score_and_no_idea_slips_in_beside_a_conclusion()
    {
        await using var here = await Here.StartAsync(servers);
        using var client = here.Client();
        for (var round = 0; round < Sizes.Of(5, 50); round++)
        {
            var call = await here.OpenAsync();
            var idea = await here.EnterAsync(call, "member", "Zamisel");
            here.PassDeadline();
            var scores = Enumerable.Range(0, 10).Select(i => client.PostAsync($"{call}/entries/{idea}/scores", $"juror-{i + 1}", new { points = i })).ToList();
            var concluded = client.PostAsync($"{call}/conclude", "coordinator");
            var taken = (await Task.WhenAll(scores)).Count(a => a.Status == HttpStatusCode.OK);
            Assert.Equal(HttpStatusCode.OK, (await concluded).Status);

            // By their numbers in the store, each score that was taken is from before the conclusion.
            var conclusion = await here.NumberAsync(
                $"select seq_id from mt_events where stream_id = '{call.Split('/')[^1]}' and type = 'kki.challenges.challenge-concluded.v1'");
            Assert.Equal(taken, await here.NumberAsync($"select count(*) from mt_events where stream_id = '{idea}' and type = 'entry_scored'"));
            Assert.Equal(taken, await here.NumberAsync($"select count(*) from mt_events where stream_id = '{idea}' and type = 'entry_scored' and seq_id < {conclusion}"));
        }
    }

    [Fact]
    public async Task From_the_first_award_on_all_scores_stand()
    {
        await using var here = await Here.StartAsync(servers);
        using var client = here.Client();
        var call = await here.OpenAsync();
        var (idea, other) = (await here.EnterAsync(call, "member", "Zamisel"), await here.EnterAsync(call, "member-2", "Druga"));
        here.PassDeadline();
        await client.PostAsync($"{call}/entries/{idea}/scores", "juror-1", new { points = 80 });
        var award = await client.PostAsync($"{call}/awards", "coordinator", new { entryId = idea, amount = new { amount = 100, currency = "EUR" } });
        Assert.Equal(HttpStatusCode.OK, award.Status);

        // Of the others, too: whom they were compared with is decided.
        foreach (var scored in (string[])[idea, other])
        {
            var late = await client.PostAsync($"{call}/entries/{scored}/scores", "juror-1", new { points = 10 });
            Assert.Equal(HttpStatusCode.Conflict, late.Status);
            Assert.Contains("scores stand", late.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_challenge_that_cannot_be_read_keeps_no_other_from_being_recorded()
    {
        await using var here = await Here.StartAsync(servers);
        using var client = here.Client();
        var (bad, good) = (await here.OpenAsync(), await here.OpenAsync());
        await here.EnterAsync(bad, "member", "Zamisel");
        await here.DoAsync("update mt_doc_entry set data = jsonb_set(data, '{scores}', '7')");
        await here.ConcludeAsync(bad);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{good}/conclude", "coordinator")).Status);

        here.Time.Advance(TimeSpan.FromSeconds(61));

        await Eventually.Is(() => client.GetAsync($"{good}/decision-record", "auditor"), a => a.Body?["recorded"] is not null);
        Assert.Null((await client.GetAsync(bad)).Body!["record"]);
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

    // As the document says, from what an auditor has read.
    private static string MadeAnew(string challenge, JsonArray ideas)
    {
        var texts = new List<string?> { challenge };
        foreach (var idea in ideas.OrderBy(i => (string)i!["id"]!, StringComparer.Ordinal))
        {
            var said = new List<string?>();
            foreach (var name in (string[])["id", "title", "summary", "applicant", "municipality", "subjectId"])
                said.Add((string?)idea![name]);
            foreach (var score in idea!["scores"]!.AsArray().OrderBy(s => (string)s!["juror"]!, StringComparer.Ordinal))
                said.AddRange([(string?)score!["juror"], ((int)score["points"]!).ToString(CultureInfo.InvariantCulture), (string?)score["note"]]);
            texts.AddRange([(string?)idea["id"], Hash(said)]);
        }

        return Hash(texts);
    }

    private static string Hash(IEnumerable<string?> texts) => Convert.ToHexStringLower(SHA256.HashData(
        Encoding.UTF8.GetBytes(string.Concat(texts.Select(t => t is null ? "-" : $"{Encoding.UTF8.GetByteCount(t)}:{t},")))));
}
