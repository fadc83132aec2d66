using System.Globalization;
using System.Runtime.InteropServices;
using KkiMesh.Bench;
using Spectre.Console;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
(string Name, Func<Session, Task> Run)[] benches =
[
    ("relay", RelayBench.RunAsync),
    ("latency", LatencyBench.RunAsync),
    ("commands", CommandsBench.RunAsync),
    ("regions", RegionsBench.RunAsync),
    ("ledger", LedgerBench.RunAsync),
    ("growth", LedgerGrowthBench.RunAsync),
    ("gateway", GatewayBench.RunAsync),
    ("start", StartBench.RunAsync),
];
// What the ledger takes, and how that grows, are asked for together or, since it takes some minutes, growth alone.
var names = args.Contains("ledger") ? [.. args, "growth"] : args;
var asked = benches.Where(b => names.Length == 0 || names.Contains(b.Name)).ToList();
if (asked.Count == 0 || args.Except(benches.Select(b => b.Name)).Any())
{
    Console.Error.WriteLine($"usage: ./mesh bench [{string.Join(" | ", benches.Select(b => b.Name))}]");
    return 2;
}

using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
await using var session = await Session.StartAsync(stop.Token);
var failed = false;
foreach (var (name, run) in asked)
{
    try
    {
        await session.WithinItsTimeAsync(name, run);
    }
    catch (Exception e)
    {
        failed = true;
        Console.Error.WriteLine($"{name} could not be measured: {e}");
        if (stop.IsCancellationRequested)
            break;
    }
}

// A line is a line, also where nobody looks (a log, CI).
AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 160);
AnsiConsole.Write(session.Table());
return failed ? 1 : 0;

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
