using System.Diagnostics;
using KkiMesh.TestKit;

namespace KkiMesh.Bench;

/// <summary>
/// How long a consumer takes to compare what it has with its publisher's history, which it does once a minute.
/// </summary>
internal static class ReconcileBench
{
    public static async Task RunAsync(Session session)
    {
        var share = session.Figure(
            "reconcile", "time to compare what 16 writers over HTTP have published, against the time in which they did", goal: Goal.AtMost(0.05));
        await using var writing = await CommandsBench.Writing.StartAsync(session);
        writing.Place.Settings["services:source:http:0"] = writing.Source.Address.ToString();
        await using var sink = await Sink.StartAsync(writing.Place);
        await sink.ComparesAsync(0, session.Token);
        var before = await writing.Source.CountAsync();
        await session.InRoundsAsync(async counts =>
        {
            var duration = session.Scaled(TimeSpan.FromSeconds(5));
            var rate = await Load.RateAsync(Load.Writers, duration, writing.SendAsync, session.Token);
            await writing.Source.IsRelayedAsync();
            var newest = await writing.Source.NewestAsync();
            await sink.HasDrainedAsync(await writing.Source.CountAsync() - before, session.Token);
            var started = Stopwatch.GetTimestamp();
            await sink.CompareAsync();
            await sink.ComparesAsync(newest, session.Token);
            var compared = Stopwatch.GetElapsedTime(started);
            if (counts && rate > 0)
                share.Ratio(compared.TotalSeconds, duration.TotalSeconds);
        });
    }
}
