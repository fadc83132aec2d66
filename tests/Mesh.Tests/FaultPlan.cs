using System.Globalization;

namespace KkiMesh.Mesh.Tests;

/// <summary>What can go wrong with a part of the mesh.</summary>
internal enum FaultKind
{
    /// <summary>Parts are ended with SIGKILL, up to three at once, and started again.</summary>
    Kill,

    /// <summary>A replica or a server is stopped for a while (SIGSTOP) and goes on.</summary>
    Pause,

    /// <summary>The broker is out of memory for a while: it takes nothing from publishers.</summary>
    BlockPublishers,

    /// <summary>A service's database takes no writes for a while, as a primary that was demoted.</summary>
    ReadOnly,

    /// <summary>The database refuses the services' role for a while, as after a password's change.</summary>
    RejectRole,

    /// <summary>A replica's clock differs from its neighbour's for a while.</summary>
    ClockApart,

    /// <summary>The broker's disk is lost with what a service that hung had not taken; both are killed.</summary>
    WipeBroker,

    /// <summary>A service's database goes back to what it was a while ago.</summary>
    RestoreDatabase,
}

/// <summary>One fault of a plan.</summary>
/// <param name="Kind">What goes wrong.</param>
/// <param name="Parts">With which parts.</param>
/// <param name="After">It begins when so many further commands have been answered.</param>
/// <param name="For">
/// How long it lasts, where it is not over at once; of a clock, by how much it is wrong; of a broker or a consumer that
/// dies, how long it hangs before; where the broker is lost, how long the service hangs.
/// </param>
/// <param name="Burst">
/// How many commands are sent at once while a broker or a consumer dies; it dies when half of them are answered.
/// </param>
internal sealed record Fault(FaultKind Kind, IReadOnlyList<string> Parts, int After, TimeSpan For, int Burst = 0)
{
    /// <summary>Whether the broker dies of it.</summary>
    public bool EndsBroker => Kind == FaultKind.WipeBroker || (Kind == FaultKind.Kill && Parts.Contains(FaultPlan.Broker));

    public override string ToString()
    {
        var burst = Burst > 0 ? $", in a burst of {Burst}" : "";
        return string.Create(
            CultureInfo.InvariantCulture, $"after {After} commands: {Kind} {string.Join(", ", Parts)}, {For.TotalSeconds:0.0} s{burst}");
    }
}

/// <summary>What goes wrong in a run, drawn from a seed before it begins. One seed gives one run.</summary>
/// <param name="Kept">First, faults by which broker and databases forget nothing that they confirmed.</param>
/// <param name="Forgotten">Then also those by which they do.</param>
internal sealed record FaultPlan(IReadOnlyList<Fault> Kept, IReadOnlyList<Fault> Forgotten)
{
    public const string Broker = "rabbitmq";
    public const string Database = "postgres";

    private static readonly IReadOnlyList<FaultKind> Forgetting = [FaultKind.WipeBroker, FaultKind.RestoreDatabase];

    /// <summary>What is killed: each once, and then at random.</summary>
    private static readonly string[] Parts =
    [
        Database, Broker, "gateway 0", "identity 0", "identity 1", "registry 0", "challenges 0", "challenges 1",
        "matchmaking 0", "matchmaking 1", "helpdesk 0", "funding 0", "funding 1",
    ];

    private static readonly string[] Consumers = ["challenges", "matchmaking", "helpdesk", "funding"];

    // To whom a burst of calls goes.
    private static readonly string[] Listeners = ["matchmaking", "funding"];

    private static readonly string[] Databases = ["registry", "challenges", "matchmaking", "helpdesk", "funding"];

    // One that people write to, and two that only learn and react: what is written to
    // is lost with a restored database by its nature.
    private static readonly string[] Restorable = ["registry", "matchmaking", "helpdesk"];

    // A deadline's own service only has a clock that is late: one that is early would
    // rightly refuse what comes in time by the load's.
    private static readonly string[] Clocks = ["challenges 1", "funding 0", "funding 1", "matchmaking 0"];

