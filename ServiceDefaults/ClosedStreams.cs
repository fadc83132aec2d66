using System.Data.Common;
using Marten;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>A stream that nobody writes to until an operator has mended it.</summary>
/// <param name="Region">The tenant.</param>
/// <param name="Stream">The stream's key.</param>
/// <param name="Reason">What is wrong with it: sentences.</param>
public sealed record StreamClosure(string Region, string Stream, string Reason);

/// <summary>
/// Streams whose events are not sound, so that an upgrade has left their states as they were. Deciding on such a state
/// could be wrong: commands on them get 409 with the reason, reactions are parked with it, all other streams go on.
/// </summary>
public sealed class ClosedStreams(NpgsqlDataSource database, ILogger<ClosedStreams> log)
{
    /// <summary>Makes the table.</summary>
    internal const string Table =
        """
        create table if not exists closed_streams (
            region text, stream text, reason text not null, since timestamptz not null default now(), primary key (region, stream))
        """;

    private const int LongestReason = 1000;
    private const int MostListed = 1000;

    /// <summary>Closes a stream, and tells why.</summary>
    public async Task CloseAsync(string region, string stream, string reason, CancellationToken ct)
    {
        log.LogError("{Stream} of {Region} is closed until it is mended: {Reason}", stream, region, reason);
        await using var close = database.CreateCommand(
            """
            insert into closed_streams (region, stream, reason) values ($1, $2, $3)
            on conflict (region, stream) do update set reason = excluded.reason
            """);
        var cut = reason.Length > LongestReason ? reason[..LongestReason] + "…" : reason;
        foreach (var value in (string[])[region, stream, cut])
            close.Parameters.AddWithValue(value);
        await close.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Opens it again, with the session's transaction.</summary>
    public static void Open(IDocumentSession session, string stream) =>
        session.QueueSqlCommand("delete from closed_streams where region = ? and stream = ?", session.TenantId, stream);

    /// <summary>The streams that are closed, in all regions; at most 1000.</summary>
    public async Task<IReadOnlyList<StreamClosure>> ListAsync(CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            $"select region, stream, reason from closed_streams order by region, stream limit {MostListed}");
        read.CommandTimeout = 5;
        await using var reader = await read.ExecuteReaderAsync(ct);
        var closed = new List<StreamClosure>();
        while (await reader.ReadAsync(ct))
            closed.Add(new StreamClosure(reader.GetString(0), reader.GetString(1), reader.GetString(2)));
        return closed;
    }

    /// <summary>The keys of a region's closed streams.</summary>
    public async Task<IReadOnlyList<string>> OfAsync(string region, CancellationToken ct) =>
        [.. (await ListAsync(ct)).Where(c => c.Region == region).Select(c => c.Stream)];

    /// <summary>Whether a failure is a stream's own: not the database's, and nobody gave up.</summary>
    public static bool IsOfTheStream(Exception e) =>
        e is not OperationCanceledException && !Faults.IsOutage(e) && !Faults.IsConflict(e);

    /// <summary>How many are closed.</summary>
    internal async Task<long> CountAsync(CancellationToken ct)
    {
        await using var count = database.CreateCommand("select count(*) from closed_streams");
        return (long)(await count.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Reads why a stream is closed: the second column of the row that was read, null if none is.</summary>
    /// <exception cref="RefusedException">One is.</exception>
    internal static async Task RefuseAsync(DbDataReader reader, CancellationToken ct)
    {
        if (!await reader.IsDBNullAsync(1, ct))
            throw new RefusedException(Refusal.Conflict(reader.GetString(1)));
    }
}

/// <summary>A service works while some of its streams are closed, but somebody has to look.</summary>
internal sealed class ClosedStreamsCheck(ClosedStreams closed) : IHealthCheck
{
    private const int MostNamed = 5;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var all = await closed.ListAsync(cancellationToken);
            if (all.Count == 0)
                return HealthCheckResult.Healthy();
            var names = string.Join(", ", all.Take(MostNamed).Select(c => $"{c.Stream} of {c.Region}"));
            return HealthCheckResult.Degraded($"Closed until they are mended: {names}{(all.Count > MostNamed ? ", …" : "")}.");
        }
        catch (Exception e) when (Faults.IsOutage(e))
        {
            // The database's own check says so.
            return HealthCheckResult.Healthy();
        }
    }
}
