using Microsoft.Extensions.Logging;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// The services that take this one's events: those that compare with its history, each known by its queue's name. After
/// a broker was lost the relay waits for their queues, since a broker confirms what no queue takes.
/// </summary>
internal sealed class Consumers(NpgsqlDataSource database, ILogger<Consumers> log)
{
    /// <summary>Makes the table.</summary>
    public const string Table =
        "create table if not exists consumers (name text primary key, seen_at timestamptz not null)";

    private const int MaxConsumers = 100;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Remembers for a day that a consumer is there.</summary>
    public async Task SawAsync(string name, CancellationToken ct)
    {
        await using var see = database.CreateCommand(
            $"""
            insert into consumers (name, seen_at)
            select $1, clock_timestamp()
            where (select count(*) from consumers) < {MaxConsumers} or exists (select from consumers where name = $1)
            on conflict (name) do update set seen_at = excluded.seen_at
            where consumers.seen_at < excluded.seen_at - interval '10 minutes'
            """);
        see.Parameters.AddWithValue(name);
        await see.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// Waits until each known consumer has its queue at this broker, ten seconds at
    /// most: consumers find what is published too early.
    /// </summary>
    public async Task HaveQueuesAsync(IConnection connection, CancellationToken ct)
    {
        var missing = await NamesAsync(ct);
        for (var waited = TimeSpan.Zero; ; waited += Pause)
        {
            missing = await MissingAsync(connection, missing, ct);
            if (missing.Count == 0)
                return;
            if (waited >= Patience)
                break;
            await Task.Delay(Pause, ct);
        }

        log.LogWarning("The broker has no queue of {Consumers} yet; they take what they miss from the history", string.Join(", ", missing));
    }

    private async Task<List<string>> NamesAsync(CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            $"select name from consumers where seen_at > clock_timestamp() - interval '1 day' limit {MaxConsumers}");
        await using var reader = await read.ExecuteReaderAsync(ct);
        var names = new List<string>();
        while (await reader.ReadAsync(ct))
            names.Add(reader.GetString(0));
        return names;
    }

    // A channel on which a queue was asked for that is not there is closed by the broker.
    private static async Task<List<string>> MissingAsync(IConnection connection, List<string> names, CancellationToken ct)
    {
        var missing = new List<string>();
        foreach (var name in names)
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: ct);
            try
            {
                await channel.QueueDeclarePassiveAsync(name, ct);
            }
            catch (OperationInterruptedException)
            {
                missing.Add(name);
            }
        }

        return missing;
    }
}
