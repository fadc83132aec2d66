using System.Text;
using Marten;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Older versions parked events in queues of the broker. What lies there moves into the table, and the queues go: at
/// the start of each replica, also of those that start when an older one has parked again meanwhile.
/// </summary>
internal sealed class OldErrorQueues(
    Func<CancellationToken, Task<IConnection>> connect,
    string service,
    IDocumentStore store,
    Inbox inbox,
    TimeProvider time,
    ILogger<OldErrorQueues> log)
    : BackgroundService
{
    private const int BatchSize = 100;

    /// <summary>What an older version called its queues, with the reason where a message has none of its own.</summary>
    private static readonly (string Suffix, string Reason)[] Queues =
    [
        ("_error", "An older version of this service parked it without a reason."),
        ("_skipped", "An older version of this service had no reaction to it."),
    ];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var pauses = new Backoff(TimeSpan.FromSeconds(1)); ; await pauses.WaitAsync(stoppingToken))
        {
            try
            {
                await using var connection = await connect(stoppingToken);
                foreach (var (suffix, reason) in Queues)
                    await MoveAsync(connection, service + suffix, reason, stoppingToken);
                return;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning("What older versions parked is moved later: {Reason}", e.Message);
            }
        }
    }

    private async Task MoveAsync(IConnection connection, string queue, string reason, CancellationToken ct)
    {
        if (!await ExistsAsync(connection, queue, ct))
            return;
        await using var channel = await connection.CreateChannelAsync(cancellationToken: ct);

        // First: an older replica that still runs then fails to park, and makes both
        // again, rather than to lose what it parks.
        await channel.ExchangeDeleteAsync(queue, cancellationToken: ct);
        var moved = 0;
        while (await ReadAsync(channel, queue, ct) is { Count: > 0 } batch)
        {
            await SaveAsync([.. batch.Select(m => Parked(m, reason)).DistinctBy(p => (p.Region, p.Key))], ct);
            await channel.BasicAckAsync(batch[^1].DeliveryTag, multiple: true, ct);
            moved += batch.Count;
        }

        await channel.QueueDeleteAsync(queue, ifUnused: true, ifEmpty: true, cancellationToken: ct);
        log.LogInformation("{Count} events of the queue {Queue} are kept in the database now", moved, queue);
    }

    // One that has taken effect meanwhile, or is kept already, is left out.
    private async Task SaveAsync(IReadOnlyCollection<ToPark> batch, CancellationToken ct)
    {
        foreach (var ofRegion in batch.GroupBy(p => p.Region))
        {
            var events = ofRegion.Where(p => p.Event is not null).Select(p => (p.Event!.Source, p.Event.Id)).ToList();
            var known = events.Count == 0 ? new HashSet<string>() : await inbox.KnownAsync(ofRegion.Key, events, ct);
            var isRead = ofRegion.Key.Length > 0;
            await using var session = isRead ? store.LightweightSession(ofRegion.Key) : store.LightweightSession();
            var missing = ofRegion.Where(p => p.Event is null || !known.Contains(Lanes.NameOf(p.Event))).ToList();
            if (missing.Count == 0)
                continue;
            foreach (var parked in missing.Where(p => p.Event is not null))
                session.Insert(new InboxRecord(parked.Key, ParkedEvents.Storable(parked.Event!.Type), parked.At));
            session.Park(missing);
            await session.SaveChangesAsync(ct);
        }
    }

    private static async Task<bool> ExistsAsync(IConnection connection, string queue, CancellationToken ct)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: ct);
        try
        {
            await channel.QueueDeclarePassiveAsync(queue, ct);
            return true;
        }
        catch (OperationInterruptedException)
        {
            return false;
        }
    }

    private static async Task<List<BasicGetResult>> ReadAsync(IChannel channel, string queue, CancellationToken ct)
    {
        var messages = new List<BasicGetResult>();
        while (messages.Count < BatchSize && await channel.BasicGetAsync(queue, autoAck: false, ct) is { } message)
            messages.Add(message);
        return messages;
    }

    private ToPark Parked(BasicGetResult message, string reason)
    {
        var headers = message.BasicProperties.Headers;
        var told = headers?.TryGetValue("MT-Fault-Message", out var text) == true && text is byte[] bytes
            ? Encoding.UTF8.GetString(bytes)
            : reason;
        var at = headers?.TryGetValue("MT-Fault-Timestamp", out var instant) == true && instant is AmqpTimestamp stamp
            ? DateTimeOffset.FromUnixTimeSeconds(stamp.UnixTime)
            : time.GetUtcNow();
        var body = message.Body.ToArray();
        try
        {
            return new ToPark(CloudEvent.Parse(body), body, told, at);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new ToPark(null, body, told, at);
        }
    }
}
