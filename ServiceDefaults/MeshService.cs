using JasperFx.Events;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using KkiMesh.Contracts;
using Marten;
using Marten.Events;
using JasperFx.MultiTenancy;
using Marten.Storage;
using Weasel.Core;
using MassTransit;
using MassTransit.Middleware;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>What a service has of its own; everything else is the same in every service.</summary>
public sealed class MeshService
{
    internal MeshService(string name) => Name = name;

    /// <summary>The service's name: its part of every path, its database, its queue, and its part of its events' types.</summary>
    public string Name { get; }

    internal List<Action<StoreOptions>> Store { get; } = [];

    internal List<(Type Event, Action<IReceiveEndpointConfigurator, Inbox> Connect)> Reactions { get; } = [];

    internal Downgrades Downgrades { get; } = new();

    /// <summary>Keeps this aggregate's newest state as a document that can be listed and filtered.</summary>
    public MeshService Aggregate<T>()
        where T : class, IAggregate<T>
    {
        Store.Add(options => options.Projections.Add(new Snapshot<T>(), ProjectionLifecycle.Inline));
        return this;
    }

    /// <summary>Indexes, projections and documents of the service's own.</summary>
    public MeshService Documents(Action<StoreOptions> configure)
    {
        Store.Add(configure);
        return this;
    }

    /// <summary>Reacts to another service's event: once for each event, in the order of its stream.</summary>
    public MeshService On<TEvent>(Func<TEvent, Reaction, Task> handle)
        where TEvent : class
    {
        Reactions.Add((typeof(TEvent), (endpoint, inbox) => endpoint.Handler<TEvent>(context => inbox.Consume(context, handle))));
        return this;
    }

    /// <summary>Publishes an event also under its older contract, until that is retired.</summary>
    /// <param name="derive">Pure: the older event from the newer.</param>
    public MeshService AlsoPublish<TNew, TOld>(Func<TNew, TOld> derive)
        where TNew : class
        where TOld : class
    {
        Downgrades.Add(derive);
        return this;
    }
}

/// <summary>One call on the builder, one on the app.</summary>
public static class MeshServiceExtensions
{
    /// <summary>
    /// Gives a service its telemetry, health, errors, access, event store, relay and inbox. Reads
    /// <c>ConnectionStrings:&lt;name&gt;</c> (PostgreSQL) and <c>ConnectionStrings:rabbitmq</c>.
    /// </summary>
    public static void AddMeshService(this WebApplicationBuilder builder, string name, Action<MeshService> configure)
    {
        var service = new MeshService(name);
        configure(service);
        builder.AddWebDefaults(name);
        builder.AddAccess();
        builder.AddEventStore(service);
        builder.AddBus(service);
    }

    /// <summary>Puts the service together; its endpoints go into the group that this returns, <c>/{region}/&lt;name&gt;</c>.</summary>
    public static RouteGroupBuilder UseMeshService(this WebApplication app)
    {
        var service = app.Services.GetRequiredService<MeshService>();
        app.UseWebDefaults();
        app.MapOwnHealthAndApi();
        app.UseAuthentication();
        app.UseAuthorization();
        app.Use(CommandEndpoints.Prepare);
        var group = app.MapGroup($"/{{region:region}}/{service.Name}");
        group.MapErrorQueue();
        return group;
    }

    private static void AddEventStore(this WebApplicationBuilder builder, MeshService service)
    {
        var database = Required(builder.Configuration, service.Name);
        builder.Services.AddSingleton(service);
        builder.Services.AddSingleton(NpgsqlDataSource.Create(database));
        builder.Services.AddSingleton<RelayWakeup>();
        builder.Services.AddHealthChecks().AddCheck<DatabaseCheck>("database");
        builder.Services.AddHostedService<SchemaAtStart>();
        builder.Services.AddHostedService(s => s.GetRequiredService<RelayWakeup>());
        builder.Services.AddHostedService<Housekeeping>();
        builder.Services.AddSingleton<Loader>();
        builder.Services.AddMarten(services => Store(services, service))
            .UseNpgsqlDataSource()
            .AddAsyncDaemon(DaemonMode.HotCold);
        builder.Services.AddHostedService<RelayRevival>();
    }

