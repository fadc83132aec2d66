using System.Globalization;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// Carries a plan's faults out, one after the other. After each everything
/// runs again, also where a test fails meanwhile.
/// </summary>
internal sealed class FaultInjector(WholeMesh mesh, FaultLoad load, Action<string> tell)
{
    private const string ClockOffset = "Mesh__Development__ClockOffset";
    private const int WhileApart = 30;
    private static readonly TimeSpan InHand = TimeSpan.FromMilliseconds(40);
    private readonly FaultDatabases _databases = new(mesh.Servers);

    /// <summary>How many times the broker died and kept its disk.</summary>
    public int Deaths { get; private set; }

    /// <summary>How many public events were stored and not confirmed when it died, all times together.</summary>
    public long Unconfirmed { get; private set; }

    /// <summary>Lets one happen; returns when everything runs again.</summary>
    public async Task InjectAsync(Fault fault)
    {
        await load.AnsweredAsync(fault.After);
        tell(fault.ToString());
        if (fault.Burst > 0)
            await load.BurstAsync(fault.Burst, () => fault.EndsBroker ? EndBrokerAsync(fault) : KillAndStartAsync(fault));
        else
            await (fault.Kind switch
            {
                FaultKind.Kill => KillAndStartAsync(fault),
                FaultKind.Pause => PauseAsync(fault.Parts[0], fault.For),
                FaultKind.BlockPublishers => BlockPublishersAsync(fault.For),
                FaultKind.ReadOnly => _databases.ReadOnlyAsync(fault.Parts[0], fault.For),
                FaultKind.RejectRole => _databases.RejectRoleAsync(fault.For),
                FaultKind.ClockApart => ClockApartAsync(fault.Parts[0], fault.For),
                FaultKind.RestoreDatabase => RestoreAsync(fault.Parts[0]),
                _ => throw new ArgumentOutOfRangeException(nameof(fault)),
            });
    }

    // A broker that hangs takes what is written to it into its connections' buffers, and answers nothing more. Consumers
    // that hang leave what comes meanwhile to a broker that is lost.
    private async Task EndBrokerAsync(Fault fault)
    {
        if (fault.For > TimeSpan.Zero)
        {
            foreach (var part in fault.Parts.Where(p => p == FaultPlan.Broker != (fault.Kind == FaultKind.WipeBroker)))
                Pausing(part).Pause();
            await Task.Delay(fault.For);
        }

        // What was stored before its death and is not confirmed after it was never confirmed.
        var stored = await _databases.StoredAsync();
        await Kill(FaultPlan.Broker);
        var unconfirmed = await _databases.UnconfirmedAsync(stored);
        tell($"the broker is dead, {unconfirmed} events unconfirmed");
        if (fault.Kind == FaultKind.Kill)
        {
            Deaths++;
            Unconfirmed += unconfirmed;
        }

        await Task.WhenAll(fault.Parts.Where(p => p != FaultPlan.Broker).Select(Kill));
        if (fault.Kind == FaultKind.WipeBroker)
            mesh.Servers.OwnRabbitMq!.Wipe();
        await StartAsync(fault.Parts);
    }

    // A consumer that was stopped for a while is given all that came meanwhile when it goes on, and dies with that in hand.
    private async Task KillAndStartAsync(Fault fault)
    {
        if (fault.For > TimeSpan.Zero)
        {
            await Task.WhenAll(fault.Parts.Where(FaultPlan.IsConsumer).Select(part => PauseAsync(part, fault.For)));
            await Task.Delay(InHand);
        }

        await Task.WhenAll(fault.Parts.Select(Kill));
        await StartAsync(fault.Parts);
    }

    // Several at once come back in the order of their needs, and those of the same need side by side.
    private async Task StartAsync(IReadOnlyList<string> parts)
    {
        foreach (var stage in parts.GroupBy(Stage).OrderBy(s => s.Key))
            await Task.WhenAll(stage.Select(Start));
    }

