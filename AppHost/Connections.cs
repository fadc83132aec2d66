using System.Globalization;
using Npgsql;

namespace KkiMesh.AppHost;

/// <summary>
/// Whether PostgreSQL lets in as many connections as the mesh may need; <c>./mesh doctor</c> asks it.
/// </summary>
public static class Connections
{
    /// <summary>
    /// The pool of a replica where <c>Mesh__Database__PoolSize</c> says nothing. A test holds it to the services' own.
    /// </summary>
    public const int DefaultPoolSize = 15;

    private const string PoolSize = "Mesh__Database__PoolSize";
    private const int Largest = 500;

    /// <summary>
    /// How many connections the mesh needs at most: each replica its pool, and one more where it stores events.
    /// </summary>
    /// <param name="replicas">How many of a service, by name; 1 where nothing is said.</param>
    /// <param name="poolSize">The pool of each.</param>
    public static int Need(IReadOnlyDictionary<string, int> replicas, int poolSize) => Topology.Services
        .Where(s => s.HasDatabase)
        .Sum(s => replicas.GetValueOrDefault(s.Name, 1) * (poolSize + (s.HasStore ? 1 : 0)));

    /// <summary>
    /// Prints the need and what PostgreSQL allows, which is the given one or that of <c>./mesh up</c>.
    /// </summary>
    /// <returns>1 where it is too few.</returns>
    internal static async Task<int> CheckAsync(IReadOnlyDictionary<string, int> replicas, CancellationToken ct)
    {
        if (Environment.GetEnvironmentVariable(PoolSize) is not { Length: > 0 } text)
            return await CheckAsync(replicas, DefaultPoolSize, ct);
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size <= Largest)
            return await CheckAsync(replicas, size, ct);
        Console.WriteLine($"connections       {PoolSize} is a number of at most {Largest}, not {text}");
        return 1;
    }

    private static async Task<int> CheckAsync(IReadOnlyDictionary<string, int> replicas, int poolSize, CancellationToken ct)
    {
        var need = Need(replicas, poolSize);
        try
        {
            var given = Environment.GetEnvironmentVariable("ConnectionStrings__postgres");
            var allowed = given is { Length: > 0 }
                ? await AllowedAsync(given, ct)
                : PostgresServer.MaxConnections - PostgresServer.Reserved;
            Console.WriteLine(need <= allowed
                ? $"connections       {need} needed at most, {allowed} allowed"
                : $"connections       {need} needed at most, and PostgreSQL allows {allowed}: raise its max_connections by "
                    + $"{need - allowed}, or set {PoolSize} lower than {poolSize}");
            return need <= allowed ? 0 : 1;
        }
        catch (Exception e) when (e is NpgsqlException or ArgumentException)
        {
            Console.WriteLine($"connections       {need} needed at most; the given PostgreSQL cannot be asked: {e.Message}");
            return 1;
        }
    }

    /// <summary>How many connections a PostgreSQL allows to who is no administrator.</summary>
    public static async Task<int> AllowedAsync(string postgres, CancellationToken ct)
    {
        var settings = new NpgsqlConnectionStringBuilder(postgres) { Pooling = false, Timeout = 5 };
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync(ct);
        await using var read = new NpgsqlCommand(
            """
            select (current_setting('max_connections')::integer
                - current_setting('superuser_reserved_connections')::integer
                - coalesce(current_setting('reserved_connections', true), '0')::integer)
            """,
            connection);
        return (int)(await read.ExecuteScalarAsync(ct))!;
    }
}
