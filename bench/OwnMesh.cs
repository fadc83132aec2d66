using System.Globalization;
using KkiMesh.AppHost;
using KkiMesh.TestKit;

namespace KkiMesh.Bench;

/// <summary>The whole mesh as processes, with data of its own on the bench's servers.</summary>
internal sealed class OwnMesh : IAsyncDisposable
{
    /// <summary>What its services show to get tokens.</summary>
    public const string Secret = "the bench's services' secret";

    private readonly Place _place;

    private OwnMesh(Place place, MeshRun run) => (_place, Run, Tokens) = (place, run, new DemoTokens(run.Gateway));

    public MeshRun Run { get; }

    public DemoTokens Tokens { get; }

    public static async Task<OwnMesh> StartAsync(Session session)
    {
        var place = await session.NewPlaceAsync();
        try
        {
            // The place drops the databases that it gave.
            foreach (var service in Topology.Services)
                await place.DatabaseAsync(service.Name);
            var run = await MeshRun.StartAsync(
                new MeshOptions(place.Servers, Secret, (_, _) => { }) { DatabasePrefix = $"{place.Name}-", RabbitMq = place.RabbitMq }, session.Token);
            return new OwnMesh(place, run);
        }
        catch
        {
            await place.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Tokens.Dispose();
        await Run.DisposeAsync();
        await _place.DisposeAsync();
    }
}

/// <summary>What the system says of a process.</summary>
internal static class ProcessFigures
{
    private const double TicksPerSecond = 100;

    /// <summary>Processor time so far, of all its threads.</summary>
    public static double ProcessorSeconds(int processId)
    {
        // After the name, which is in brackets, and may itself have some: state is
        // field 3, user and system time are 14 and 15.
        var fields = File.ReadAllText($"/proc/{processId}/stat").Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    /// <summary>Memory in use, MiB.</summary>
    public static double ResidentMiB(int processId)
    {
        var line = File.ReadLines($"/proc/{processId}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