    private async Task PauseAsync(string part, TimeSpan time)
    {
        var (pause, resume) = Pausing(part);
        pause();
        try
        {
            await Task.Delay(time);
        }
        finally
        {
            resume();
        }
    }

    private async Task BlockPublishersAsync(TimeSpan time)
    {
        var broker = mesh.Servers.OwnRabbitMq!;
        await broker.ControlAsync(["set_vm_memory_high_watermark", "0.00001"], CancellationToken.None);
        try
        {
            await Task.Delay(time);
        }
        finally
        {
            await broker.ControlAsync(["set_vm_memory_high_watermark", "0.6"], CancellationToken.None);
        }
    }

    private async Task ClockApartAsync(string part, TimeSpan offset)
    {
        var (service, replica) = Replica(part);
        mesh.Run.Set(service, replica, ClockOffset, offset.ToString("c", CultureInfo.InvariantCulture));
        try
        {
            await mesh.Run.RestartReplicaAsync(service, replica);
            await load.AnsweredAsync(WhileApart);
        }
        finally
        {
            mesh.Run.Set(service, replica, ClockOffset, null);
            await mesh.Run.RestartReplicaAsync(service, replica);
        }
    }

    // The load goes on between backup and restore, so that the service knows less than it has told, or was told.
    private async Task RestoreAsync(string service)
    {
        var isRegistry = service == "registry";
        string[] replicas = [.. mesh.Run.Replicas.Where(r => r.Service == service).Select(r => $"{r.Service} {r.Replica}")];
        if (isRegistry)
            await load.BeforeBackupAsync();
        await Task.WhenAll(replicas.Select(Kill));
        var backup = await Backup.TakeAsync(mesh.Servers.Postgres, service);
        await StartAsync(replicas);
        if (isRegistry)
            await load.AfterBackupAsync();
        await load.AnsweredAsync(WhileApart);
        await load.PaidOnceMoreAsync();
        await Task.WhenAll(replicas.Select(Kill));
        await backup.RestoreAsync();
        if (isRegistry)
            load.RegistryWasRestored();
        await StartAsync(replicas);
        if (isRegistry)
            await load.AfterRestoreAsync();
    }

    // The servers first, then who says which tokens are good, the gateway last.
    private static int Stage(string part) => part.Split(' ')[0] switch
    {
        FaultPlan.Database or FaultPlan.Broker => 0,
        "identity" => 1,
        "gateway" => 3,
        _ => 2,
    };

    private Task Kill(string part) => part switch
    {
        FaultPlan.Database => mesh.Servers.KillPostgresAsync(),
        FaultPlan.Broker => mesh.Servers.KillRabbitMqAsync(),
        _ => mesh.Run.KillAsync(Replica(part).Service, Replica(part).Number),
    };

    private Task Start(string part) => part switch
    {
        FaultPlan.Database => mesh.Servers.StartPostgresAsync(),
        FaultPlan.Broker => mesh.Servers.StartRabbitMqAsync(),
        _ => mesh.Run.StartReplicaAsync(Replica(part).Service, Replica(part).Number),
    };

    private (Action Pause, Action Resume) Pausing(string part)
    {
        if (part == FaultPlan.Database)
            return (mesh.Servers.OwnPostgres!.Pause, mesh.Servers.OwnPostgres!.Resume);
        if (part == FaultPlan.Broker)
            return (mesh.Servers.OwnRabbitMq!.Pause, mesh.Servers.OwnRabbitMq!.Resume);
        var (service, replica) = Replica(part);
        return (() => mesh.Run.Pause(service, replica), () => mesh.Run.Resume(service, replica));
    }

    private static (string Service, int Number) Replica(string part) => part.Split(' ') is [var service, var number]
        ? (service, int.Parse(number, CultureInfo.InvariantCulture))
        : throw new ArgumentException($"{part} is no replica.", nameof(part));
}
