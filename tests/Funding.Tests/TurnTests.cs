using System.Net;
using KkiMesh.TestKit;
using Npgsql;

namespace KkiMesh.Funding.Tests;

/// <summary>
/// What spans several streams is done one at a time; and nobody waits for what is about something else.
/// </summary>
public sealed class TurnTests(RunningFunding funding, TestServers servers) : IClassFixture<RunningFunding>
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
        var agreement = new { number = "1", signedOn = $"{funding.Today:yyyy-MM-dd}", reportDueOn = "2027-06-30", document, isDeMinimis = true, beneficiary = "SI50223054" };
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

    [Fact]
    public async Task Many_different_turns_at_once_do_not_take_all_connections_from_each_other()
    {
        await using var place = await servers.NewPlaceAsync();
        place.Settings["Mesh:Database:PoolSize"] = "8";
        await using var registry = await Publisher.StartAsync(place, "registry");
        await using var small = await RunningService.StartAsync<PlanRow>(place, "funding", funding.Time, registry);
        using var client = small.Client();
        var findings = (await client.GetAsync($"{Root}/findings?pageSize=100", "treasurer")).Body!["items"]!.AsArray().Select(f => (string)f!["id"]!).ToList();

        var answers = await Task.WhenAll(findings.Select(
            f => client.PostAsync($"{Root}/findings/{f}/decision", "coordinator", new { outcome = "keep-as-printed", reason = "Odbor" })));

        Assert.True(findings.Count > 8);
        Assert.All(answers, a => Assert.Equal(HttpStatusCode.OK, a.Status));
    }
}
