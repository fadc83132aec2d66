using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Forgets what is past its time (answers to keys: 7 days, inbox: 30 days, access log: 2 years) and measures how far
/// the relay is behind.
/// </summary>
internal sealed class Housekeeping(
    NpgsqlDataSource database, Retention retention, TimeProvider time, ILogger<Housekeeping> log) : BackgroundService
{
    /// <summary>What is forgotten. Marten notes with each document when the database wrote it.</summary>
    internal static readonly IReadOnlyList<Aged> Kinds =
    [
        CommandReceipts.Age,
        new("mt_doc_inboxrecord", "mt_last_modified", InboxRecord.Kept),
        new("mt_doc_accessrecord", "mt_last_modified", AccessLog.Kept),
    ];

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                MeshTelemetry.Lag((await RelayBacklog.ReadAsync(database, stoppingToken)).Events);
                await CompareClocksAsync(stoppingToken);
                // It knows itself whether an hour has passed.
                await retention.ForgetAsync(Kinds, [], stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning(e, "Housekeeping failed and tries again in its next round");
            }
        }
    }

    private async Task CompareClocksAsync(CancellationToken ct)
    {
        await using var clock = database.CreateCommand("select clock_timestamp()");
        if (await clock.ExecuteScalarAsync(ct) is DateTime theirs)
            MeshTelemetry.ClockAhead(time.GetUtcNow() - new DateTimeOffset(theirs));
    }
}
