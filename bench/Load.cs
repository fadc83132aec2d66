using System.Diagnostics;

namespace KkiMesh.Bench;

internal static class Load
{
    /// <summary>The writers of every comparison, and the connections.</summary>
    public const int Writers = 16;

    /// <summary>How often a second something is done by this many at once, each doing it again and again.</summary>
    /// <param name="writers">How many.</param>
    /// <param name="duration">How long.</param>
    /// <param name="once">Does it, as the writer of this number.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<double> RateAsync(int writers, TimeSpan duration, Func<int, Task> once, CancellationToken ct)
    {
        var done = 0L;
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Run(
            async () =>
            {
                while (watch.Elapsed < duration)
                {
                    ct.ThrowIfCancellationRequested();
                    await once(writer);
                    Interlocked.Increment(ref done);
                }
            },
            ct)));
        return done / watch.Elapsed.TotalSeconds;
    }

    /// <summary>How long something takes, in milliseconds.</summary>
    public static async Task<double> MillisecondsAsync(Func<Task> once)
    {
        var started = Stopwatch.GetTimestamp();
        await once();
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }
}
