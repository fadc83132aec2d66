using System.Diagnostics;
using KkiMesh.AppHost;

namespace KkiMesh.Bench;

/// <summary>What a service costs that has nothing to do.</summary>
internal static class IdleBench
{
    public static async Task RunAsync(Session session)
    {
        var figure = session.Figure(
            "idle", "a service with nothing to do: processor time, of one core (the most of all services)", "%", Goal.AtMost(2));
        var mesh = await session.MeshAsync();
        session.Say("letting it settle");
        await Task.Delay(session.Scaled(TimeSpan.FromSeconds(60)), session.Token);
        for (var round = 1; round <= session.Rounds; round++)
        {
            session.Say($"round {round} of {session.Rounds}");
            var services = mesh.Run.Replicas
                .Where(r => r.Service != Topology.Gateway.Name).Select(r => r.ProcessId).ToList();
            var before = services.Select(ProcessFigures.ProcessorSeconds).ToList();
            var started = Stopwatch.GetTimestamp();
            await Task.Delay(session.Scaled(TimeSpan.FromSeconds(20)), session.Token);
            var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            var used = services.Zip(before, (id, was) => ProcessFigures.ProcessorSeconds(id) - was);
            figure.Add(used.Max() / seconds * 100);
        }
    }
}