    private static StoreOptions Store(IServiceProvider services, MeshService service)
    {
        var options = new StoreOptions();
        // Names, not numbers, so that stored events can be read for ever; spelled as the database's own filters spell them.
        options.UseSystemTextJsonForSerialization(EnumStorage.AsString, Casing.CamelCase);
        options.Policies.AllDocumentsAreMultiTenanted();
        options.Events.TenancyStyle = TenancyStyle.Conjoined;
        options.Events.StreamIdentity = StreamIdentity.AsString;
        options.Events.AppendMode = EventAppendMode.Quick;
        options.Events.TimeProvider = services.GetRequiredService<TimeProvider>();
        options.Events.UseAdvisoryLockTransaction = true;
        options.Events.MetadataConfig.CorrelationIdEnabled = true;
        options.Events.MetadataConfig.CausationIdEnabled = true;
        options.Events.MetadataConfig.UserNameEnabled = true;
        options.Events.MetadataConfig.HeadersEnabled = true;
        foreach (var (name, type) in PublicEvents.In(typeof(PublicEventAttribute).Assembly))
            options.Events.MapEventType(type, name);

        // Typed ids are filtered on in the database as the UUIDs that they are.
        foreach (var id in typeof(PublicEventAttribute).Assembly.GetExportedTypes().Where(t => t.IsValueType && t.Name.EndsWith("Id", StringComparison.Ordinal)))
            options.RegisterValueType(id);

        // What decides the relay's latency: see docs/adr/0002-relay.md.
        var wakeup = services.GetRequiredService<RelayWakeup>();
        options.Listeners.Add(wakeup.Listener);
        options.Projections.Wakeup = wakeup;
        options.Projections.SlowPollingTime = TimeSpan.FromSeconds(1);
        options.Projections.FastPollingTime = TimeSpan.FromMilliseconds(20);
        options.Projections.StaleSequenceThreshold = TimeSpan.FromMilliseconds(50);
        options.Projections.LeadershipPollingTime = 1000;
        options.Projections.Subscribe(new Relay(services, service.Name, service.Downgrades));
        foreach (var configure in service.Store)
            configure(options);
        return options;
    }

    private static void AddBus(this WebApplicationBuilder builder, MeshService service)
    {
        var address = new Uri(Required(builder.Configuration, "rabbitmq"));
        var types = service.Reactions.ToDictionary(r => PublicEvents.TypeOf(r.Event)!, r => r.Event);
        builder.Services.AddSingleton(new ErrorQueue(ct => Connect(address, ct), service.Name));
        // A stop finishes what is in hand, but within the host's own 15 seconds; the rest is delivered again.
        builder.Services.Configure<MassTransitHostOptions>(o =>
            (o.ConsumerStopTimeout, o.StopTimeout) = (TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(12)));
        builder.Services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            bus.UsingRabbitMq((context, rabbit) =>
            {
                rabbit.Host(address);
                var serializer = new CloudEventSerializer(types);
                rabbit.ClearSerialization();
                rabbit.AddSerializer(serializer);
                rabbit.AddDeserializer(serializer, isDefault: true);
                if (service.Reactions.Count > 0)
                    rabbit.ReceiveEndpoint(service.Name, endpoint => Receive(endpoint, service, new Inbox(context, service.Name)));
            });
        });
    }

    private static void Receive(IRabbitMqReceiveEndpointConfigurator endpoint, MeshService service, Inbox inbox)
    {
        endpoint.ConfigureConsumeTopology = false;
        endpoint.SingleActiveConsumer = true;
        endpoint.PrefetchCount = 128;
        endpoint.ConcurrentMessageLimit = 16;
        endpoint.PublishFaults = false;
        endpoint.ConfigureReceive(pipe => pipe.UseFilter(new InOrder()));
        endpoint.ConfigureError(pipe => pipe.UseFilter(new ErrorTransportFilter()));
        foreach (var (type, connect) in service.Reactions)
        {
            endpoint.Bind(Relay.Exchange, binding =>
            {
                binding.ExchangeType = "topic";
                binding.RoutingKey = $"*.{PublicEvents.TypeOf(type)!["kki.".Length..]}";
            });
            connect(endpoint, inbox);
        }
    }

    private static Task<RabbitMQ.Client.IConnection> Connect(Uri address, CancellationToken ct) =>
        new RabbitMQ.Client.ConnectionFactory { Uri = address }.CreateConnectionAsync(ct);

    private static string Required(IConfiguration configuration, string name) =>
        configuration.GetConnectionString(name) is { Length: > 0 } value
            ? value
            : throw new InvalidOperationException($"ConnectionStrings:{name} is not set.");
}
