using System.Diagnostics;
using KkiMesh.AppHost;

namespace KkiMesh.Bench;

/// <summary>How long <c>./mesh up</c> takes, by part, and how much memory the mesh's programs need.</summary>
internal static class StartBench
{
    public static async Task RunAsync(Session session)
    {
        // A short run does not build, since it runs where others use what is built, and
        // starts once: the second start is the same code.
        var build = session.IsShort ? null : session.Figure("start: build", "the build of ./mesh up, when nothing has changed", "s");
        var first = new Parts(session, "first start");
        var again = session.IsShort ? null : new Parts(session, "start on the same data");
        var memory = new Dictionary<string, Figure>();
        for (var round = 1; round <= session.Rounds; round++)
        {
            session.Say($"round {round} of {session.Rounds}");
            build?.Add(await Load.MillisecondsAsync(() => BuildAsync(session.Token)) / 1000);
            var folder = Directory.CreateTempSubdirectory("kkimesh-").FullName;
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_000_001);
            try
            {
                await StartAsync(session, folder, first, memory);
                if (again is not null)
                    await StartAsync(session, folder, again, memory: null);
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static async Task StartAsync(Session session, string folder, Parts parts, Dictionary<string, Figure>? memory)
    {
        var started = Stopwatch.GetTimestamp();
        await using var servers = await Servers.StartOwnAsync(folder, _ => { }, session.Token);
        var ofServers = Stopwatch.GetElapsedTime(started);
        await using var run = await MeshRun.StartAsync(new MeshOptions(servers, OwnMesh.Secret, (_, _) => { }), session.Token);
        parts.Add(ofServers, run.Replicas, Stopwatch.GetElapsedTime(started));
        if (memory is null)
            return;
        foreach (var replica in run.Replicas)
        {
            if (!memory.TryGetValue(replica.Service, out var figure))
                figure = memory[replica.Service] = session.Figure($"memory: {replica.Service}", "resident, just started", "MiB");
            figure.Add(ProcessFigures.ResidentMiB(replica.ProcessId));
        }
    }

    // What ./mesh up does first, with the configuration that is there.
    private static Task BuildAsync(CancellationToken ct)
    {
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        return ChildProcess.RunAsync(
            "the build",
            ["dotnet", "build", Path.Combine(Checkout.Root, "KkiMesh.sln"), "-c", configuration, "-v", "quiet", "--nologo"],
            new Dictionary<string, string?>(),
            ct);
    }

    /// <summary>The parts of a start, one after the other.</summary>
    private sealed class Parts(Session session, string what)
    {
        private readonly Figure _servers = session.Figure("start: servers", $"{what}: PostgreSQL and RabbitMQ, side by side", "s");
        private readonly Figure _services = session.Figure("start: services", $"{what}: all services, side by side, until each is healthy", "s");
        private readonly Figure _gateway = session.Figure("start: gateway", $"{what}: the gateway, until it sees all healthy", "s");
        private readonly Figure _all = session.Figure("start: all of it", $"{what}: the three together, without the build", "s");

        public void Add(TimeSpan servers, IReadOnlyList<RunningReplica> replicas, TimeSpan all)
        {
            _servers.Add(servers.TotalSeconds);
            _services.Add(replicas.Where(r => r.Service != Topology.Gateway.Name).Max(r => r.StartedIn.TotalSeconds));
            _gateway.Add(replicas.Single(r => r.Service == Topology.Gateway.Name).StartedIn.TotalSeconds);
            _all.Add(all.TotalSeconds);
        }
    }
}
