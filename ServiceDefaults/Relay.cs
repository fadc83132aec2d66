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
/// Publishes the public events of the store, in its order: the store is the outbox. One replica leads. The checkpoint moves
/// only after the broker has confirmed, so a crash publishes some events twice and none never.
/// </summary>
internal sealed class Relay : SubscriptionBase
{
    public const string Exchange = "kki.events";
    public const string Subscription = "relay";

    private readonly RelayedEvents _events;
    private readonly RelayChannel _channel;

    public Relay(IServiceProvider services)
    {
        _events = services.GetRequiredService<RelayedEvents>();
        _channel = services.GetRequiredService<RelayChannel>();
        Name = Subscription;
        Options.BatchSize = 1000;
    }

    public override async Task<IChangeListener> ProcessEventsAsync(
        EventRange page, ISubscriptionController controller, IDocumentOperations operations, CancellationToken cancellationToken)
    {
        await _channel.PublishAsync([.. page.Events.SelectMany(_events.Of)], cancellationToken);
        return NullChangeListener.Instance;
    }
}

/// <summary>
/// Sends a page one event behind the other without waiting, and then waits until all are confirmed. A channel keeps the
/// order of what is sent on it; after any failure it is thrown away with its connection, and everything from the first event
/// that was not confirmed goes out again on a new one. So a first delivery never overtakes another one.
/// </summary>
internal sealed class RelayChannel(Func<CancellationToken, Task<IConnection>> connect, TimeProvider time, ILogger<RelayChannel> log) : IAsyncDisposable
{
    private static readonly TimeSpan ConfirmTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AbortTimeout = TimeSpan.FromSeconds(2);
    private IConnection? _connection;
    private IChannel? _channel;

    // There is nothing better to do than to try until the broker is back, or this replica no longer leads.
    public async Task PublishAsync(IReadOnlyList<CloudEvent> events, CancellationToken ct)
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
                    confirms.Add(PublishAsync(channel, e, timeout.Token));
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
                    "The broker did not confirm {Type} {Id}, trying again in {Pause}: {Reason}", events[confirmed].Type, events[confirmed].Id, backoff.Pause, e.Message);
                await backoff.WaitAsync(ct);
            }
        }
    }

    public ValueTask DisposeAsync() => CloseAsync();

    private async Task PublishAsync(IChannel channel, CloudEvent e, CancellationToken ct)
    {
        using var activity = MeshTelemetry.Continue("relay " + e.Type, ActivityKind.Producer, e.TraceParent);
        var properties = new BasicProperties { ContentType = CloudEvent.ContentType, MessageId = e.Id, Persistent = true };
        await channel.BasicPublishAsync(
            Relay.Exchange, $"{e.Region}.{e.Type["kki.".Length..]}", mandatory: false, properties, JsonSerializer.SerializeToUtf8Bytes(e), ct);
        MeshTelemetry.Relayed(time.GetUtcNow() - e.Time!.Value);
    }

    private async Task<IChannel> OpenAsync(CancellationToken ct)
    {
        if (_channel is { IsOpen: true } open)
            return open;
        await CloseAsync();
        _connection = await connect(ct);
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

/// <summary>A stored event as it is published: under its own contract, and under the older ones that it is derived to.</summary>
internal sealed class RelayedEvents(MeshService service)
{
    /// <summary>What is published of a stored event; nothing of a private one.</summary>
    public IEnumerable<CloudEvent> Of(IEvent e)
    {
        if (PublicEvents.TypeOf(e.EventType) is null)
            yield break;
        yield return Message(e, e.Data, e.Id.ToString()) with { Hash = Chain.HashOf(e) };
        foreach (var (older, version) in service.Downgrades.Of(e.Data))
            yield return Message(e, older, $"{e.Id}.{version}");
    }

    /// <summary>The types under which these are stored; all public ones where none is asked for.</summary>
    public string[] StoredTypes(IReadOnlyCollection<string>? asked) =>
        asked is null or { Count: 0 } ? [.. service.Contracts.Keys] : [.. asked.Concat(service.Downgrades.NewerThan(asked)).Distinct()];

    private CloudEvent Message(IEvent e, object data, string id) => new()
    {
        Id = id,
        Source = $"/{e.TenantId}/{service.Name}",
        Type = PublicEvents.TypeOf(data.GetType())!,
        Subject = e.StreamKey,
        Time = e.Timestamp,
        Sequence = e.Version.ToString("D10", CultureInfo.InvariantCulture),
        Region = e.TenantId,
        CorrelationId = e.CorrelationId,
        CausationId = e.CausationId,
        TraceParent = e.GetHeader(Deciding.TraceParent)?.ToString(),
        ActorRole = e.GetHeader(Deciding.ActorRole)?.ToString(),
        Data = JsonSerializer.SerializeToElement(data, data.GetType(), ContractJson.Options),
    };
}

/// <summary>How an event of a newer contract is also published under its older ones until these are retired.</summary>
internal sealed class Downgrades
{
    private readonly Dictionary<Type, List<Func<object, object>>> _older = [];
    private readonly List<(string Newer, string Older)> _names = [];

    public void Add<TNew, TOld>(Func<TNew, TOld> derive)
        where TNew : class
        where TOld : class
    {
        if (!_older.TryGetValue(typeof(TNew), out var list))
            _older[typeof(TNew)] = list = [];
        list.Add(e => derive((TNew)e));
        _names.Add((PublicEvents.TypeOf(typeof(TNew))!, PublicEvents.TypeOf(typeof(TOld))!));
    }

    public IEnumerable<string> NewerThan(IReadOnlyCollection<string> types) => _names.Where(n => types.Contains(n.Older)).Select(n => n.Newer);

    public IEnumerable<(object Older, string Version)> Of(object e) =>
        _older.TryGetValue(e.GetType(), out var list) ? list.Select(derive => derive(e)).Select(old => (old, Version(old))) : [];

    private static string Version(object e)
    {
        var type = PublicEvents.TypeOf(e.GetType())!;
        return type[(type.LastIndexOf('.') + 1)..];
    }
}
