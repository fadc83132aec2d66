using Marten;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>What somebody who writes to streams has.</summary>
/// <param name="Missed">Streams that somebody else keeps; none where one waits for them.</param>
/// <param name="RecordedAt">When what is written now is recorded, see <see cref="RecordedTime"/>.</param>
internal sealed record TakenTurns(IReadOnlySet<string> Missed, DateTimeOffset RecordedAt);

/// <summary>Who writes to a stream takes turns with all others who do.</summary>
public static class Turns
{
    /// <summary>
    /// Takes the turn at streams, in the same order for everybody, so that nobody waits in a circle; the time of
    /// recording comes after them, so that it is later than all that was written to them before.
    /// </summary>
    internal const string Function =
        """
        create or replace function mesh_take_turns(
            region text, streams text[], waits boolean, own bigint, out missed text[], out recorded_at bigint, out closed text)
        language plpgsql as $$
        declare one record;
        begin
            perform mesh_enter();
            perform set_config('lock_timeout', case when waits then '10s' else '500ms' end, true);
            missed := '{}';
            for one in
                select s, hashtextextended(region || '/' || s, 0) as turn from (select distinct unnest(streams) as s) d order by turn
            loop
                if waits then
                    perform pg_advisory_xact_lock(one.turn);
                elsif not pg_try_advisory_xact_lock(one.turn) then
                    missed := missed || one.s;
                end if;
            end loop;
            select c.reason into closed from closed_streams c where c.region = $1 and c.stream = any($2) limit 1;
            perform pg_advisory_xact_lock_shared(hashtextextended(region || ' recording', 0));
            recorded_at := mesh_recorded_at(own);
        end $$
        """;

    /// <summary>
    /// Waits until nobody else writes to these streams; others wait until this transaction ends, also when this program
    /// dies.
    /// Everybody takes several in the same order, so nobody waits in a circle.
    /// </summary>
    /// <exception cref="PostgresException">
    /// Somebody else keeps one for more than ten seconds (lock_not_available), or
    /// the data have another format than this program
    /// knows (<see cref="StoredFormat.Refused"/>).
    /// </exception>
    /// <exception cref="RefusedException">A stream is closed.</exception>
    /// <param name="session">The transaction.</param>
    /// <param name="streams">Their keys; one or more.</param>
    /// <param name="ct">Gives up.</param>
    /// <param name="mends">Whether it is to mend them: closed ones are taken, too.</param>
    public static async Task TakeTurnsAsync(this IDocumentSession session, string[] streams, CancellationToken ct, bool mends = false)
    {
        await session.BeginTransactionAsync(ct);
        await using var take = new NpgsqlCommand(
            $"""
            with patience as materialized (select set_config('lock_timeout', '10s', true), {StoredFormat.Enter}),
                 turns as materialized (select distinct hashtextextended(stream, 0) as turn from unnest($1) as stream order by turn)
            select (select count(pg_advisory_xact_lock(turn)) from patience, turns),
                   (select reason from closed_streams where region = $2 and stream = any($3) limit 1)
            """);
        take.Parameters.AddWithValue(streams.Select(stream => $"{session.TenantId}/{stream}").ToArray());
        take.Parameters.AddWithValue(session.TenantId);
        take.Parameters.AddWithValue(mends ? [] : streams);
        await using var reader = await session.ExecuteReaderAsync(take, ct);
        await reader.ReadAsync(ct);
        await ClosedStreams.RefuseAsync(reader, ct);
    }

    /// <summary>The same for who writes events to them.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="streams">The streams.</param>
    /// <param name="waits">Whether to wait for what somebody keeps, ten seconds at most; otherwise it is
    /// missed.</param>
    /// <param name="time">The own clock.</param>
    /// <param name="ct">Gives up.</param>
    internal static async Task<TakenTurns> TakeTurnsToWriteAsync(
        this IDocumentSession session, string[] streams, bool waits, TimeProvider time, CancellationToken ct)
    {
        await session.BeginTransactionAsync(ct);
        await using var take = new NpgsqlCommand("select missed, closed, recorded_at from mesh_take_turns($1, $2, $3, $4)");
        foreach (var value in (object[])[session.TenantId, streams, waits, RecordedTime.Microseconds(time.GetUtcNow())])
            take.Parameters.AddWithValue(value);
        await using var reader = await session.ExecuteReaderAsync(take, ct);
        await reader.ReadAsync(ct);
        await ClosedStreams.RefuseAsync(reader, ct);
        return new TakenTurns(
            (await reader.GetFieldValueAsync<string[]>(0, ct)).ToHashSet(), RecordedTime.At(reader.GetInt64(2)));
    }
}
