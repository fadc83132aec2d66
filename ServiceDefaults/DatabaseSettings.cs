using System.Globalization;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>How a replica uses its database.</summary>
/// <param name="PoolSize">How many connections it has at most, besides the relay leader's own;
/// <c>Mesh:Database:PoolSize</c>, 8 to 500.</param>
/// <param name="IdleInTransaction">
/// The database ends a session that does nothing in its transaction for so long, so that a replica that hangs keeps
/// nothing locked;
/// <c>Mesh:Database:IdleInTransactionSeconds</c>, 1 to 3600.
/// </param>
public sealed record DatabaseSettings(int PoolSize, TimeSpan IdleInTransaction)
{
    /// <summary>With it, one replica of each service fits into PostgreSQL's default of 100 connections.</summary>
    public const int DefaultPoolSize = 15;

    // Groups of commands, one that waits for a stream, and what the relay needs.
    private const int LeastPoolSize = 8;
    private const int DefaultIdleSeconds = 30;

    /// <summary>
    /// How many connections a replica with such a pool has at most: the pool, and the one whose lock says who relays.
    /// </summary>
    public static int ConnectionsOf(int poolSize) => poolSize + 1;

    /// <summary>Reads the settings.</summary>
    /// <exception cref="InvalidOperationException">One is out of its range; the sentence says which.</exception>
    public static DatabaseSettings Of(IConfiguration configuration) => new(
        Number(configuration, "Mesh:Database:PoolSize", DefaultPoolSize, LeastPoolSize, 500),
        TimeSpan.FromSeconds(Number(configuration, "Mesh:Database:IdleInTransactionSeconds", DefaultIdleSeconds, 1, 3600)));

    /// <summary>
    /// The connections to a database. The statements are always the same ones, so the database keeps them prepared; and
    /// nothing is left behind on a connection that had to be reset: locks and settings are the transaction's. The
    /// planner is told that random access is cheap: of a young store it has no statistics, and would else read all
    /// events whenever the relay looks for new ones.
    /// </summary>
    /// <param name="database">Its connection string.</param>
    /// <param name="format">The format of the data that this program knows, see <see
    /// cref="StoredFormat"/>; null: they have none, and no epochs (see <see cref="StoreEpochs"/>).</param>
    public NpgsqlDataSource DataSource(string database, int? format = null)
    {
        var settings = new NpgsqlConnectionStringBuilder(database)
        {
            MaxPoolSize = PoolSize,
            MinPoolSize = 0,
            MaxAutoPrepare = 50,
            AutoPrepareMinUsages = 2,
            NoResetOnClose = true,
        };
        var idle = (int)IdleInTransaction.TotalMilliseconds;
        List<string> options = ["random_page_cost=1.1", $"idle_in_transaction_session_timeout={idle}"];
        if (format is { } known)
            options.Add($"{StoredFormat.Setting}={known}");
        settings.Options = $"{settings.Options} {string.Join(' ', options.Select(o => "-c " + o))}".TrimStart();
        var connections = new NpgsqlDataSourceBuilder(settings.ConnectionString);
        if (format is not null)
            StoreEpochs.LookAt(connections);
        return connections.Build();
    }

    private static int Number(IConfiguration configuration, string name, int usual, int least, int most) =>
        configuration[name] is not { Length: > 0 } text ? usual
        : int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number
        : throw new InvalidOperationException($"{name} is a whole number from {least} to {most}; it is set to {text}.");
}
