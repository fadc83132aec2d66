using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// The types of events that the versions of this service take, and when a replica last said so. In a rolling upgrade the
/// queue has what only the one or the other takes: such an event waits for its version. What no version has taken for a
/// while is not asked of the broker any more.
/// </summary>
internal sealed class Bindings(NpgsqlDataSource database, MeshService service)
{
    /// <summary>Makes the table.</summary>
    public const string Table =
        "create table if not exists bindings (type text primary key, seen_at timestamptz not null)";

    private const int MaxTypes = 1000;

    /// <summary>Says that this version takes its types: before they are bound, and then once a minute.</summary>
    public async Task SayAsync(CancellationToken ct)
    {
        await using var say = database.CreateCommand(
            """
            insert into bindings (type, seen_at) select unnest($1), clock_timestamp()
            on conflict (type) do update set seen_at = excluded.seen_at
            where bindings.seen_at < excluded.seen_at - interval '30 seconds'
            """);
        say.Parameters.AddWithValue(service.Subscriptions.Select(s => s.Type).Order(StringComparer.Ordinal).ToArray());
        await say.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Whether a replica of another version takes events of this type.</summary>
    public async Task<bool> IsTakenAsync(string type, CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            "select exists (select from bindings where type = $1 and seen_at > clock_timestamp() - interval '2 minutes')");
        read.Parameters.AddWithValue(type);
        return (bool)(await read.ExecuteScalarAsync(ct))!;
    }

    /// <summary>The types that nobody has taken for ten minutes.</summary>
    public async Task<IReadOnlyList<string>> DroppedAsync(CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            $"select type from bindings where seen_at < clock_timestamp() - interval '10 minutes' order by type limit {MaxTypes}");
        await using var reader = await read.ExecuteReaderAsync(ct);
        var types = new List<string>();
        while (await reader.ReadAsync(ct))
            types.Add(reader.GetString(0));
        return types;
    }

    /// <summary>
    /// Forgets a type, unless it is taken again. Who says meanwhile that it takes the type waits, and binds it afterwards.
    /// </summary>
    public async Task ForgetAsync(string type, Func<Task> unbind, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var forget = new NpgsqlCommand(
            "delete from bindings where type = $1 and seen_at < clock_timestamp() - interval '10 minutes'", connection, transaction);
        forget.Parameters.AddWithValue(type);
        if (await forget.ExecuteNonQueryAsync(ct) == 0)
            return;
        await unbind();
        await transaction.CommitAsync(ct);
    }

    /// <summary>The types that another version takes, and this one does not.</summary>
    public async Task<IReadOnlyList<string>> OthersAsync(CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            $"""
            select type from bindings where type <> all($1) and seen_at > clock_timestamp() - interval '2 minutes'
            order by type limit {MaxTypes}
            """);
        read.Parameters.AddWithValue(service.Subscriptions.Select(s => s.Type).ToArray());
        await using var reader = await read.ExecuteReaderAsync(ct);
        var types = new List<string>();
        while (await reader.ReadAsync(ct))
            types.Add(reader.GetString(0));
        return types;
    }
}

/// <summary>An event is for another version of this service, which runs beside this one: it waits for that.</summary>
internal sealed class OtherVersionException(string type) : Exception($"Events of type {type} are for another version of this service, which runs, too.");
