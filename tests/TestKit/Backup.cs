using Npgsql;

namespace KkiMesh.TestKit;

/// <summary>A copy of a database, to which it can be set back while nobody is connected to it.</summary>
public sealed class Backup
{
    private readonly string _server;
    private readonly string _name;

    private Backup(string server, string name) => (_server, _name) = (server, name);

    private string Copy => _name + "-copy";

    /// <summary>Takes one of a service's database.</summary>
    public static async Task<Backup> TakeAsync(Place place, string service) =>
        await TakeAsync(place.Servers.Postgres, new NpgsqlConnectionStringBuilder(await place.DatabaseAsync(service)).Database!);

    /// <summary>Takes one of a database; whoever is connected to it is cut off.</summary>
    public static async Task<Backup> TakeAsync(string server, string database)
    {
        var backup = new Backup(server, database);
        await backup.CopyAsync(backup._name, backup.Copy);
        return backup;
    }

    /// <summary>Sets the database back to it.</summary>
    public async Task RestoreAsync()
    {
        await RunAsync($"drop database \"{_name}\" with (force)");
        await CopyAsync(Copy, _name);
        await RunAsync($"drop database \"{Copy}\"");
    }

    private async Task CopyAsync(string from, string to)
    {
        await RunAsync($"select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{from}'");
        await RunAsync($"create database \"{to}\" template \"{from}\"");
    }

    private async Task RunAsync(string sql)
    {
        await using var server = NpgsqlDataSource.Create(_server);
        await using var command = server.CreateCommand(sql);
        command.CommandTimeout = 120;
        await command.ExecuteNonQueryAsync();
    }
}
