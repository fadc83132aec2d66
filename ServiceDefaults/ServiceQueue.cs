using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using MassTransit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// The service's queue and what it is bound to. <c>Mesh:Broker:Queues</c> says of which kind it is: classic (the
/// default), or quorum, for a cluster, where a queue outlives a node. A quorum queue must not give up an event after
/// some deliveries: how that is said depends on the broker's version.
/// </summary>
internal sealed class ServiceQueue
{
    private const string Quorum = "quorum";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly MeshService _service;
    private readonly ILogger _log;
    private readonly Uri? _management;
    private readonly TaskCompletionSource _declared = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int? _majorVersion;

    public ServiceQueue(MeshService service, IConfiguration configuration, ILogger<ServiceQueue> log)
    {
        (_service, _log) = (service, log);
        IsQuorum = (configuration["Mesh:Broker:Queues"] ?? "classic") switch
        {
            "classic" => false,
            Quorum => true,
            var other => throw new InvalidOperationException($"Mesh:Broker:Queues is classic or quorum, not {other}."),
        };
        _management = configuration.GetConnectionString("rabbitmqmanagement") is { Length: > 0 } address ? new Uri(address) : null;
    }

    /// <summary>Its name: the service's.</summary>
    public string Name => _service.Name;

    public bool IsQuorum { get; }

    /// <summary>Whether the service takes events at all.</summary>
    public bool Exists => _service.Subscriptions.Count > 0;

    /// <summary>
    /// Ends when the queue was there for the first time since the start: from then on it keeps what is published.
    /// </summary>
    public Task Declared => _declared.Task;

    /// <summary>The routing keys that it is bound with.</summary>
    public IEnumerable<string> RoutingKeys => _service.Subscriptions.Select(s => RoutingKey(s.Type));

    /// <summary>Says the same to MassTransit, which declares it, too.</summary>
    public void Configure(IRabbitMqReceiveEndpointConfigurator endpoint)
    {
        endpoint.SingleActiveConsumer = true;
        if (!IsQuorum)
            return;
        endpoint.SetQuorumQueue();
        if (DeliveryLimit is { } limit)
            endpoint.SetQueueArgument("x-delivery-limit", limit);
    }

    /// <summary>
    /// Makes the exchange, the queue and its bindings, where they are missing. An empty, unused queue of the other kind
    /// is replaced; one that still has events is left, since nobody could take them any more.
    /// </summary>
    public async Task DeclareAsync(IConnection connection, CancellationToken ct)
    {
        ReadVersion(connection);
        try
        {
            await MakeAsync(connection, ct);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.PreconditionFailed)
        {
            _log.LogWarning("The queue {Queue} is of another kind than is set; it is replaced when it is empty", Name);
            await using (var channel = await connection.CreateChannelAsync(cancellationToken: ct))
                await channel.QueueDeleteAsync(Name, ifUnused: true, ifEmpty: true, cancellationToken: ct);
            await MakeAsync(connection, ct);
        }

        _declared.TrySetResult();
    }

    /// <summary>Takes events of a type no longer.</summary>
    public async Task UnbindAsync(IConnection connection, string type, CancellationToken ct)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: ct);
        await channel.QueueUnbindAsync(Name, Relay.Exchange, RoutingKey(type), cancellationToken: ct);
        _log.LogInformation("The queue {Queue} takes no events of type {Type} any more: no version has for ten minutes", Name, type);
    }

    private static string RoutingKey(string type) => $"*.{type["kki.".Length..]}";

    private async Task MakeAsync(IConnection connection, CancellationToken ct)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: ct);
        await channel.ExchangeDeclareAsync(Relay.Exchange, "topic", durable: true, cancellationToken: ct);
        if (!Exists)
            return;
        await channel.QueueDeclareAsync(Name, durable: true, exclusive: false, autoDelete: false, Arguments(), cancellationToken: ct);
        foreach (var key in RoutingKeys)
            await channel.QueueBindAsync(Name, Relay.Exchange, key, cancellationToken: ct);
    }

    /// <summary>Which broker it is: decides how a delivery limit is switched off.</summary>
    private void ReadVersion(IConnection connection)
    {
        if (connection.ServerProperties?.TryGetValue("version", out var value) == true && value is byte[] text
            && int.TryParse(System.Text.Encoding.ASCII.GetString(text).Split('.')[0], CultureInfo.InvariantCulture, out var major))
            _majorVersion = major;
    }

    /// <summary>
    /// Reads back whether events are dropped after some deliveries: by the queue itself, or by a policy for it.
    /// </summary>
    /// <returns>Why this queue is refused; null where it is not limited, or where the
    /// broker's management API is not known.</returns>
    public async Task<string?> LimitAsync(string virtualHost, CancellationToken ct)
    {
        if (!IsQuorum || _management is null)
            return null;
        using var http = new HttpClient { BaseAddress = new Uri(_management.GetLeftPart(UriPartial.Scheme) + _management.Authority), Timeout = Patience };
        var user = System.Text.Encoding.UTF8.GetBytes(Uri.UnescapeDataString(_management.UserInfo));
        http.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(user));
        var host = Uri.EscapeDataString(virtualHost);
        var queue = await http.GetFromJsonAsync<JsonElement>($"/api/queues/{host}/{Name}", ct);
        var limits = new List<long?> { Number(queue, "arguments", "x-delivery-limit") };
        // Not what the queue says of its policies: that comes seconds later.
        foreach (var kind in (string[])["policies", "operator-policies"])
        {
            var policies = await http.GetFromJsonAsync<JsonElement[]>($"/api/{kind}/{host}", ct) ?? [];
            limits.AddRange(policies.Where(p => IsFor(p, Name)).Select(p => Number(p, "definition", "delivery-limit")));
        }

        return QuorumLimits.Fault(_majorVersion ?? 0, [.. limits.OfType<long>()]) is { } fault
            ? $"The queue {Name} {fault}"
            : null;
    }

    // Any that fits, whichever of them is in force: another one may be tomorrow.
    private static bool IsFor(JsonElement policy, string queue) =>
        policy.GetProperty("apply-to").GetString() != "exchanges"
        && Regex.IsMatch(queue, policy.GetProperty("pattern").GetString() ?? "", RegexOptions.None, TimeSpan.FromSeconds(1));

    private long? DeliveryLimit => IsQuorum ? QuorumLimits.Argument(_majorVersion ?? 0) : null;

    private Dictionary<string, object?> Arguments()
    {
        var arguments = new Dictionary<string, object?> { ["x-single-active-consumer"] = true };
        if (IsQuorum)
            arguments["x-queue-type"] = Quorum;
        if (DeliveryLimit is { } limit)
            arguments["x-delivery-limit"] = limit;
        return arguments;
    }

    private static long? Number(JsonElement queue, string group, string name) =>
        queue.TryGetProperty(group, out var values) && values.ValueKind == JsonValueKind.Object
        && values.TryGetProperty(name, out var value) && value.TryGetInt64(out var number) ? number : null;
}

