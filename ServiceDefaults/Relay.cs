using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using JasperFx.Events;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using KkiMesh.Contracts;
using Marten;
using Marten.Subscriptions;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Publishes the public events of the store: the store is the outbox. One replica leads. The checkpoint moves only after
/// the broker has confirmed, so a crash publishes some events twice and none never. In order within a stream, parallel
/// across streams.
/// </summary>
internal sealed class Relay : SubscriptionBase
{
    public const string Exchange = "kki.events";
    public const string Subscription = "relay";

    private static readonly TimeSpan ConfirmTimeout = TimeSpan.FromSeconds(30);

    private readonly IServiceProvider _services;
    private readonly RelayedEvents _events;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    public Relay(IServiceProvider services)
    {
        _services = services;
        _events = services.GetRequiredService<RelayedEvents>();
        _time = services.GetRequiredService<TimeProvider>();
        _log = services.GetRequiredService<ILogger<Relay>>();
        Name = Subscription;
        Options.BatchSize = 1000;
    }

    public override async Task<IChangeListener> ProcessEventsAsync(
        EventRange page, ISubscriptionController controller, IDocumentOperations operations, CancellationToken cancellationToken)
    {
        // By stream, so that one stream's events follow each other; streams do not wait for one another.
        var streams = page.Events
            .Where(e => PublicEvents.TypeOf(e.EventType) is not null)
            .GroupBy(e => (e.TenantId, e.StreamKey))
            .Select(stream => PublishStream(stream.OrderBy(e => e.Version).ToList(), cancellationToken));
        await Task.WhenAll(streams);
        return NullChangeListener.Instance;
    }

    private async Task PublishStream(IReadOnlyList<IEvent> events, CancellationToken ct)
    {
        foreach (var e in events)
        {
            foreach (var message in _events.Of(e))
                await Publish(message, ct);
            MeshTelemetry.Relayed(_time.GetUtcNow() - e.Timestamp);
        }
    }

    // There is nothing better to do than to try until the broker is back, or this replica no longer leads.
    private async Task Publish(CloudEvent message, CancellationToken ct)
    {
        using var activity = MeshTelemetry.Continue("relay " + message.Type, ActivityKind.Producer, message.TraceParent);
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100));
        while (true)
        {
            try
            {
                using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
                timeout.CancelAfter(ConfirmTimeout);
                var exchange = await _services.GetRequiredService<IBus>().GetSendEndpoint(new Uri($"exchange:{Exchange}?type=topic"));
                await exchange.Send(message, context => Address(context, message), timeout.Token);
                return;
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                _log.LogWarning("The broker did not confirm {Type} {Id}, trying again in {Pause}: {Reason}", message.Type, message.Id, backoff.Pause, e.Message);
                await backoff.WaitAsync(ct);
            }
        }
    }

    private static void Address(SendContext context, CloudEvent message)
    {
        context.SetRoutingKey($"{message.Region}.{message.Type["kki.".Length..]}");
        context.Durable = true;
        if (context.TryGetPayload(out RabbitMqSendContext? rabbit))
            rabbit.BasicProperties.MessageId = message.Id;
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
        yield return Message(e, e.Data, e.Id.ToString());
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
