using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// How a service or one of its checks is: <c>ready</c>; <c>degraded</c>, it takes commands and something else waits; or
/// <c>unready</c>, it takes none. Only the last is a 503.
/// </summary>
public static class Health
{
    /// <summary>All is well.</summary>
    public const string Ready = "ready";

    /// <summary>Commands are taken, and something else waits, for instance for the broker.</summary>
    public const string Degraded = "degraded";

    /// <summary>Commands are not taken.</summary>
    public const string Unready = "unready";

    internal static Task WriteAsync(HttpContext http, HealthReport report) => http.Response.WriteAsJsonAsync(new
    {
        status = Word(report.Status),
        checks = report.Entries.ToDictionary(e => e.Key, e => Word(e.Value.Status)),
        reasons = report.Entries.Where(e => e.Value.Description is not null).ToDictionary(e => e.Key, e => e.Value.Description),
        relay = report.Entries.Values
            .Select(e => e.Data.GetValueOrDefault(RelayCheck.Backlog)).OfType<RelayBacklog>().FirstOrDefault(),
    });

    private static string Word(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => Ready,
        HealthStatus.Degraded => Degraded,
        _ => Unready,
    };
}

/// <summary>What waits to be relayed.</summary>
/// <param name="Events">How many sequence numbers the relay has not passed.</param>
/// <param name="WaitedSeconds">For how long the oldest event has waited.</param>
internal sealed record RelayBacklog(long Events, long WaitedSeconds)
{
    private const string Oldest =
        $"""
        select coalesce((select max(seq_id) from mt_events), 0) - passed.to_seq,
               oldest.seq_id, oldest.timestamp
        from (
            select coalesce((select last_seq_id from mt_event_progression where name = '{Relay.Subscription}:All'), 0) as to_seq
        ) passed
        left join lateral (
            select seq_id, timestamp from mt_events where seq_id > passed.to_seq order by seq_id limit 1) oldest on true
        """;

    /// <summary>How many events wait, and the oldest one.</summary>
    public static async Task<(long Events, long? Oldest, DateTimeOffset RecordedAt)> ReadAsync(
        NpgsqlDataSource database, CancellationToken ct)
    {
        await using var command = database.CreateCommand(Oldest);
        command.CommandTimeout = 5;
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return await reader.IsDBNullAsync(1, ct)
            ? (0, null, default)
            : (Math.Max(0, reader.GetInt64(0)), reader.GetInt64(1), await reader.GetFieldValueAsync<DateTimeOffset>(2, ct));
    }
}

/// <summary>Whether events have waited for 30 seconds to be relayed: degraded, since commands go on.</summary>
internal sealed class RelayCheck(NpgsqlDataSource database, TimeProvider time) : IHealthCheck
{
    public const string Backlog = "relay";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Lock _gate = new();
    private (long Oldest, DateTimeOffset Since)? _seen;

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var (events, oldest, recordedAt) = await RelayBacklog.ReadAsync(database, cancellationToken);
            var waited = Waited(oldest, recordedAt);
            var data = new Dictionary<string, object> { [Backlog] = new RelayBacklog(events, (long)waited.TotalSeconds) };
            return waited >= Patience
                ? HealthCheckResult.Degraded("Events wait to be relayed.", data: data)
                : HealthCheckResult.Healthy(data: data);
        }
        catch (Exception e) when (Faults.IsOutage(e))
        {
            // The database's own check says so.
            return HealthCheckResult.Healthy();
        }
    }

    // An event's time may be ahead of this clock, if another replica's is: so it also counts how long the same event
    // has been the oldest.
    private TimeSpan Waited(long? oldest, DateTimeOffset recordedAt)
    {
        var now = time.GetUtcNow();
        lock (_gate)
        {
            if (oldest is not { } waiting)
                _seen = null;
            else if (_seen?.Oldest != waiting)
                _seen = (waiting, now);
            var since = _seen is { } seen ? now - seen.Since : TimeSpan.Zero;
            var age = oldest is null ? TimeSpan.Zero : now - recordedAt;
            return since > age ? since : age;
        }
    }
}
