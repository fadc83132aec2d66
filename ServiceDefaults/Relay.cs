using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using JasperFx.Events;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using KkiMesh.Contracts;
using Marten;
using Marten.Subscriptions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Publishes the public events of the store, in its order: the store is the outbox. One replica leads. The checkpoint
/// moves only after the broker has confirmed, so a crash publishes some events twice and none never.
/// </summary>
internal sealed class Relay : SubscriptionBase
{
    public const string Exchange = "kki.events";
    public const string Subscription = "relay";

    private readonly RelayedEvents _events;
    private readonly RelayChannel _channel;
    private readonly TimeProvider _time;

    public Relay(IServiceProvider services)
    {
        _events = services.GetRequiredService<RelayedEvents>();
        _channel = services.GetRequiredService<RelayChannel>();
        _time = services.GetRequiredService<TimeProvider>();
        Name = Subscription;
        Options.BatchSize = 1000;
    }

    public override async Task<IChangeListener> ProcessEventsAsync(
        EventRange page, ISubscriptionController controller, IDocumentOperations operations, CancellationToken cancellationToken)
    {
        var events = await _events.OfNextAsync(page.Events, page.SequenceFloor, page.SequenceCeiling, cancellationToken);
        await _channel.PublishAsync(events, queue: null, cancellationToken);
        var now = _time.GetUtcNow();
        foreach (var e in events)
            MeshTelemetry.Relayed(now - e.Time!.Value);
        return NullChangeListener.Instance;
    }
}

/// <summary>
/// Sends a page one event behind the other without waiting, and then waits until all are confirmed. A channel keeps the
/// order of what is sent on it; after any failure it is thrown away with its connection, and everything from the first
/// event that was not confirmed goes out again on a new one. So a first delivery never overtakes another one.
/// </summary>
/// <param name="connect">Connects to the broker.</param>
/// <param name="prepare">Done with each new connection, before anything is published.</param>
/// <param name="log">The log.</param>
internal sealed class RelayChannel(
    Func<CancellationToken, Task<IConnection>> connect, Func<IConnection, CancellationToken, Task> prepare, ILogger<RelayChannel> log)
    : IAsyncDisposable
{
    private static readonly TimeSpan ConfirmTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AbortTimeout = TimeSpan.FromSeconds(2);
    private IConnection? _connection;
    private IChannel? _channel;

    /// <summary>
    /// Returns when all are confirmed. There is nothing better to do than to try
    /// until the broker is back, or the caller gives up.
    /// </summary>
    /// <param name="events">In their order.</param>
    /// <param name="queue">The one queue that gets them; null: the exchange, and so all that are bound to it.</param>
    /// <param name="ct">Gives up.</param>
    public async Task PublishAsync(IReadOnlyList<CloudEvent> events, string? queue, CancellationToken ct)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100));
        for (var confirmed = 0; confirmed < events.Count;)
        {
            List<Task> confirms = [];
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
            timeout.CancelAfter(ConfirmTimeout);
            try
            {
                var channel = await OpenAsync(timeout.Token);
                foreach (var e in events.Skip(confirmed))
                    confirms.Add(PublishAsync(channel, e, queue, timeout.Token));
                foreach (var confirm in confirms)
                {
                    await confirm;
                    confirmed++;
                }
            }
            catch (Exception e)
            {
                await CloseAsync();
                await Task.WhenAll(confirms).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                ct.ThrowIfCancellationRequested();
                log.LogWarning(
                    "The broker did not confirm {Type} {Id}, trying again in {Pause}: {Reason}",
                    events[confirmed].Type,
                    events[confirmed].Id,
                    backoff.Pause,
                    e.Message);
                await backoff.WaitAsync(ct);
            }
        }
    }

    public ValueTask DisposeAsync() => CloseAsync();

    private static async Task PublishAsync(IChannel channel, CloudEvent e, string? queue, CancellationToken ct)
    {
        using var activity = MeshTelemetry.Continue("relay " + e.Type, ActivityKind.Producer, e.TraceParent);
        var properties = new BasicProperties { ContentType = CloudEvent.ContentType, MessageId = e.Id, Persistent = true };
        var (exchange, key) = queue is null ? (Relay.Exchange, $"{e.Region}.{e.Type["kki.".Length..]}") : ("", queue);
        await channel.BasicPublishAsync(exchange, key, mandatory: queue is not null, properties, JsonSerializer.SerializeToUtf8Bytes(e), ct);
    }

    private async Task<IChannel> OpenAsync(CancellationToken ct)
    {
        if (_channel is { IsOpen: true } open)
            return open;
        await CloseAsync();
        _connection = await connect(ct);
        await prepare(_connection, ct);
        _channel = await _connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), ct);
        await _channel.ExchangeDeclareAsync(Relay.Exchange, "topic", durable: true, cancellationToken: ct);
        return _channel;
    }

    private async ValueTask CloseAsync()
    {
        var connection = Interlocked.Exchange(ref _connection, null);
        _channel = null;
        if (connection is null)
            return;
        try
        {
            await connection.AbortAsync(AbortTimeout);
            await connection.DisposeAsync();
        }
        catch (Exception e)
        {
            log.LogDebug(e, "The relay's connection was gone already");
        }
    }
}