    /// <summary>
    /// Draws a plan: each part is killed once and each kind comes once; what is left of the number is drawn at random.
    /// </summary>
    /// <param name="seed">Where it begins.</param>
    /// <param name="number">How many faults; there may be more, where fewer would leave something out.</param>
    /// <param name="kinds">Which kinds.</param>
    /// <param name="longest">How long a fault may last.</param>
    public static FaultPlan Draw(int seed, int number, IReadOnlyCollection<FaultKind> kinds, TimeSpan longest)
    {
        var random = new Random(seed);
        var draw = new Drawing(random, longest);
        FaultKind[] forgetting = [.. kinds.Where(Forgetting.Contains)];
        FaultKind[] keeping = [.. kinds.Except(forgetting)];
        var parts = Parts.ToArray();
        random.Shuffle(parts);
        List<Fault> kept =
        [
            .. keeping.Contains(FaultKind.Kill) ? parts.Chunk(2).Select(draw.Kill) : [],
            .. keeping.Where(k => k != FaultKind.Kill).Select(draw.Any),
        ];
        List<Fault> forgotten = [.. forgetting.Select(draw.Any)];
        for (var left = number - kept.Count - forgotten.Count; left > 0; left--)
        {
            if (forgetting.Length > 0 && (keeping.Length == 0 || left % 2 == 0))
                forgotten.Add(draw.Any(random.GetItems([.. kinds], 1)[0]));
            else
                kept.Add(draw.Any(random.GetItems(keeping, 1)[0]));
        }

        return new FaultPlan(Shuffled(kept), Shuffled(forgotten));

        Fault[] Shuffled(List<Fault> faults)
        {
            var order = faults.ToArray();
            random.Shuffle(order);
            return order;
        }
    }

    /// <summary>Whether a part takes events from a queue of its own.</summary>
    public static bool IsConsumer(string part) => Consumers.Contains(part.Split(' ')[0]);

    // The broker's deaths take turns: one that hangs first was sent much and answered nothing; one that does not had all
    // in hand. Consumers' deaths, too: every second time they are stopped first, so that much comes to them at once.
    private sealed class Drawing(Random random, TimeSpan longest)
    {
        private int _deaths;
        private int _kills;

        public Fault Kill(string[] parts) =>
            parts.Contains(Broker) ? new Fault(FaultKind.Kill, parts, After, Hangs, Burst)
            : Array.Exists(parts, IsConsumer) && _kills++ % 2 == 0 ? new Fault(FaultKind.Kill, parts, After, Fills, Burst)
            : new Fault(FaultKind.Kill, parts, After, TimeSpan.Zero);

        public Fault Any(FaultKind kind) => kind switch
        {
            FaultKind.Kill => Kill([.. random.GetItems(Parts, random.Next(1, 4)).Distinct()]),
            FaultKind.Pause => new Fault(kind, random.GetItems(Parts, 1), After, Lasts),
            FaultKind.BlockPublishers => new Fault(kind, [Broker], After, Lasts),
            FaultKind.ReadOnly => new Fault(kind, random.GetItems(Databases, 1), After, Lasts),
            FaultKind.RejectRole => new Fault(kind, [Database], After, Lasts),
            FaultKind.ClockApart => Clock(random.GetItems(Clocks, 1)),
            FaultKind.WipeBroker => new Fault(kind, [Broker, .. Replicas(random.GetItems(Listeners, 1)[0])], After, Fills, Burst),
            FaultKind.RestoreDatabase => new Fault(kind, random.GetItems(Restorable, 1), After, TimeSpan.Zero),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

        private static IEnumerable<string> Replicas(string service) =>
            Parts.Where(part => part.StartsWith(service, StringComparison.Ordinal));

        private int After => random.Next(5, 30);

        private int Burst => random.Next(100, 200);

        private TimeSpan Lasts => TimeSpan.FromMilliseconds(random.Next(1000, (int)longest.TotalMilliseconds));

        private TimeSpan Fills => TimeSpan.FromMilliseconds(random.Next(500, 1000));

        private TimeSpan Hangs => TimeSpan.FromMilliseconds(_deaths++ % 2 == 0 ? random.Next(200, 500) : 0);

        private Fault Clock(string[] part)
        {
            var isLate = part[0].StartsWith("challenges", StringComparison.Ordinal) || random.Next(2) == 0;
            return new Fault(FaultKind.ClockApart, part, After, TimeSpan.FromSeconds((isLate ? -1 : 1) * random.Next(10, 30)));
        }
    }
}
