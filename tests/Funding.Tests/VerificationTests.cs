using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.TestKit;

namespace KkiMesh.Funding.Tests;

/// <summary>Whoever changes the books behind the ledger's back is found out, with the place.</summary>
public sealed class VerificationTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    [Theory]
    [InlineData("update mt_events set data = jsonb_set(data, '{amount,amount}', '201') where {third}", 3, "not what was recorded")]
    [InlineData("update mt_events set data = jsonb_set(data, '{purpose}', '\"y\"') where {third}", 3, "not what was recorded")]
    [InlineData("update mt_events set user_name = 'somebody' where {third}", 3, "not what was recorded")]
    [InlineData("update mt_events set correlation_id = 'else' where {third}", 3, "not what was recorded")]
    [InlineData("update mt_events set headers = jsonb_set(headers, '{recordedat}', '\"2020-01-01T00:00:00.0000000Z\"') where {third}", 3, "not what was recorded")]
    [InlineData("update mt_events set headers = headers - 'hash' where {third}", 3, "not what was recorded")]
    [InlineData("delete from mt_events where {third}", 4, "3 is missing")]
    [InlineData("delete from mt_events where {last}", null, "not as many as were recorded")]
    [InlineData("insert into mt_events (seq_id, id, stream_id, version, data, type, tenant_id, mt_dotnet_type, user_name, correlation_id, causation_id, headers) select nextval('mt_events_sequence'), gen_random_uuid(), stream_id, version + 1, data, type, tenant_id, mt_dotnet_type, user_name, correlation_id, causation_id, headers from mt_events where {last}", 6, "not what was recorded")]
    [InlineData("insert into mt_doc_reservation (id, data, tenant_id) select gen_random_uuid()::text, data, tenant_id from mt_doc_reservation where id = (select min(id) from mt_doc_reservation where data ->> 'row' = '{row}')", null, "that no transaction made")]
    [InlineData("update mt_doc_planrow set data = jsonb_set(data, '{funds,0,balance,available,amount}', '5') where id = '{row}'", null, "stored balance")]
    [InlineData("update mt_doc_reservation set data = jsonb_set(data, '{remaining,0,amount,amount}', '5') where id = (select min(id) from mt_doc_reservation where data ->> 'row' = '{row}')", null, "stored reservation")]
    [InlineData("delete from mt_doc_reservation where id = (select min(id) from mt_doc_reservation where data ->> 'row' = '{row}')", null, "stored reservation")]
    [InlineData("update journal set business_date = '2021-01-01' where row = '{row}' and version = 3", 3, "journal's line")]
    [InlineData("insert into journal select region, row, 99, fiscal_year, source, transaction_id, business_date, recorded_at, is_late, reservation_id, commitment_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 from journal where row = '{row}' and version = 3", null, "that are not there")]
    public async Task A_single_change_is_found_with_its_place(string change, int? transaction, string what)
    {
        var row = await ARowWithFiveTransactionsAsync();
        await funding.TamperAsync(change
            .Replace("{third}", $"stream_id = '{row}' and version = 3", StringComparison.Ordinal)
            .Replace("{last}", $"stream_id = '{row}' and version = (select max(version) from mt_events where stream_id = '{row}')", StringComparison.Ordinal)
            .Replace("{row}", row, StringComparison.Ordinal));

        var result = await funding.VerifyAsync();

        Assert.False((bool)result["isIntact"]!);
        Assert.Contains(Faults(result), f => (string?)f["row"] == row && (int?)f["transaction"] == transaction && ((string)f["what"]!).Contains(what, StringComparison.Ordinal));
        // Nothing else is accused of it.
        Assert.All(Faults(result), f => Assert.Contains((string)f["row"]!, Tampered));
    }

    [Fact]
    public async Task Who_removes_the_newest_transactions_with_every_trace_is_found_by_the_seal_that_came_after_them()
    {
        var row = await ARowWithFiveTransactionsAsync();
        using var client = funding.Client();
        await Eventually.Is(
            () =>
            {
                funding.Time.Advance(TimeSpan.FromMinutes(1));
                return client.GetAsync("/gorenjska/funding/seals");
            },
            seals => seals.Status == HttpStatusCode.OK && seals.Body!["items"]!.AsArray().SelectMany(s => s!["heads"]!.AsArray()).Any(h => (string?)h!["stream"] == row && (long)h["sequence"]! == 5));
        var seal = (string)(await client.GetAsync("/gorenjska/funding/seals")).Body!["items"]![0]!["hash"]!;
        Assert.DoesNotContain(Faults(await funding.VerifyAsync(seal)), f => (string?)f["row"] == "seals" || (string?)f["row"] == row);

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

    [Fact]
    public async Task Only_auditors_and_treasurers_look_into_all_books()
    {
        using var client = funding.Client();

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/gorenjska/funding/verification")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync("/gorenjska/funding/verification", "coordinator")).Status);
    }

    // A row for each change: what was tampered with stays so.
    private static readonly string[] Rows = ["U1-A5", "U3-A1", "U3-A3", "U3-P1", "U3-P4", "U3-P5", "U3-P6", "U3-P7", "U4-A2", "U6-A1", "U6-A2", "U6-P2", "U6-P3a", "U6-A3", "U6-P3b", "U3-P3", "U2-A1+A2"];
    private static int _next;

    private static IEnumerable<string> Tampered => Rows.Take(_next);

    private async Task<string> ARowWithFiveTransactionsAsync()
    {
        var row = Rows[Interlocked.Increment(ref _next) - 1];
        using var client = funding.Client();
        var year = (await client.GetAsync($"/gorenjska/funding/rows/{row}")).Body!["balances"]!.AsObject().Select(b => int.Parse(b.Key, null)).Max();
        for (var i = 0; i < 4; i++)
        {
            var reserved = await client.PostAsync(
                $"/gorenjska/funding/rows/{row}/reservations", "treasurer", new { fiscalYear = year, amount = new { amount = 200, currency = "EUR" }, purpose = "x" });
            Assert.Equal(HttpStatusCode.Created, reserved.Status);
        }

        return row;
    }

    private static IEnumerable<JsonNode> Faults(JsonNode result) => result["faults"]!.AsArray().Select(f => f!);
}
