using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.TestKit;
using Npgsql;

namespace KkiMesh.Funding.Tests;

/// <summary>The ledger is sealed, so that its end cannot be taken away.</summary>
public sealed class SealTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    [Fact]
    public async Task Who_removes_the_newest_transactions_with_every_trace_is_found_by_the_seal_that_came_after_them()
    {
        const string row = "U3-P5";
        using var client = funding.Client();
        for (var i = 0; i < 4; i++)
            await client.PostAsync($"/gorenjska/funding/rows/{row}/reservations", "treasurer", new { fiscalYear = 2023, amount = new { amount = 200, currency = "EUR" }, purpose = "x" });
        await SealedAsync(client, row, 5);
        var seal = (string)(await client.GetAsync("/gorenjska/funding/seals")).Body!["items"]![0]!["hash"]!;
        // Another test may have tampered with rows of its own.
        Assert.DoesNotContain(Faults(await funding.VerifyAsync(seal)), f => (string?)f["row"] is row or "seals");

        await funding.TamperAsync(
            $"delete from mt_events where stream_id = '{row}' and version = 5",
            $"update mt_streams set version = 4 where id = '{row}'",
            $"delete from journal where row = '{row}' and version = 5",
            $"delete from mt_doc_reservation where id = (select max(id) from mt_doc_reservation where data ->> 'row' = '{row}')",
            $"update mt_doc_planrow set data = data || jsonb_build_object('head', (select headers ->> 'hash' from mt_events where stream_id = '{row}' and version = 4)) where id = '{row}'");

        Assert.Contains(Faults(await funding.VerifyAsync()), f => (string?)f["row"] == row && (int?)f["transaction"] == 5 && ((string)f["what"]!).Contains("was sealed and is not there", StringComparison.Ordinal));

        // Whoever removes the seal, too, does not know who has kept it.
        Assert.Contains(Faults(await funding.VerifyAsync(new string('0', 64))), f => (string?)f["row"] == "seals" && ((string)f["what"]!).Contains("No seal", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_changes_a_transaction_and_all_hashes_after_it_is_found_by_the_seal_and_so_is_who_removes_a_stream_with_every_trace()
    {
        using var client = funding.Client();
        await client.PostAsync("/gorenjska/funding/findings/D2/decision", "coordinator", new { outcome = "keep-as-printed", reason = "Odbor" });
        await SealedAsync(client, "findings/D2", 1);
        await SealedAsync(client, "U6-A1", 1);

        // One event has no others whose hashes would have to be made anew.
        await funding.TamperAsync(
            "update mt_events set headers = jsonb_set(headers, '{hash}', to_jsonb(repeat('0', 64))) where stream_id = 'U6-A1' and version = 1",
            "delete from mt_events where stream_id = 'findings/D2'",
            "delete from mt_streams where id = 'findings/D2'",
            "delete from mt_doc_findingdecision where id = 'findings/D2'");
        var faults = Faults(await funding.VerifyAsync()).ToList();

        Assert.Contains(faults, f => ((string?)f["row"], (int?)f["transaction"], (string?)f["what"]) == ("U6-A1", 1, "It is not what was sealed."));
        // Each is told where its row is, for who reads along; that a seal is not there, with the seals.
        var told = (await funding.LinesAsync(HttpMethod.Get, $"verification?seal={new string('0', 64)}", "auditor"))
            .Where(line => line["row"] is not null).SelectMany(Faults).Select(f => $"{f["row"]} {f["transaction"]} {f["what"]}").ToList();
        Assert.Contains("seals  No seal of the ledger has the hash that was named.", told);
        Assert.Contains("U6-A1 1 It is not what was sealed.", told);
        Assert.Contains("findings/D2 1 It was sealed and is not there: 1 transactions were removed from the end.", told);
        Assert.Contains(faults, f => ((string?)f["row"], (int?)f["transaction"], (string?)f["what"]) == ("findings/D2", 1, "It was sealed and is not there: 1 transactions were removed from the end."));
    }

    [Fact]
    public async Task The_record_of_a_decision_is_sealed_with_the_money_and_each_event_leads_to_the_first_seal_that_covers_it()
    {
        using var client = funding.Client();
        var (challenge, record) = (new ChallengeId(Guid.CreateVersion7()), new string('a', 64));
        await using var challenges = await Integrator.ListenAsync(funding.Broker, "nothing");
        await challenges.PublishAsync("gorenjska.challenges.decision-recorded.v1", Told(new DecisionRecorded(challenge, "U3-P4", 3, record)));

        var filed = (await Eventually.Is(
            () => client.GetAsync($"/gorenjska/funding/events?correlation={challenge}&type=kki.funding.decision-filed.v1", "auditor"),
            a => a.Body?["items"]!.AsArray().Count > 0)).Body!["items"]![0]!;
        Assert.Equal((challenge.ToString(), 3, record), ((string?)filed["data"]!["challengeId"], (int)filed["data"]!["entries"]!, (string?)filed["data"]!["record"]));
        var sequence = int.Parse((string)filed["sequence"]!, CultureInfo.InvariantCulture);
        var seals = $"/gorenjska/funding/seals?stream=U3-P4&sequence={sequence}";
        var covered = await Eventually.Is(
            () =>
            {
                funding.Time.Advance(TimeSpan.FromMinutes(1));
                return client.GetAsync(seals, "auditor");
            },
            a => (int?)a.Body?["total"] == 1);

        // The first whose heads reach it, out of all of them.
        var all = new List<JsonNode>();
        for (var page = 1; ; page++)
        {
            var read = (await client.GetAsync($"/gorenjska/funding/seals?page={page}&pageSize=100")).Body!;
            all.AddRange(read["items"]!.AsArray().Select(s => s!));
            if (all.Count >= (int)read["total"]!)
                break;
        }

        foreach (var version in (int[])[1, sequence])
        {
            var first = all.Last(s => s["heads"]!.AsArray().Any(h => (string)h!["stream"]! == "U3-P4" && (int)h["sequence"]! >= version));
            var found = (await client.GetAsync($"/gorenjska/funding/seals?stream=U3-P4&sequence={version}")).Body!["items"]!.AsArray();
            Assert.Equal((string?)first["hash"], (string?)Assert.Single(found)!["hash"]);
        }

        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/gorenjska/funding/seals?stream=U3-P4&sequence=99999")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/gorenjska/funding/seals?stream=U9-P9&sequence=1")).Status);
        var half = await client.GetAsync("/gorenjska/funding/seals?stream=U3-P4");
        Assert.Equal(HttpStatusCode.BadRequest, half.Status);
        Assert.NotNull(half.Body!["errors"]!["sequence"]);
        Assert.Equal((string?)covered.Body!["items"]![0]!["hash"], (string?)(await client.GetAsync(seals)).Body!["items"]![0]!["hash"]);
    }

    private byte[] Told(DecisionRecorded decision) => JsonSerializer.SerializeToUtf8Bytes(new JsonObject
    {
        ["specversion"] = "1.0",
        ["id"] = Guid.CreateVersion7().ToString(),
        ["source"] = "/gorenjska/challenges",
        ["type"] = "kki.challenges.decision-recorded.v1",
        ["subject"] = decision.ChallengeId.ToString(),
        ["time"] = funding.Time.GetUtcNow().ToString("O"),
        ["datacontenttype"] = "application/json",
        ["kkiregion"] = "gorenjska",
        ["correlationid"] = decision.ChallengeId.ToString(),
        ["data"] = JsonSerializer.SerializeToNode(decision, ContractJson.Options),
    });

    [Fact]
    public async Task Only_what_has_grown_is_sealed_by_one_replica_at_a_time()
    {
        const string row = "U3-P6";
        using var client = funding.Client();
        await ReserveAsync();
        await SealedAsync(client, row, 2);
        await using var database = NpgsqlDataSource.Create(await funding.DatabaseAsync());
        await using var somebody = await database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using (var turn = await somebody.BeginTransactionAsync(TestContext.Current.CancellationToken))
        {
            await using var take = new NpgsqlCommand("select pg_advisory_xact_lock(hashtextextended('gorenjska/seal-ledger', 0))", somebody);
            await take.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            var before = await TotalAsync();
            for (var minute = 0; minute < 15; minute++)
            {
                funding.Time.Advance(TimeSpan.FromMinutes(1));
                await ReserveAsync();
            }

            Assert.Equal(before, await TotalAsync());
        }

        await SealedAsync(client, row, 17);
        var newest = (await client.GetAsync("/gorenjska/funding/seals?pageSize=1")).Body!["items"]![0]!["heads"]!.AsArray();
        Assert.Equal([(row, 17)], newest.Select(h => ((string?)h!["stream"], (long)h["sequence"]!)));
        // What is written down of a seal says which, and not what has grown before.
        await using var read = database.CreateCommand("select count(*) from mt_doc_sealedledger where data -> 'heads' is not null");
        Assert.Equal(0L, await read.ExecuteScalarAsync(TestContext.Current.CancellationToken));

        async Task ReserveAsync() => Assert.Equal(HttpStatusCode.Created, (await client.PostAsync(
            $"/gorenjska/funding/rows/{row}/reservations", "treasurer", new { fiscalYear = 2023, amount = new { amount = 1, currency = "EUR" }, purpose = "x" })).Status);

        async Task<long> TotalAsync() => (long)(await client.GetAsync("/gorenjska/funding/seals?pageSize=1")).Body!["total"]!;
    }

    private async Task SealedAsync(Client client, string stream, long sequence) => await Eventually.Is(
        () =>
        {
            funding.Time.Advance(TimeSpan.FromMinutes(1));
            return client.GetAsync("/gorenjska/funding/seals?pageSize=100");
        },
        seals => seals.Status == HttpStatusCode.OK
            && seals.Body!["items"]!.AsArray().SelectMany(s => s!["heads"]!.AsArray()).Any(h => (string?)h!["stream"] == stream && (long)h["sequence"]! == sequence));

    private static IEnumerable<JsonNode> Faults(JsonNode result) => result["faults"]!.AsArray().Select(f => f!);
}
