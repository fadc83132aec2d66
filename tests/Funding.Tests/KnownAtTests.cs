using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace KkiMesh.Funding.Tests;

/// <summary>What was known at a moment stays so, whatever the clocks of two replicas say.</summary>
public sealed class KnownAtTests(TestServers servers) : IAsyncLifetime
{
    private const string Root = "/gorenjska/funding";
    private static readonly string[] Rows = ["U3-P5", "U3-P6"];
    private static readonly TimeSpan Apart = TimeSpan.FromSeconds(20);
    private readonly FakeTimeProvider[] _clocks = [.. ((TimeSpan[])[TimeSpan.Zero, -Apart]).Select(by => new FakeTimeProvider(new DateTimeOffset(2026, 11, 25, 9, 0, 0, TimeSpan.Zero) + by))];
    private readonly List<RunningService<PlanRow>> _replicas = [];
    private Place? _place;
    private Publisher? _registry;

    public async ValueTask InitializeAsync()
    {
        _place = await servers.NewPlaceAsync();
        _registry = await Publisher.StartAsync(_place, "registry");
        await _registry.TellAsync("052", new MunicipalityListed("052", "Kranj", "Kranj", 46.2, 14.3));
        foreach (var clock in _clocks)
            _replicas.Add(await RunningService.StartAsync<PlanRow>(_place, "funding", clock, _registry));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas)
            await replica.DisposeAsync();
        await _registry!.DisposeAsync();
        await _place!.DisposeAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task An_answer_that_was_given_for_a_moment_is_the_same_later(int seed)
    {
        var random = new Random(seed);
        var clients = _replicas.Select(r => r.Client()).ToList();
        var noted = new List<(string Path, string KnownAt, string Answer)>();
        for (var round = 0; round < 12; round++)
        {
            var writes = Enumerable.Range(0, 8).Select(_ => (Client: clients[random.Next(2)], Row: Rows[random.Next(Rows.Length)], Cents: random.Next(1, 500))).ToList();
            var reads = Enumerable.Range(0, 4).Select(_ => (Client: clients[random.Next(2)], Path: Path(random))).ToList();
            // While others write.
            var writing = writes.Select(w => ReserveAsync(w.Client, w.Row, w.Cents)).ToList();
            var answers = await Task.WhenAll(reads.Select(async r => (r.Path, Answer: await r.Client.GetAsync(r.Path, "auditor"))));
            noted.AddRange(answers.Select(a => (a.Path, (string)a.Answer.Body!["knownAt"]!, Text(a.Answer))));
            await Task.WhenAll(writing);
            foreach (var clock in _clocks)
                clock.Advance(TimeSpan.FromMilliseconds(random.Next(0, 3) * 700));
        }

        foreach (var (path, knownAt, answer) in noted)
        {
            foreach (var client in clients)
                Assert.Equal(answer, Text(await client.GetAsync($"{path}&knownAt={Uri.EscapeDataString(knownAt)}", "auditor")));
        }

        Assert.True(noted.Select(n => n.Answer).Distinct().Count() > 12);
        Assert.True((bool)(await VerifyAsync())["isIntact"]!);
    }

    [Fact]
    public async Task What_has_been_answered_is_in_what_is_known_now_at_either_replica()
    {
        using var ahead = _replicas[0].Client();
        using var behind = _replicas[1].Client();
        foreach (var (writes, reads) in ((Client, Client)[])[(ahead, behind), (behind, ahead), (ahead, ahead)])
        {
            var before = Reserved(await reads.GetAsync($"{Root}/balances?row=U3-P5", "auditor"));
            await ReserveAsync(writes, "U3-P5", 100);
            Assert.Equal(before + 100, Reserved(await reads.GetAsync($"{Root}/balances?row=U3-P5", "auditor")));
        }
    }

    [Fact]
    public async Task A_question_for_the_future_does_not_move_the_time_of_recording()
    {
        using var client = _replicas[0].Client();
        var tomorrow = _clocks[0].GetUtcNow().AddDays(1);
        await client.GetAsync($"{Root}/balances?row=U3-P5&knownAt={Uri.EscapeDataString($"{tomorrow:O}")}", "auditor");

        await ReserveAsync(client, "U3-P5", 100);

        var newest = (await client.GetAsync($"{Root}/rows/U3-P5/transactions?pageSize=100")).Body!["items"]!.AsArray()[^1]!;
        Assert.True(DateTimeOffset.Parse((string)newest["at"]!, CultureInfo.InvariantCulture) < tomorrow.AddHours(-1));
    }

