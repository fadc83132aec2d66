namespace KkiMesh.Bench;

/// <summary>Something that is measured.</summary>
/// <param name="Name">How it is asked for.</param>
/// <param name="Run">Declares its figures and measures them.</param>
/// <param name="With">The bench that takes it along; it can be asked for alone, too.</param>
internal sealed record Benchmark(string Name, Func<Session, Task> Run, string? With = null);

/// <summary>All benches, in the order in which they run. A new one is a file and a line here.</summary>
internal static class Benches
{
    public static readonly IReadOnlyList<Benchmark> All =
    [
        new("relay", RelayBench.RunAsync),
        new("latency", LatencyBench.RunAsync),
        new("commands", CommandsBench.RunAsync),
        new("regions", RegionsBench.RunAsync),
        new("reconcile", ReconcileBench.RunAsync),
        new("ledger", LedgerBench.RunAsync),
        new("growth", LedgerGrowthBench.RunAsync),
        new("start", StartBench.RunAsync),
        // Those that use the whole mesh follow each other: they share one.
        new("idle", IdleBench.RunAsync, With: "latency"),
        new("gateway", GatewayBench.RunAsync),
    ];

    /// <summary>Those that are asked for: all where none is named; null where a name is none of theirs.</summary>
    public static IReadOnlyList<Benchmark>? Asked(string[] names) =>
        names.Length == 0 ? All
        : !names.All(name => All.Any(b => b.Name == name)) ? null
        : [.. All.Where(b => names.Contains(b.Name) || names.Contains(b.With))];
}
