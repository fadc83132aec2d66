using System.Diagnostics;
using KkiMesh.TestKit;

namespace KkiMesh.Bench;

/// <summary>
/// How fast a backlog goes through the relay, and through the relay and another service's inbox: from the first arrival
/// to the last, on both sides. What a relay needs to take up its work stands in a line of its own.
/// </summary>
internal static class RelayBench
{
    private const int Streams = 100;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly string Kibibyte = new('x', 1024);

    public static async Task RunAsync(Session session)
    {
        await RelayAloneAsync(session);
        await WithInboxAsync(session);
    }

    private static async Task RelayAloneAsync(Session session)
    {
        var events = session.Scaled(20_000);
        var figure = session.Figure(
            "relay", "a backlog of 1 KiB events in 100 streams, relayed and consumed, against RabbitMQ.Client alone with the same bytes", goal: Goal.AtLeast(0.7));
        var taken = session.Figure("relay takes up", "from the start of a relay until its first event has arrived", "ms");
        await using var place = await session.NewPlaceAsync();
        await using var source = await Source.StartAsync(place);
        await using var rabbit = await RawRabbit.StartAsync(place.RabbitMq, Source.Told, reads: true, session.Token);
        var bodies = rabbit.Keep();
        await session.InRoundsAsync(async counts =>
        {
            var (relayed, start) = await DrainAsync(source, events, () => rabbit.HasReadAsync(events), session.Token);
            var same = bodies.TakeLast(events).ToList();
            var read = rabbit.HasReadAsync(events);
            await rabbit.PublishAsync(same, Source.Told, session.Token);
            var raw = await read.WaitAsync(Patience, session.Token);
            bodies.Clear();
            if (!counts)
                return;
            figure.Ratio(relayed.Rate, raw.Rate);
            taken.Add(start.TotalMilliseconds);
        });
    }

    private static async Task WithInboxAsync(Session session)
    {
        var events = session.Scaled(5_000);
        var figure = session.Figure(
            "relay + inbox", "the same into a service that stores a document for each, against bare single-row commits on 16 connections");
        await using var place = await session.NewPlaceAsync();
        await using var source = await Source.StartAsync(place);
        await using var sink = await Sink.StartAsync(place);
        await using var postgres = await RawPostgres.StartAsync(await place.DatabaseAsync("raw"), Load.Writers, session.Token);
        await session.InRoundsAsync(async counts =>
        {
            var (taken, _) = await DrainAsync(source, events, () => sink.HasTakenAsync(events), session.Token);
            var raw = await Load.RateAsync(
                Load.Writers, session.Scaled(TimeSpan.FromSeconds(4)), writer => postgres.CommitAsync(writer, Kibibyte, session.Token), session.Token);
            if (counts)
                figure.Ratio(taken.Rate, raw);
        });
    }

    /// <summary>Stores a backlog while the relay pauses, and lets it go.</summary>
    /// <returns>How it arrived, and how long the relay took until the first of it had.</returns>
    private static async Task<(Passage Arrived, TimeSpan Start)> DrainAsync(Source source, int events, Func<Task<Passage>> arrival, CancellationToken ct)
    {
        await source.PauseRelayAsync();
        // As life stores them: each stream's events lie between those of the others.
        foreach (var numbers in Enumerable.Range(0, events).Chunk(5 * Streams))
            await source.AppendAsync(numbers.Select(n => ($"stream-{n % Streams}", new Told(n, Kibibyte))), ct);
        var arriving = arrival();
        var started = Stopwatch.GetTimestamp();
        await source.ResumeRelayAsync();
        var arrived = await arriving.WaitAsync(Patience, ct);
        await source.IsRelayedAsync();
        return (arrived, Stopwatch.GetElapsedTime(started, arrived.First));
    }
}
