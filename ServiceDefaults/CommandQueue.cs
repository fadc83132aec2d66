namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Commands that wait for a group. Those of a stream keep their order and are in one group at a time; a group is of one
/// region, and regions take turns. Bounded in all, and for each region and stream.
/// </summary>
internal sealed class CommandQueue
{
    /// <summary>How long a command waits for its group before it is answered 503.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const int MostWorkers = 4;
    private const int LargestGroup = 100;
    private const int MostOfAStream = 1000;
    private const int MostWaiting = 4000;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Region> _regions = [];

    // Regions that have something to save now, in the order of their turns.
    private readonly Queue<Region> _ready = new();
    private int _waiting;
    private int _workers;

    /// <summary>How many wait.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _waiting;
        }
    }

    /// <summary>False where there is no room.</summary>
    public bool Add(WaitingCommand command)
    {
        lock (_gate)
        {
            var name = command.Cause.Region;
            // However many regions wait, there is room for one more.
            var share = MostWaiting / (_regions.Count + (_regions.ContainsKey(name) ? 1 : 2));
            if (_waiting >= MostWaiting || _regions.GetValueOrDefault(name)?.Waiting >= share)
                return false;
            if (!_regions.TryGetValue(name, out var region))
                _regions[name] = region = new Region(name);
            if (!region.Add(command, MostOfAStream))
                return false;
            Counts(1);
            MakeReady(region);
            return true;
        }
    }

    /// <summary>
    /// Whether one more worker finds something to do; it counts as at work until <see cref="Take"/> has nothing for it.
    /// </summary>
    public bool WantsWorker()
    {
        lock (_gate)
        {
            if (_ready.Count == 0 || _workers >= MostWorkers)
                return false;
            _workers++;
            return true;
        }
    }

    /// <summary>
    /// The next group: commands of one region that are still waited for, in their order. Their streams are in no other
    /// group until they are released. Null: the worker is done.
    /// </summary>
    public List<WaitingCommand>? Take()
    {
        lock (_gate)
        {
            while (_ready.TryDequeue(out var region))
            {
                region.IsReady = false;
                // Workers who have nothing to do take a share of it, so that transactions go side by side.
                var helpers = Math.Max(1, (MostWorkers - _workers + 1) / (_ready.Count + 1));
                var (group, dropped) = region.Take((region.Waiting + helpers - 1) / helpers, LargestGroup);
                Counts(-group.Count - dropped);
                MakeReady(region);
                if (group.Count > 0)
                    return group;
            }

            _workers--;
            return null;
        }
    }

    /// <summary>A stream's commands are saved, or answered: those that came meanwhile have their turn.</summary>
    public void Release(string region, string stream)
    {
        lock (_gate)
        {
            if (!_regions.TryGetValue(region, out var of))
                return;
            of.Release(stream);
            MakeReady(of);
        }
    }

    private void Counts(int more)
    {
        _waiting += more;
        MeshTelemetry.Waiting(more);
    }

    private void MakeReady(Region region)
    {
        if (region.IsEmpty)
            _regions.Remove(region.Name);
        if (region.IsReady || !region.HasReady)
            return;
        region.IsReady = true;
        _ready.Enqueue(region);
    }

    /// <summary>A region's streams.</summary>
    private sealed class Region(string name)
    {
        private readonly Dictionary<string, Stream> _streams = [];
        private readonly Queue<Stream> _ready = new();

        public string Name => name;

        public int Waiting { get; private set; }

        /// <summary>Whether it is among those that have something to save.</summary>
        public bool IsReady { get; set; }

        public bool HasReady => _ready.Count > 0;

        public bool IsEmpty => _streams.Count == 0;

        public bool Add(WaitingCommand command, int most)
        {
            var key = command.Streams[0];
            if (!_streams.TryGetValue(key, out var stream))
                _streams[key] = stream = new Stream(key);
            if (stream.Commands.Count >= most)
                return false;
            stream.Commands.Enqueue(command);
            Waiting++;
            if (!stream.IsBusy && stream.Commands.Count == 1)
                _ready.Enqueue(stream);
            return true;
        }

        /// <summary>
        /// Whole streams until there are enough; and how many were answered here, since nobody waits for them or for
        /// too long.
        /// </summary>
        public (List<WaitingCommand> Group, int Dropped) Take(int enough, int most)
        {
            var (group, dropped) = (new List<WaitingCommand>(), 0);
            while (group.Count < Math.Clamp(enough, 1, most) && _ready.TryDequeue(out var stream))
            {
                var before = group.Count;
                while (group.Count < most && stream.Commands.TryDequeue(out var command))
                {
                    Waiting--;
                    if (IsWaitedFor(command))
                        group.Add(command);
                    else
                        dropped++;
                }

                stream.IsBusy = group.Count > before;
                if (!stream.IsBusy)
                    _streams.Remove(stream.Key);
            }

            return (group, dropped);
        }

        public void Release(string key)
        {
            if (!_streams.TryGetValue(key, out var stream) || !stream.IsBusy)
                return;
            stream.IsBusy = false;
            if (stream.Commands.Count > 0)
                _ready.Enqueue(stream);
            else
                _streams.Remove(key);
        }

        private static bool IsWaitedFor(WaitingCommand command)
        {
            if (command.GivenUp.IsCancellationRequested)
                command.Outcome.TrySetCanceled(command.GivenUp);
            else if (command.Waited > Patience)
                command.Outcome.TrySetException(new BusyException());
            else
                return true;
            return false;
        }
    }

    /// <summary>A stream's commands; busy while some of them are in a group.</summary>
    private sealed class Stream(string key)
    {
        public string Key => key;

        public Queue<WaitingCommand> Commands { get; } = new();

        public bool IsBusy { get; set; }
    }
}