/// <summary>How often a quorum queue delivers an event before it gives it up, by the broker's version.</summary>
internal static class QuorumLimits
{
    private const int LimitedByDefault = 4;

    /// <summary>
    /// RabbitMQ 4 limits unless it is told -1; 3 does not, and takes -1 for "discard after the first attempt".
    /// </summary>
    public static long? Argument(int majorVersion) => majorVersion >= LimitedByDefault ? -1 : null;

    /// <summary>Why a queue with these limits drops events; null where it does not.</summary>
    public static string? Fault(int majorVersion, IReadOnlyCollection<long> limits) =>
        limits.Count == 0
            ? majorVersion >= LimitedByDefault ? "would drop events after 20 deliveries, since no limit is set." : null
            : limits.All(l => l == -1) && majorVersion >= LimitedByDefault ? null
            : $"would drop events after {limits.Min()} deliveries; take the delivery limit out of its arguments and policies.";
}

/// <summary>
/// Keeps the queue there: declares it at once when a connection returns, and again each minute. What a broker lost
/// then, and what it took without a queue, is looked for by the <see cref="Reconciler"/>.
/// </summary>
internal sealed class QueueKeeper(
    ServiceQueue queue,
    Bindings bindings,
    Reconciler reconciler,
    Func<CancellationToken, Task<IConnection>> connect,
    TimeProvider time,
    ILogger<QueueKeeper> log)
    : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);
    private Backoff _backoff = new(Pause);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!queue.Exists)
            return;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await connect(stoppingToken);
                await KeepAsync(connection, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogDebug(e, "The queue {Queue} is looked after again when the broker is back", queue.Name);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await _backoff.WaitAsync(stoppingToken);
        }
    }

    private async Task KeepAsync(IConnection connection, CancellationToken ct)
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.ConnectionShutdownAsync += (_, _) =>
        {
            closed.TrySetResult();
            return Task.CompletedTask;
        };
        for (var isFirst = true; connection.IsOpen; isFirst = false)
        {
            await queue.DeclareAsync(connection, ct);
            _backoff = new Backoff(Pause);
            await UnbindDroppedAsync(connection, isFirst, ct);
            var isEnough = await reconciler.AskAsync(connection, ct);
            using var end = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var pause = isEnough ? Task.Delay(Period, time, end.Token) : Task.Delay(AfterFailure, end.Token);
            await Task.WhenAny(closed.Task, reconciler.AskedAtOnceAsync(end.Token), pause);
            await end.CancelAsync();
            ct.ThrowIfCancellationRequested();
        }
    }

    // After an outage all have been silent for a while: only who has had the time to say so again has dropped a type.
    private async Task UnbindDroppedAsync(IConnection connection, bool isFirst, CancellationToken ct)
    {
        try
        {
            await bindings.SayAsync(ct);
            if (isFirst)
                return;
            foreach (var type in await bindings.DroppedAsync(ct))
            {
                await bindings.ForgetAsync(type, () => queue.UnbindAsync(connection, type, ct), ct);
            }
        }
        catch (Exception e) when (Faults.IsOutage(e))
        {
            log.LogDebug(e, "What is bound is looked at again in a minute: the database does not answer");
        }
    }
}
