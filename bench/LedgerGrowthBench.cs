using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.Funding;
using KkiMesh.ServiceDefaults;
using KkiMesh.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace KkiMesh.Bench;

/// <summary>
/// What a row costs that has been through much: a command and a balance of the past on it, against the same on a young
/// row at the same moment; and how fast it is verified and made anew, against a plain read of its events.
/// </summary>
internal static class LedgerGrowthBench
{
    private const string Old = "U6-A2";
    private const string Young = "U6-A3";
    private const int Year = 2026;
    private const int Samples = 300;
    private const int Fillers = 200;

    // What is verified and made anew.
    private const int Events = 1_000_000;

    // A reservation makes two postings; halfway there is at least one.
    private const int Least = 2;

    private static readonly int[] Postings = [1_000, 100_000, 1_000_000];

    public static async Task RunAsync(Session session)
    {
        await using var place = await session.NewPlaceAsync();
        await using var registry = await Publisher.StartAsync(place, "registry");
        await using var funding = await RunningService.StartAsync<PlanRow>(place, "funding", registry);
        var ledger = new LedgerUnderTest(funding.Services);
        var samples = session.Scaled(Samples);
        foreach (var row in (string[])[Old, Young])
            await ledger.GiveAsync(row);
        foreach (var size in Postings.Select(p => Math.Max(Least, session.Scaled(p))))
        {
            await ledger.FillAsync(session, size / 2);
            var command = session.Figure($"command at {size:N0} postings", "one command on the row, alone, against one on a young row", goal: Goal.AtMost(1.2));
            var balance = session.Figure($"balance at {size:N0} postings", "what the row had halfway, against a young row", goal: Goal.AtMost(1.2));
            await session.InRoundsAsync(async counts =>
            {
                var (onOld, onYoung) = await SideBySideAsync(samples, ledger.ReserveAsync);
                var (ofOld, ofYoung) = await SideBySideAsync(samples, ledger.BalanceAsync);
                if (!counts)
                    return;
                command.Ratio(onOld, onYoung, "ms");
                balance.Ratio(ofOld, ofYoung, "ms");
            });
        }

        await ledger.FillAsync(session, session.Scaled(Events));
        using var http = new HttpClient { BaseAddress = new Uri(funding.Client().AddressOf), Timeout = TimeSpan.FromMinutes(15) };
        await RatesAsync(session, http, place, await place.DatabaseAsync("funding"));
    }

    // Each once in turn, so that both have the same weather.
    private static async Task<(double Old, double Young)> SideBySideAsync(int samples, Func<string, Task> once)
    {
        var (old, young) = (new List<double>(), new List<double>());
        for (var i = 0; i < samples; i++)
        {
            old.Add(await Load.MillisecondsAsync(() => once(Old)));
            young.Add(await Load.MillisecondsAsync(() => once(Young)));
        }

        return (Numbers.Median(old), Numbers.Median(young));
    }

    private static async Task RatesAsync(Session session, HttpClient http, Place place, string database)
    {
        var verify = session.Figure("verify", "events a second, against a plain read of the same events in their order");
        var rebuild = session.Figure("rebuild", "the same, all read models made anew");
        for (var round = 1; round <= session.Rounds; round++)
        {
            session.Say($"verifying and rebuilding, round {round} of {session.Rounds}");
            var plain = await RateAsync(() => ReadAsync(database, session.Token));
            verify.Ratio(await RateAsync(() => AskAsync(http, place, HttpMethod.Get, "verification", "auditor", session.Token)), plain, "events/s");
            rebuild.Ratio(await RateAsync(() => AskAsync(http, place, HttpMethod.Post, "ledger/rebuild", "operator", session.Token)), plain, "events/s");
        }
    }

    private static async Task<double> RateAsync(Func<Task<long>> read)
    {
        var watch = Stopwatch.StartNew();
        return await read() / watch.Elapsed.TotalSeconds;
    }

    private static async Task<long> ReadAsync(string database, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync(ct);
        await using var read = new NpgsqlCommand("select version, id, type, data::text, headers::text from mt_events order by tenant_id, stream_id, version", connection) { CommandTimeout = 600 };
        await using var reader = await read.ExecuteReaderAsync(ct);
        var (events, characters) = (0L, 0L);
        while (await reader.ReadAsync(ct))
        {
            characters += reader.GetString(3).Length + reader.GetString(4).Length;
            events++;
        }

        return characters > 0 ? events : 0;
    }

    private static async Task<long> AskAsync(HttpClient http, Place place, HttpMethod method, string path, string role, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, $"/gorenjska/funding/{path}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", place.Issuer.Token(role));
        using var answer = await http.SendAsync(request, ct);
        var result = (await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(ct)).Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        return JsonDocument.Parse(result).RootElement.GetProperty("transactions").GetInt64();
    }

    /// <summary>The service's own ledger, asked as its endpoints ask it.</summary>
    private sealed class LedgerUnderTest(IServiceProvider services)
    {
        private readonly CommandGroups _groups = services.GetRequiredService<CommandGroups>();
        private readonly NpgsqlDataSource _database = services.GetRequiredService<NpgsqlDataSource>();
        private readonly DateOnly _day = BusinessDate.Of(TimeProvider.System.GetUtcNow());
        private long _filled;
        private DateTimeOffset _moment;

        public Task GiveAsync(string row)
        {
            var amount = Money.Eur(10_000_000_000);
            return SaveAsync(receipt => new WaitingCommand<PlanRow>(
                Cause(), row, receipt, plan => plan!.ChangePlan(amount, new PlanChanged(row, Year, FundingSource.Eu, amount, "Merjenje", [], _day)), _ => Answer(receipt), CancellationToken.None));
        }

        public Task ReserveAsync(string row)
        {
            var id = new ReservationId(Guid.CreateVersion7());
            return SaveAsync(receipt => new WaitingCommand<PlanRow, Reservation>(
                Cause(), row, id.ToString(), receipt, (plan, _) => plan!.Reserve(id, Year, Money.Eur(1), FundingSource.Eu, "Merjenje", null, _day), _ => Answer(receipt), CancellationToken.None));
        }

        public async Task BalanceAsync(string row)
        {
            var had = await _database.AsOfAsync("gorenjska", [new FundKey(row, Year, FundingSource.Eu)], _day, _moment, CancellationToken.None);
            if (had.Values.Sum(b => b.Planned.Amount) == 0)
                throw new InvalidOperationException($"The row {row} had no money.");
        }

        /// <summary>Reserves on the old row until it has had so many.</summary>
        public async Task FillAsync(Session session, int reservations)
        {
            await Task.WhenAll(Enumerable.Range(0, Fillers).Select(async _ =>
            {
                while (Interlocked.Increment(ref _filled) is var number && number <= reservations)
                {
                    session.Token.ThrowIfCancellationRequested();
                    await ReserveAsync(Old);
                    if (number == Math.Max(1, reservations / 2))
                        _moment = TimeProvider.System.GetUtcNow();
                    if (number % 25_000 == 0)
                        session.Say($"{number:N0} of {reservations:N0} reservations");
                }
            }));
            Interlocked.Exchange(ref _filled, reservations);
        }

        private async Task SaveAsync(Func<string, WaitingCommand> command)
        {
            if ((await _groups.SaveAsync(command(Guid.CreateVersion7().ToString()))).Refusal is { } refusal)
                throw new InvalidOperationException(refusal.Reason);
        }

        private static Cause Cause() => new("gorenjska", "bench", "treasurer", Guid.CreateVersion7().ToString(), null);

        private static CommandReceipt Answer(string receipt) => new(receipt, "", 200, null, "{}");
    }
}
