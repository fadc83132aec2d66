using System.Security.Cryptography;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>A time in which a store only grew. A restored database begins another one.</summary>
/// <param name="Name">Its name, eight digits.</param>
/// <param name="BeginsAfter">The newest event's number when it began; what is up
/// to here is of the epoch before, too.</param>
internal sealed record StoreEpoch(string Name, long BeginsAfter);

/// <summary>
/// The store's epochs. A database that was restored may lack events that others have seen, and gives their
/// numbers to other events: positions of before then mean nothing. A restore is recognised by what PostgreSQL
/// says of itself: another cluster (system identifier), another timeline (point-in-time recovery, promotion),
/// another database or table (dump and restore). A copy of the server's files put back in place keeps all of
/// these: then an operator begins an epoch (<c>./mesh epoch</c>).
/// </summary>
internal sealed class StoreEpochs(NpgsqlDataSource database)
{
    /// <summary>Makes the table.</summary>
    public const string Table =
        """
        create table if not exists store_epochs (
            number integer primary key generated always as identity, name text not null unique, fingerprint text not null,
            begins_after bigint not null, began_at timestamptz not null default clock_timestamp())
        """;

    private const string Fingerprint =
        """
        concat_ws('/', (select system_identifier from pg_control_system()), substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
            (select oid from pg_database where datname = current_database()), 'mt_events'::regclass::oid)
        """;

    private const string IsAnother =
        $"(select fingerprint from store_epochs order by number desc limit 1) is distinct from {Fingerprint}";

    /// <summary>How many epochs begin within an hour when operators say so.</summary>
    public const int MostInAnHour = 10;

    private const int MaxEpochs = 10_000;

    /// <summary>
    /// Begins an epoch where the database is another one than before; the first one at the first start.
    /// </summary>
    /// <returns>Whether it is another one.</returns>
    public async Task<bool> CheckAsync(CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        return await BeginAsync(connection, $"where {IsAnother}", ct);
    }

    /// <summary>
    /// Begins an epoch, since an operator says that the database was restored. Everybody who learns from the service
    /// learns anew then, so there are at most ten an hour.
    /// </summary>
    /// <returns>False: as many have begun within the last hour.</returns>
    public async Task<bool> BeginAsync(CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        return await BeginAsync(
            connection,
            $"where (select count(*) from store_epochs where began_at > clock_timestamp() - interval '1 hour') < {MostInAnHour}",
            ct);
    }

    /// <summary>
    /// Looks at each new connection before it is used. A service goes on while a standby is promoted, or a copy takes the
    /// database's place: nothing is recorded there before the epoch has begun. A standby itself is refused by this, and
    /// so has no connections left when it is promoted.
    /// </summary>
    public static void LookAt(NpgsqlDataSourceBuilder connections) => connections.UsePhysicalConnectionInitializer(
        connection => LookAtAsync(connection).GetAwaiter().GetResult(), LookAtAsync);

    /// <summary>All of them, the newest first.</summary>
    public async Task<IReadOnlyList<StoreEpoch>> ListAsync(CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            $"select name, begins_after from store_epochs order by number desc limit {MaxEpochs}");
        await using var reader = await read.ExecuteReaderAsync(ct);
        var epochs = new List<StoreEpoch>();
        while (await reader.ReadAsync(ct))
            epochs.Add(new StoreEpoch(reader.GetString(0), reader.GetInt64(1)));
        return epochs;
    }

    private static async Task LookAtAsync(NpgsqlConnection connection)
    {
        try
        {
            // A new database, or one that is being restored, has none yet: the first one begins at a start.
            const string isAnother = $"exists (select from store_epochs) and {IsAnother}";
            await using var look = new NpgsqlCommand($"select {isAnother}", connection);
            if (await look.ExecuteScalarAsync() is true)
                await BeginAsync(connection, $"where {isAnother}", CancellationToken.None);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            // Not even the table is there.
        }
    }

    // One replica after the other: two that begin one at once would begin two.
    private static async Task<bool> BeginAsync(NpgsqlConnection connection, string where, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        const string takeTurn = "select pg_advisory_xact_lock(hashtextextended('mesh epoch', 0))";
        await using var turn = new NpgsqlCommand(takeTurn, connection, transaction);
        await turn.ExecuteNonQueryAsync(ct);
        await using var begin = new NpgsqlCommand(
            $"""
            insert into store_epochs (name, fingerprint, begins_after)
            select $1, {Fingerprint}, coalesce((select max(seq_id) from mt_events), 0) {where}
            """,
            connection,
            transaction);
        begin.Parameters.AddWithValue(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4)));
        var begun = await begin.ExecuteNonQueryAsync(ct) > 0;
        await transaction.CommitAsync(ct);
        return begun;
    }
}
