using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.TestKit;

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
        await Eventually.Is(
            () =>
            {
                funding.Time.Advance(TimeSpan.FromMinutes(1));
                return client.GetAsync("/gorenjska/funding/seals");
            },
            seals => seals.Status == HttpStatusCode.OK && seals.Body!["items"]!.AsArray().SelectMany(s => s!["heads"]!.AsArray()).Any(h => (string?)h!["stream"] == row && (long)h["sequence"]! == 5));
        var seal = (string)(await client.GetAsync("/gorenjska/funding/seals")).Body!["items"]![0]!["hash"]!;
        Assert.True((bool)(await funding.VerifyAsync(seal))["isIntact"]!);

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
    public void What_is_sealed_is_the_same_after_it_was_stored_whatever_the_streams_are_called()
    {
        var made = SealedLedger.Apply(null, SealedLedger.Stream, new LedgerSealed(1, [new SealedHead("U1-A5", 1, "a"), new SealedHead("findings/D2", 1, "b")], new DateOnly(2026, 11, 25)));

        var read = JsonSerializer.Deserialize<SealedLedger>(JsonSerializer.Serialize(made, ContractJson.Options), ContractJson.Options);

        Assert.True(Stored.Same(made, read));
    }

    private static IEnumerable<JsonNode> Faults(JsonNode result) => result["faults"]!.AsArray().Select(f => f!);
}
