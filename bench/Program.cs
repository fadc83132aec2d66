using System.Globalization;
using System.Runtime.InteropServices;
using KkiMesh.Bench;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (Benches.Asked(args) is not { } asked)
{
    Console.Error.WriteLine($"usage: ./mesh bench [{string.Join(" | ", Benches.All.Select(b => b.Name))}]");
    return 2;
}

using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
await using var session = await Session.StartAsync(stop.Token);
var failed = new List<string>();
foreach (var bench in asked)
{
    try
    {
        await session.MeasureAsync(bench);
    }
    catch (Exception e)
    {
        failed.Add(bench.Name);
        Console.Error.WriteLine($"{bench.Name} could not be measured: {e}");
        if (stop.IsCancellationRequested)
            break;
    }
}

session.Print();
if (failed.Count == 0)
    return 0;
// Again after the table, where it is seen.
Console.Error.WriteLine($"NOT MEASURED: {string.Join(", ", failed)}. The reasons stand above the table.");
return 1;

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