    [Fact]
    public async Task Verification_tells_where_recorded_time_ran_backwards()
    {
        using var ahead = _replicas[0].Client();
        using var behind = _replicas[1].Client();
        await ReserveAsync(ahead, "U3-P5", 100);
        await ReserveAsync(ahead, "U3-P6", 100);
        Assert.True((bool)(await VerifyAsync())["isIntact"]!);

        // As it was before replicas shared a clock.
        await using var database = NpgsqlDataSource.Create(await _place!.DatabaseAsync("funding"));
        await using var forget = database.CreateCommand("select setval('mesh_clock', 1)");
        await forget.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await ReserveAsync(behind, "U3-P5", 100);
        var faults = (await VerifyAsync())["faults"]!.AsArray();

        Assert.Equal([("U3-P5", 3)], faults.Select(f => ((string)f!["row"]!, (int)f["transaction"]!)));
        Assert.Contains("ran backwards", (string)faults[0]!["what"]!, StringComparison.Ordinal);

        // The replica that is behind seals what the other one recorded.
        await Eventually.Is(
            async () =>
            {
                _clocks[1].Advance(TimeSpan.FromMilliseconds(1));
                await forget.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
                await _replicas[1].Services.GetServices<IHostedService>().OfType<SealLedger>().Single().SealAsync("gorenjska", CancellationToken.None);
                return (await VerifyAsync())["faults"]!.AsArray();
            },
            all => all.Any(f => (string?)f!["row"] == "U3-P6" && ((string)f["what"]!).Contains("ran backwards", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_database_that_takes_no_writes_still_answers_what_is_known()
    {
        using var client = _replicas[0].Client();
        await ReserveAsync(client, "U3-P5", 100);
        var before = Reserved(await client.GetAsync($"{Root}/balances?row=U3-P5", "treasurer"));
        var address = new NpgsqlConnectionStringBuilder(await _place!.DatabaseAsync("funding"));
        await using var admin = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_place.Servers.Postgres) { Database = "postgres" }.ConnectionString);
        await DoAsync($"alter database \"{address.Database}\" set default_transaction_read_only = on");
        await DoAsync($"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{address.Database}'");

        await using var database = NpgsqlDataSource.Create(address.ConnectionString);
        await using var settle = database.CreateCommand("show default_transaction_read_only");
        Assert.Equal("on", await settle.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        var settled = new ServiceDefaults.SettledTime(database, _clocks[0]);
        var moment = await settled.SettleAsync("gorenjska", null, TestContext.Current.CancellationToken);
        await DoAsync($"alter database \"{address.Database}\" reset default_transaction_read_only");

        var then = await Eventually.Is(
            () => client.GetAsync($"{Root}/balances?row=U3-P5&knownAt={Uri.EscapeDataString($"{moment:O}")}", "treasurer"), a => a.Status == HttpStatusCode.OK, 60);
        Assert.Equal(before, Reserved(then));

        async Task DoAsync(string sql)
        {
            await using var command = admin.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
    }

    private static string Path(Random random) => random.Next(4) switch
    {
        0 => $"{Root}/balances?row={Rows[random.Next(Rows.Length)]}",
        1 => $"{Root}/balances?fiscalYear=2023",
        2 => $"{Root}/reports/realisation?by=row",
        _ => $"{Root}/rows/{Rows[random.Next(Rows.Length)]}/statement?fiscalYear=2023",
    };

    private static string Text(Answer answer)
    {
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        return answer.Body!.ToJsonString();
    }

    private static long Reserved(Answer balances) => (long)balances.Body!["total"]!["reserved"]!["amount"]!;

    private static async Task ReserveAsync(Client client, string row, int cents) => Assert.Equal(
        HttpStatusCode.Created,
        (await client.PostAsync($"{Root}/rows/{row}/reservations", "treasurer", new { fiscalYear = 2023, amount = new { amount = cents, currency = "EUR" }, purpose = "x" })).Status);

    private async Task<JsonNode> VerifyAsync()
    {
        using var client = _replicas[0].Client();
        using var http = new HttpClient { BaseAddress = new Uri(client.AddressOf) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", _place!.Issuer.Token("auditor"));
        var lines = (await http.GetStringAsync($"{Root}/verification")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return JsonNode.Parse(lines[^1])!;
    }
}
