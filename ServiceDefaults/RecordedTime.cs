using System.Collections.Concurrent;
using JasperFx.Events;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// When things are recorded. Replicas' clocks differ, so the last moment given is kept in the database, where all
/// replicas see it at once: each transaction gets its own clock's moment, or, where that is not later than the last
/// one, the microsecond after it. So recorded time never runs backwards: not in a stream, and not between a transaction
/// that has ended and one that begins.
/// </summary>
public static class RecordedTime
{
    /// <summary>
    /// The sequence that keeps the last moment, in microseconds since 1970, and the function that gives the next one. A
    /// sequence is not part of a transaction: no writer waits for another one's commit.
    /// </summary>
    internal static readonly string[] Schema =
    [
        "create sequence if not exists mesh_clock",
        // A store that is older than this begins after all that it has.
        """
        select setval(
            'mesh_clock', (select coalesce((extract(epoch from max(timestamp)) * 1000000)::bigint, 0) + 1 from mt_events))
        where (select not is_called from mesh_clock)
        """,
        // What a subtransaction has locked is free as soon as it is rolled back, and the sequence keeps its value. So
        // the lock is held for microseconds, and cannot be left behind, whatever interrupts it.
        """
        create or replace function mesh_recorded_at(own bigint) returns bigint language plpgsql as $$
        declare at bigint;
        begin
            begin
                perform pg_advisory_xact_lock(hashtextextended('mesh clock', 0));
                select greatest(own, last_value + 1) into at from mesh_clock;
                perform setval('mesh_clock', at);
                raise sqlstate 'MC001';
            exception when sqlstate 'MC001' then
                null;
            end;
            return at;
        end $$
        """,
        Turns.Function,
        // What is recorded from now on is later than the moment that this returns; these transactions may still record
        // something before it.
        """
        create or replace function mesh_settle(region text, own bigint, out moment bigint, out writers text[])
        language plpgsql as $$
        begin
            moment := mesh_recorded_at(own);
            writers := mesh_writers(region);
        end $$
        """,
        """
        create or replace function mesh_writers(region text) returns text[] language sql volatile as $$
            select coalesce(array_agg(virtualtransaction), '{}') from pg_locks
            where locktype = 'advisory' and mode = 'ShareLock' and granted and objsubid = 1
              and database = (select oid from pg_database where datname = current_database())
              and (classid::bigint << 32 | objid::bigint) = hashtextextended(region || ' recording', 0)
        $$
        """,
    ];

    /// <summary>
    /// Gives events their time when they are saved, where Marten would give them that of this replica's clock.
    /// </summary>
    internal static readonly Gathered<(IEvent Event, DateTimeOffset At)> Waiting = new((_, events) =>
    {
        foreach (var (e, at) in events)
            e.Timestamp = at;
    });

    internal static long Microseconds(DateTimeOffset at) =>
        (at.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    internal static DateTimeOffset At(long microseconds) =>
        DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);
}

/// <summary>
/// Answers what was recorded until a moment so that the answer never changes: what is recorded later gets a later time,
/// and who writes now is waited for.
/// </summary>
public sealed class SettledTime(NpgsqlDataSource database, TimeProvider time)
{
    private const int MostRegions = 1000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);
    private readonly ConcurrentDictionary<string, long> _settled = [];

    /// <summary>Waits until nothing is recorded any more before a moment, or before now where none is named.</summary>
    /// <param name="region">The tenant.</param>
    /// <param name="until">The moment; one in the future is not waited for.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The moment. All that has been saved is before it, where none is named.</returns>
    /// <exception cref="RefusedException">503: somebody has been writing for more than five seconds.</exception>
    public async Task<DateTimeOffset> SettleAsync(string region, DateTimeOffset? until, CancellationToken ct)
    {
        // Recorded are whole microseconds; the moment's own is in.
        var now = RecordedTime.Microseconds(time.GetUtcNow());
        var asked = until is { } at ? RecordedTime.Microseconds(at) : long.MaxValue;
        if (_settled.TryGetValue(region, out var settled) && asked <= settled)
            return until!.Value;
        var (moment, writers) = await TakeMomentAsync(region, Math.Min(now, asked), ct);
        await WaitForAsync(region, writers, ct);
        if (_settled.Count >= MostRegions)
            _settled.Clear();
        _settled.AddOrUpdate(region, moment, (_, before) => Math.Max(before, moment));
        return until ?? RecordedTime.At(moment);
    }

    private async Task<(long Moment, string[] Writers)> TakeMomentAsync(string region, long own, CancellationToken ct)
    {
        try
        {
            await using var settle = database.CreateCommand("select moment, writers from mesh_settle($1, $2)");
            settle.Parameters.AddWithValue(region);
            settle.Parameters.AddWithValue(own);
            await using var reader = await settle.ExecuteReaderAsync(ct);
            await reader.ReadAsync(ct);
            return (reader.GetInt64(0), await reader.GetFieldValueAsync<string[]>(1, ct));
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction)
        {
            // Nothing can be recorded here now, and what can be later is after the last moment.
            await using var last = database.CreateCommand("select last_value from mesh_clock");
            return ((long)(await last.ExecuteScalarAsync(ct))!, []);
        }
    }

    private async Task WaitForAsync(string region, string[] writers, CancellationToken ct)
    {
        if (writers.Length == 0)
            return;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        try
        {
            while (true)
            {
                await using var ask = database.CreateCommand("select mesh_writers($1) && $2");
                ask.Parameters.AddWithValue(region);
                ask.Parameters.AddWithValue(writers);
                if (await ask.ExecuteScalarAsync(patience.Token) is false)
                    return;
                await Task.Delay(Pause, patience.Token);
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new RefusedException(new Refusal(503, "Somebody has been writing for long; what is known now may change: try again."));
        }
    }
}
