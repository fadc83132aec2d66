using System.Diagnostics;
using KkiMesh.TestKit;

namespace KkiMesh.Bench;

/// <summary>How fast a backlog goes through the relay, and through the relay and another service's inbox.</summary>
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
        var events = session.Scaled(10_000);
        var figure = session.Figure(
            "relay", "a backlog of 1 KiB events, relayed and consumed, against RabbitMQ.Client alone with the same bytes", goal: Goal.AtLeast(0.7));
        await using var place = await session.NewPlaceAsync();
        await using var source = await Source.StartAsync(place);
        await using var rabbit = await RawRabbit.StartAsync(place.RabbitMq, Source.Told, session.Token);
        var bodies = rabbit.Keep();
        await session.InRoundsAsync(async counts =>
        {
            var relayed = events / await DrainAsync(source, events, () => rabbit.HasReadAsync(events), session.Token);
            var same = bodies.TakeLast(events).ToList();
            bodies.Clear();

            var read = rabbit.HasReadAsync(events);
            var started = Stopwatch.GetTimestamp();
            await rabbit.PublishAsync(same, Source.Told, session.Token);
            await read.WaitAsync(Patience, session.Token);
            var raw = events / Stopwatch.GetElapsedTime(started).TotalSeconds;
            bodies.Clear();
            if (counts)
                figure.Ratio(relayed, raw);
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
            var seconds = await DrainAsync(source, events, () => sink.HasTakenAsync(events), session.Token);
            var raw = await Load.RateAsync(Load.Writers, session.Scaled(TimeSpan.FromSeconds(4)), writer => postgres.CommitAsync(writer, Kibibyte, session.Token), session.Token);
            if (counts)
                figure.Ratio(events / seconds, raw);
        });
    }

    /// <summary>Stores a backlog while the relay pauses, and lets it go.</summary>
    /// <returns>Seconds from then until everything has arrived.</returns>
    private static async Task<double> DrainAsync(Source source, int events, Func<Task> arrived, CancellationToken ct)
    {
        await source.PauseRelayAsync();
        // As life stores them: each stream's events lie between those of the others.
        foreach (var numbers in Enumerable.Range(0, events).Chunk(Streams))
            await source.AppendAsync(numbers.Select(n => ($"stream-{n % Streams}", new Told(n, Kibibyte))), ct);
        var all = arrived();
        var started = Stopwatch.GetTimestamp();
        await source.ResumeRelayAsync();
        await all.WaitAsync(Patience, ct);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        await source.IsRelayedAsync();
        return seconds;
    }
}
