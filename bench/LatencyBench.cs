using System.Diagnostics;
using Npgsql;

namespace KkiMesh.Bench;

/// <summary>From the commit of an event to another service's reaction.</summary>
internal static class LatencyBench
{
    private const int Streams = 50;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    public static async Task RunAsync(Session session)
    {
        (bool Conflicts, Figure P50, Figure P99)[] kinds =
        [
            (false,
                session.Figure("latency p50", "commit → reaction of another service, 50 events/s", "ms", Goal.AtMost(8)),
                session.Figure("latency p99", "the same", "ms", Goal.AtMost(20))),
            (true,
                session.Figure("latency p50, conflicts", "the same, with one transaction more in 20, which takes a sequence number and rolls back", "ms", Goal.AtMost(8)),
                session.Figure("latency p99, conflicts", "the same", "ms", Goal.AtMost(20))),
        ];
        await using var place = await session.NewPlaceAsync();
        await using var source = await Source.StartAsync(place);
        await using var sink = await Sink.StartAsync(place);
        await using var database = await source.DatabaseAsync();
        await session.InRoundsAsync(async counts =>
        {
            foreach (var (conflicts, p50, p99) in kinds)
            {
                var milliseconds = await MeasureAsync(source, sink, conflicts ? database : null, session.Scaled(counts ? 1000 : 200), session.Token);
                if (!counts)
                    continue;
                p50.Add(Numbers.Percentile(milliseconds, 0.5));
                p99.Add(Numbers.Percentile(milliseconds, 0.99));
            }
        });
    }

    private static async Task<IReadOnlyList<double>> MeasureAsync(
        Source source, Sink sink, NpgsqlDataSource? conflicts, int events, CancellationToken ct)
    {
        var (committed, heard) = (new long[events], new long[events]);
        sink.Heard = e => heard[e.Number] = Stopwatch.GetTimestamp();
        var all = sink.HasTakenAsync(events);
        var started = Stopwatch.GetTimestamp();
        var appends = new List<Task>();
        for (var number = 0; number < events; number++)
        {
            if (number * Interval - Stopwatch.GetElapsedTime(started) is { Ticks: > 0 } early)
                await Task.Delay(early, ct);
            appends.Add(AppendAsync(number));
        }

        await Task.WhenAll(appends);
        await all.WaitAsync(TimeSpan.FromSeconds(60), ct);
        return [.. committed.Zip(heard, (from, to) => Stopwatch.GetElapsedTime(from, to).TotalMilliseconds)];

        async Task AppendAsync(int number)
        {
            if (conflicts is not null && number % 20 == 0)
                await RollBackAsync(conflicts, ct);
            await source.AppendAsync([($"stream-{number % Streams}", new Told(number, "x"))], ct);
            committed[number] = Stopwatch.GetTimestamp();
        }
    }

    // What an optimistic conflict leaves in the sequence: a number that nobody will ever use.
    private static async Task RollBackAsync(NpgsqlDataSource database, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var take = new NpgsqlCommand("select nextval('mt_events_sequence')", connection, transaction);
        await take.ExecuteScalarAsync(ct);
        await transaction.RollbackAsync(ct);
    }
}
