using JasperFx;
using JasperFx.Events.Daemon;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Marten stops a subscription for good when its checkpoint is not where it left it, and this replica would go on leading
/// without relaying. That happens when the database dies between the commit of a checkpoint and its confirmation. The
/// stopped one is taken away here; whoever leads then starts anew, from the checkpoint.
/// </summary>
internal sealed class RelayRevival(Marten.Events.Daemon.Coordination.IProjectionCoordinator coordinator, ILogger<RelayRevival> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                TakeAwayStopped(coordinator.DaemonForMainDatabase());
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning(e, "Whether the relay runs could not be seen; it is looked at again in {Period}", Period);
            }
        }
    }

    private void TakeAwayStopped(IProjectionDaemon daemon)
    {
        foreach (var agent in daemon.CurrentAgents().Where(a => a.Status == AgentStatus.Stopped))
        {
            log.LogWarning("The subscription {Name} had stopped; it starts again from its checkpoint", agent.Name.Identity);
            daemon.EjectPausedShard(agent.Name.Identity);
        }
    }
}
