namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Of all who wait for the same thing, one tries whether it is back, and the others wait for that one.
/// </summary>
internal sealed class Waits
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Try> _tries = [];

    /// <summary>Begins to wait for something.</summary>
    /// <param name="what">What is waited for.</param>
    /// <param name="mine">What the caller tries already; it ends if it is something else.</param>
    /// <param name="back">Ends when somebody has got through, or has given up trying.</param>
    /// <returns>
    /// The caller's own try: it tries again after a pause, and disposes this afterwards. Null: somebody else tries.
    /// </returns>
    public Try? Begin(string what, Try? mine, out Task back)
    {
        if (mine is not null && mine.What != what)
        {
            mine.Dispose();
            mine = null;
        }

        lock (_lock)
        {
            if (mine is null && !_tries.ContainsKey(what))
                _tries[what] = mine = new Try(this, what);
            back = _tries[what].Ended.Task;
            return mine;
        }
    }

    internal sealed class Try(Waits waits, string what) : IDisposable
    {
        public string What => what;

        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Dispose()
        {
            lock (waits._lock)
            {
                if (waits._tries.GetValueOrDefault(what) == this)
                    waits._tries.Remove(what);
            }

            Ended.TrySetResult();
        }
    }
}
