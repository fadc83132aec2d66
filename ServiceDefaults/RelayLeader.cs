using JasperFx;
using JasperFx.Events.Daemon;
using Marten;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Of all replicas one leads and relays: the one whose session holds a lock in the database. The
/// session has no transaction open, which would keep the database from cleaning up; it ends with its
/// process, and its loss is noticed within a second or two.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="database">Its connection string.</param>
/// <param name="format">Whether this version knows all events: one that does not would leave some out.</param>
/// <param name="begin">Done before this replica relays.</param>
/// <param name="log">The log.</param>
internal sealed class RelayLeader(
    IDocumentStore store, string database, StoredFormat format, Func<CancellationToken, Task> begin, ILogger<RelayLeader> log)
    : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var session = await OpenAsync(stoppingToken);
                // A version that does not know all events would leave some out.
                while (format.WhyNot is not null || !await LeadsAsync(session, stoppingToken))
                    await Task.Delay(Period, stoppingToken);
                await LeadAsync(session, stoppingToken);
            }
            catch (Exception e)
            {
                if (stoppingToken.IsCancellationRequested)
                    return;
                log.LogWarning("The relay stopped and is tried again in {Period}: {Reason}", Period, e.Message);
            }

            await Task.Delay(Period, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Not from the pool: closing it has to give the lock back. A host that
    // vanishes is noticed in seconds instead of hours.
    private async Task<NpgsqlConnection> OpenAsync(CancellationToken ct)
    {
        var settings = new NpgsqlConnectionStringBuilder(database) { Pooling = false, CommandTimeout = 5 };
        settings.Options = $"{settings.Options} -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3".TrimStart();
        var session = new NpgsqlConnection(settings.ConnectionString);
        await session.OpenAsync(ct);
        return session;
    }

    private static async Task<bool> LeadsAsync(NpgsqlConnection session, CancellationToken ct)
    {
        await using var take = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended('mesh relay', 0))", session);
        return await take.ExecuteScalarAsync(ct) is true;
    }

    private async Task LeadAsync(NpgsqlConnection session, CancellationToken ct)
    {
        await begin(ct);
        using var daemon = await store.BuildProjectionDaemonAsync(logger: new DaemonLog(log));
        try
        {
            await daemon.StartAllAsync();
            await EndWhenSilentAsync(session, ct);
            await using var ping = new NpgsqlCommand("select 1", session);
            while (IsWell(daemon))
            {
                if (format.WhyNot is { } reason)
                {
                    log.LogWarning("The relay leaves the lead to another version: {Reason}", reason);
                    return;
                }

                await Task.Delay(Period, ct);
                await ping.ExecuteScalarAsync(ct);
            }

            log.LogWarning("The relay had stopped; it starts again from its checkpoint");
        }
        finally
        {
            await daemon.StopAllAsync().WaitAsync(LongestStop, CancellationToken.None);
        }
    }

    // The system of a replica that hangs goes on answering for it, so that its session would hold the lead for ever.
    private static async Task EndWhenSilentAsync(NpgsqlConnection session, CancellationToken ct)
    {
        if (session.PostgreSqlVersion.Major < 14)
            return;
        await using var end = new NpgsqlCommand($"set idle_session_timeout = '{10 * Period.TotalSeconds:0}s'", session);
        await end.ExecuteNonQueryAsync(ct);
    }

    // Marten stops a subscription for good when its checkpoint is not where it left it: the database died between the
    // commit of a checkpoint and its confirmation, or another replica led meanwhile.
    private static bool IsWell(IProjectionDaemon daemon) =>
        !daemon.IsHighWaterStale && daemon.CurrentAgents() is { Count: > 0 } agents && agents.All(a => a.Status == AgentStatus.Running);
}
