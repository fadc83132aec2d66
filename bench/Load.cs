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

/// <summary>A number of things that came by.</summary>
/// <param name="Count">How many.</param>
/// <param name="First">When the first one came.</param>
/// <param name="Last">When the last one came.</param>
internal sealed record Passage(int Count, long First, long Last)
{
    /// <summary>How many a second, from the first to the last.</summary>
    public double Rate => (Count - 1) / Stopwatch.GetElapsedTime(First, Last).TotalSeconds;
}

/// <summary>Ends when something has happened a number of times.</summary>
internal sealed class Countdown
{
    private int _times;
    private int _left = int.MaxValue;
    private long _first;
    private TaskCompletionSource<Passage> _done = new();

    public Task<Passage> BeginAsync(int times)
    {
        _done = new TaskCompletionSource<Passage>(TaskCreationOptions.RunContinuationsAsynchronously);
        _times = times;
        Volatile.Write(ref _left, times);
        return _done.Task;
    }

    public void One()
    {
        var left = Interlocked.Decrement(ref _left);
        if (left == _times - 1)
            _first = Stopwatch.GetTimestamp();
        if (left == 0)
            _done.TrySetResult(new Passage(_times, _first, Stopwatch.GetTimestamp()));
    }
}
