using Microsoft.Extensions.Logging;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>Rows that are forgotten when they are old.</summary>
/// <param name="Table">Their table.</param>
/// <param name="Column">When each was written, by the database's clock; it has an index.</param>
/// <param name="Kept">For how long they are kept.</param>
public sealed record Aged(string Table, string Column, TimeSpan Kept)
{
    /// <summary>Deletes the oldest rows before $1, $2 at most.</summary>
    public string Delete =>
        $"delete from {Table} where ctid = any(array(select ctid from {Table} where {Column} < $1 order by {Column} limit $2))";
}

/// <summary>
/// Forgets rows by their age. What counts is the database's clock, not a replica's; and where that clock jumps, or
/// nothing was forgotten for long, a round goes on by one day at most: what a wrong clock says is due can be told
/// before it is lost.
/// </summary>
public sealed class Retention(NpgsqlDataSource database, ILogger<Retention> log)
{
    private const int MostAtOnce = 5000;
    private const int MostStatements = 200;
    private static readonly DateTimeOffset Never = new(9000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    // A round of one replica is a round of all: the condition lets the others pass. A clock that was set back begins a
    // round at once.
    private const string Round =
        """
        insert into mesh_retention as r (id, until, round)
        values (1, least(clock_timestamp(), $1 + interval '1 day'), clock_timestamp())
        on conflict (id) do update
        set until = least(clock_timestamp(), r.until + interval '1 day'), round = clock_timestamp()
        where clock_timestamp() < r.round or clock_timestamp() >= r.round + interval '55 minutes'
        returning until, clock_timestamp() - until
        """;

    private const string Table =
        """
        create table if not exists mesh_retention (
            id integer primary key, until timestamptz not null, round timestamptz not null)
        """;

    private volatile bool _isMade;

    /// <summary>Forgets what is due of all of these, where the last round was an hour ago.</summary>
    /// <param name="kinds">What is deleted by its age alone.</param>
    /// <param name="others">What the caller forgets itself.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The time by which things are due; null: it is not time yet, or another replica does it.</returns>
    public async Task<DateTimeOffset?> ForgetAsync(
        IReadOnlyList<Aged> kinds, IReadOnlyList<Aged> others, CancellationToken ct)
    {
        var until = await BeginAsync([.. kinds, .. others], ct);
        foreach (var kind in until is null ? [] : kinds)
            await ForgetAsync(kind, until!.Value - kind.Kept, ct);
        return until;
    }

    private async Task<DateTimeOffset?> BeginAsync(IReadOnlyList<Aged> kinds, CancellationToken ct)
    {
        if (!_isMade)
        {
            await using var table = database.CreateCommand(Table);
            await table.ExecuteNonQueryAsync(ct);
            _isMade = true;
        }

        await using var round = database.CreateCommand(Round);
        round.Parameters.AddWithValue(await FirstDueAsync(kinds, ct) ?? Never);
        await using var reader = await round.ExecuteReaderAsync(ct);
        if (!await reader.ReadAsync(ct))
            return null;
        var (until, ahead) = (await reader.GetFieldValueAsync<DateTimeOffset>(0, ct), reader.GetTimeSpan(1));
        MeshTelemetry.Held(ahead);
        if (ahead > TimeSpan.FromMinutes(1))
        {
            log.LogWarning(
                "The database's clock is {Ahead} ahead of the last round of forgetting: it jumped, or the service stood still. "
                + "Only what is due by {Until} is forgotten now, and a day more with each round, an hour apart. "
                + "Where the clock is wrong, set it right before that",
                ahead,
                until);
        }

        return until;
    }

    // When the first of these rows becomes due; it counts where there has been no round yet.
    private async Task<DateTimeOffset?> FirstDueAsync(IReadOnlyList<Aged> kinds, CancellationToken ct)
    {
        DateTimeOffset? first = null;
        await using var rounds = database.CreateCommand("select count(*) from mesh_retention");
        if (await rounds.ExecuteScalarAsync(ct) is not 0L)
            return first;
        foreach (var kind in kinds)
        {
            await using var oldest = database.CreateCommand($"select min({kind.Column}) from {kind.Table}");
            if (await oldest.ExecuteScalarAsync(ct) is not DateTime at)
                continue;
            var due = new DateTimeOffset(at) + kind.Kept;
            if (first is null || due < first)
                first = due;
        }

        return first;
    }

    private async Task ForgetAsync(Aged kind, DateTimeOffset before, CancellationToken ct)
    {
        var deleted = MostAtOnce;
        for (var statement = 0; statement < MostStatements && deleted == MostAtOnce; statement++)
        {
            await using var delete = database.CreateCommand(kind.Delete);
            delete.Parameters.AddWithValue(before);
            delete.Parameters.AddWithValue(MostAtOnce);
            deleted = await delete.ExecuteNonQueryAsync(ct);
        }
    }
}
