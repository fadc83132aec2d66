using System.Net;
using KkiMesh.TestKit;
using Npgsql;

namespace KkiMesh.Funding.Tests;

/// <summary>What spans several streams is done one at a time; and nobody waits for what is about something else.</summary>
public sealed class TurnTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    private const string Root = "/gorenjska/funding";

    [Fact]
    public async Task Who_waits_for_a_turn_keeps_nobody_from_another_one()
    {
        using var client = funding.Client();
        var amount = new { amount = 1000, currency = "EUR" };
        var reserved = (await client.PostAsync($"{Root}/rows/U3-P5/reservations", "treasurer", new { fiscalYear = 2023, amount, purpose = "x" })).Body!;
        var grant = (await client.PostAsync($"{Root}/rows/U3-P5/reservations/{reserved["id"]}/commitments", "treasurer", new { recipient = "Ana", amount })).Body!["commitments"]![0]!["id"];
        var document = new { name = "Pogodba", sha256 = new string('a', 64), reference = "arhiv/1" };
        var agreement = new { number = "1", signedOn = $"{funding.Today:yyyy-MM-dd}", reportDueOn = "2027-06-30", document, isDeMinimis = true, beneficiary = "SI12345678" };
        await using var database = NpgsqlDataSource.Create(await funding.DatabaseAsync());
        await using var somebody = await database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var turn = await somebody.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await AskAsync("select pg_advisory_xact_lock(hashtextextended('gorenjska/de-minimis', 0))");

        var waits = client.PostAsync($"{Root}/grants/{grant}/agreement", "treasurer", agreement);
        await Eventually.Is(() => AskAsync("select count(*) from pg_locks where locktype = 'advisory' and not granted"), waiting => (long)waiting! == 1);
        var other = await client.PostAsync($"{Root}/payment-orders", "treasurer", new { from = "2026-01-01", to = "2026-01-31" });

        Assert.Equal((HttpStatusCode.Conflict, false), (other.Status, waits.IsCompleted));
        await turn.RollbackAsync(TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, (await waits).Status);

        async Task<object?> AskAsync(string sql)
        {
            await using var ask = new NpgsqlCommand(sql, somebody);
            return await ask.ExecuteScalarAsync(TestContext.Current.CancellationToken);
        }
    }
}
