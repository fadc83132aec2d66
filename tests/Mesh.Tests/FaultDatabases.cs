using KkiMesh.AppHost;
using Npgsql;

namespace KkiMesh.Mesh.Tests;

/// <summary>What goes wrong inside PostgreSQL, and what is read there.</summary>
internal sealed class FaultDatabases(Servers servers)
{
    /// <summary>The services that publish.</summary>
    public static readonly IReadOnlyList<string> Publishers = [.. Topology.Services.Where(s => s.HasStore).Select(s => s.Name)];

    /// <summary>The newest event's position in each publisher's store.</summary>
    public async Task<IReadOnlyDictionary<string, long>> StoredAsync()
    {
        const string Newest = "select coalesce(max(seq_id), 0) from mt_events";
        var positions = await Task.WhenAll(Publishers.Select(async p => (Publisher: p, Position: await NumberAsync(p, Newest))));
        return positions.ToDictionary(n => n.Publisher, n => n.Position);
    }

    /// <summary>How many public events up to these positions their relays have not had confirmed.</summary>
    public async Task<long> UnconfirmedAsync(IReadOnlyDictionary<string, long> stored)
    {
        var numbers = await Task.WhenAll(stored.Select(s => NumberAsync(
            s.Key,
            """
            select count(*) from mt_events where type like 'kki.%' and seq_id <= $1
               and seq_id > coalesce((select last_seq_id from mt_event_progression where name = 'relay:All'), 0)
            """,
            s.Value)));
        return numbers.Sum();
    }

    /// <summary>
    /// A service's database takes no writes; its sessions are ended before and
    /// after, as those of a primary that is demoted.
    /// </summary>
    public async Task ReadOnlyAsync(string service, TimeSpan time)
    {
        await using var admin = await AdminAsync();
        await RunAsync(admin, $"alter database \"{service}\" set default_transaction_read_only = on");
        try
        {
            await EndSessionsAsync(admin, "datname = $1", service);
            await Task.Delay(time);
        }
        finally
        {
            await RunAsync(admin, $"alter database \"{service}\" reset default_transaction_read_only");
            await EndSessionsAsync(admin, "datname = $1", service);
        }
    }

    /// <summary>
    /// The role's password is another one, and whoever was connected has to show it; then it is the old one again.
    /// </summary>
    public async Task RejectRoleAsync(TimeSpan time)
    {
        var settings = new NpgsqlConnectionStringBuilder(servers.Postgres);
        await using var admin = await AdminAsync();
        await RunAsync(admin, $"alter role \"{settings.Username}\" password '{Guid.NewGuid():N}'");
        try
        {
            await EndSessionsAsync(admin, "usename = $1", settings.Username!);
            await Task.Delay(time);
        }
        finally
        {
            await RunAsync(admin, $"alter role \"{settings.Username}\" password '{settings.Password}'");
        }
    }

    /// <summary>A number out of a service's database.</summary>
    public async Task<long> NumberAsync(string service, string sql, params object[] arguments)
    {
        await using var connection = await OpenAsync(service);
        await using var command = Command(connection, sql, arguments);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Texts out of a service's database.</summary>
    public async Task<List<string>> TextsAsync(string service, string sql, params object[] arguments)
    {
        await using var connection = await OpenAsync(service);
        await using var command = Command(connection, sql, arguments);
        await using var reader = await command.ExecuteReaderAsync();
        List<string> texts = [];
        while (await reader.ReadAsync())
            texts.Add(reader.GetString(0));
        return texts;
    }

    private Task<NpgsqlConnection> AdminAsync() => OpenAsync("postgres");

    // Not from a pool: a database is copied only while nobody is connected.
    private async Task<NpgsqlConnection> OpenAsync(string database)
    {
        var settings = new NpgsqlConnectionStringBuilder(servers.Postgres) { Database = database, Pooling = false };
        var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    private static async Task EndSessionsAsync(NpgsqlConnection admin, string where, string argument)
    {
        const string End = "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where pid <> pg_backend_pid() and ";
        await using var end = Command(admin, End + where, argument);
        await end.ExecuteScalarAsync();
    }

    private static async Task RunAsync(NpgsqlConnection admin, string sql)
    {
        await using var command = new NpgsqlCommand(sql, admin) { CommandTimeout = 120 };
        await command.ExecuteNonQueryAsync();
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params object[] arguments)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 120 };
        foreach (var argument in arguments)
            command.Parameters.AddWithValue(argument);
        return command;
    }
}
