using System.Reflection;
using JasperFx.Events;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using JasperFx.MultiTenancy;
using KkiMesh.Contracts;
using Marten;
using Marten.Events;
using Marten.Storage;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Weasel.Core;

namespace KkiMesh.ServiceDefaults;

/// <summary>What a service has of its own; everything else is the same in every service.</summary>
public sealed class MeshService
{
    internal MeshService(string name, Assembly code)
    {
        Name = name;
        Contracts = PublicEvents.KnownTo(code).ToDictionary();
    }

    /// <summary>
    /// The service's name: its part of every path, its database, its queue, and its part of its events' types.
    /// </summary>
    public string Name { get; }

    internal List<Action<StoreOptions>> Store { get; } = [];

    internal List<string> Tables { get; } = [];

    internal List<Action<IServiceCollection>> Loaders { get; } = [];

    internal List<Subscription> Subscriptions { get; } = [];

    internal List<Action<IDocumentSession>> PictureDocuments { get; } = [];

    internal Func<Reaction, Task>? Built { get; private set; }

    internal (int Number, int Unnumbered) Known { get; private set; } = (1, 1);

    internal int KnownReadModel { get; private set; } = 1;

    internal List<Type> Upgrades { get; } = [];

    internal List<SnapshotRebuild> Snapshots { get; } = [];

    internal Dictionary<string, Type> Contracts { get; }

    internal Downgrades Downgrades { get; } = new();

    /// <summary>
    /// How long an event waits for the database; within the broker's own limit
    /// for an unacknowledged delivery (30 minutes).
    /// </summary>
    internal TimeSpan LongestOutage { get; set; } = TimeSpan.FromMinutes(20);

    /// <summary>Keeps this aggregate's newest state as a document that can be listed and filtered.</summary>
    public MeshService Aggregate<T>()
        where T : class, IAggregate<T>
    {
        Store.Add(options => options.Projections.Add(new Snapshot<T>(), ProjectionLifecycle.Inline));
        Snapshots.Add(new SnapshotRebuild<T>());
        return this;
    }

    /// <summary>
    /// Declares the format of what the service stores. It is one more with each change that an older version must not
    /// write beside: to states, parts, tables, or with a new type of event. See <see cref="StoredFormat"/>.
    /// </summary>
    /// <param name="number">The format that this version reads and writes, from 1.</param>
    /// <param name="unnumbered">The format that the last versions wrote which stored no number.</param>
    public MeshService Format(int number, int unnumbered = 1)
    {
        Known = (number, unnumbered);
        return this;
    }

    /// <summary>
    /// Brings the data of an older format to this one, in the place of the rebuild
    /// of all aggregates' states from their events.
    /// </summary>
    public MeshService UpgradedBy<TUpgrade>()
        where TUpgrade : class, IUpgrade
    {
        Upgrades.Add(typeof(TUpgrade));
        return this;
    }

    /// <summary>
    /// Declares the format of the read model of other services' events (see <see cref="Picture"/>). Where
    /// an older one is stored, it is rebuilt from their histories at the start, by itself. It is one more
    /// with each change to its documents, or to what is learnt.
    /// </summary>
    public MeshService ReadModelFormat(int number)
    {
        KnownReadModel = number;
        return this;
    }

    /// <summary>Indexes, projections and documents of the service's own.</summary>
    public MeshService Documents(Action<StoreOptions> configure)
    {
        Store.Add(configure);
        return this;
    }

    /// <summary>A plain table of the service's own, for lines that are too many for documents.</summary>
    /// <param name="sql">Makes it where it is not there yet, with its indexes.</param>
    public MeshService Table(string sql)
    {
        Tables.Add(sql);
        return this;
    }

    /// <summary>
    /// What the service starts with; it is loaded before the first event, history or request is taken.
    /// </summary>
    public MeshService Load<TLoader>()
        where TLoader : class, IHostedService
    {
        Loaders.Add(services => services.AddHostedService<TLoader>());
        return this;
    }

    /// <summary>
    /// Public events of an assembly that the service's own code does not refer to, e.g. of one that is loaded by its
    /// name. All others are found without that.
    /// </summary>
    public MeshService ContractsOf(Assembly assembly)
    {
        foreach (var (type, record) in PublicEvents.In(assembly))
        {
            if (!Contracts.TryAdd(type, record) && Contracts[type] != record)
            {
                throw new InvalidOperationException(
                    $"{Contracts[type]} and {record} are both the public event {type}.");
            }
        }

        return this;
    }

    /// <summary>Reacts to another service's event: once for each event, in the order of its stream.</summary>
    public MeshService On<TEvent>(Func<TEvent, Reaction, Task> handle)
        where TEvent : class
    {
        SubscriptionTo<TEvent>().Add(handle);
        return this;
    }

    /// <summary>
    /// Documents that are made of other services' events alone (see <see cref="Learn"/>). They can be thrown away and
    /// built anew from history: at the first start, and when an operator asks (<c>./mesh rebuild</c>).
    /// </summary>
    public MeshService Picture<TDocument>()
        where TDocument : notnull
    {
        Store.Add(options => options.Schema.For<TDocument>());
        PictureDocuments.Add(session => session.DeleteWhere<TDocument>(_ => true));
        return this;
    }

    /// <summary>
    /// Learns from another service's event: writes the picture's documents and decides nothing, since history is learnt
    /// anew with each rebuild. A reaction to the same event comes after it, in the same transaction.
    /// </summary>
    public MeshService Learn<TEvent>(Action<TEvent, IDocumentOperations> learn)
        where TEvent : class
    {
        SubscriptionTo<TEvent>().Add(learn);
        return this;
    }

    /// <summary>
    /// Runs once in each building, when the picture is whole: what it decides must be what is not decided yet.
    /// </summary>
    public MeshService WhenBuilt(Func<Reaction, Task> decide)
    {
        Built = decide;
        return this;
    }

    /// <summary>Publishes an event also under its older contract, until that is retired.</summary>
    /// <param name="derive">Pure: the older event from the newer.</param>
    public MeshService AlsoPublish<TNew, TOld>(Func<TNew, TOld> derive)
        where TNew : class
        where TOld : class
    {
        CheckPublic(typeof(TNew));
        CheckPublic(typeof(TOld));
        Downgrades.Add(derive);
        return this;
    }

    private static void CheckPublic(Type record)
    {
        if (PublicEvents.TypeOf(record) is null)
            throw new InvalidOperationException($"{record} is no public event: it has no [PublicEvent(\"kki.….v1\")].");
    }

    private Subscription<TEvent> SubscriptionTo<TEvent>()
        where TEvent : class
    {
        if (Subscriptions.OfType<Subscription<TEvent>>().SingleOrDefault() is { } known)
            return known;
        CheckPublic(typeof(TEvent));
        var subscription = new Subscription<TEvent>();
        Subscriptions.Add(subscription);
        return subscription;
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
        var service = new MeshService(name, configure.Method.Module.Assembly);
        configure(service);
        // Tests run two versions side by side.
        if (builder.Environment.IsDevelopment() && builder.Configuration.GetValue<int?>("Mesh:Format") is { } number)
            service.Format(number, service.Known.Unnumbered);
        builder.AddWebDefaults(name);
        builder.AddAccess();
        builder.AddEventStore(service);
        builder.AddBus(service);
        builder.AddPicture(service);
    }

    /// <summary>
    /// Puts the service together; its endpoints go into the group that this returns, <c>/{region}/&lt;name&gt;</c>.
    /// </summary>
    public static RouteGroupBuilder UseMeshService(this WebApplication app)
    {
        var service = app.Services.GetRequiredService<MeshService>();
        app.UseWebDefaults();
        app.Use(BodyEncoding.Check);
        app.MapOwnHealthAndApi();
        app.Use(RegionEndpoints.Check);
        app.UseAuthentication();
        app.Use(AccessLog.Write);
        app.UseAuthorization();
        app.Use(CommandEndpoints.Prepare);
        var group = app.MapGroup($"/{{region:region}}/{service.Name}").ChecksQueries();
        group.MapErrorQueue();
        group.MapAccessLog();
        group.MapHistory(service.Name);
        if (service.Subscriptions.Exists(s => s.IsLearnt))
            group.MapPicture();
        return group;
    }

    private static void AddEventStore(this WebApplicationBuilder builder, MeshService service)
    {
        var database = Required(builder.Configuration, service.Name);
        builder.Services.AddSingleton(service);
        builder.Services.AddSingleton<Regions>();
        var settings = DatabaseSettings.Of(builder.Configuration);
        builder.Services.AddSingleton(settings);
        // Each transaction shows the format that this program knows: the database refuses the writing of any other one.
        builder.Services.AddSingleton(settings.DataSource(database, service.Known.Number));
        builder.Services.AddSingleton<RelayWakeup>();
        builder.Services.AddSingleton<SettledTime>();
        builder.Services.AddSingleton<Retention>();
        builder.Services.AddSingleton<RelayCheck>();
        builder.Services.AddSingleton<StoredFormat>();
        builder.Services.AddSingleton<SchemaAtStart>();
        builder.Services.AddHealthChecks()
            .AddCheck<DatabaseCheck>("database").AddCheck<FormatCheck>("format").AddCheck<ClosedStreamsCheck>("streams").AddCheck<RelayCheck>("relay");
        builder.Services.AddHostedService(s => s.GetRequiredService<SchemaAtStart>());
        builder.Services.AddHostedService<FormatWatch>();
        builder.Services.AddHostedService(s => s.GetRequiredService<RelayWakeup>());
        builder.Services.AddHostedService<Housekeeping>();
        builder.Services.AddSingleton<Loader>();
        builder.Services.AddSingleton<ClosedStreams>();
        foreach (var upgrade in service.Upgrades)
            builder.Services.AddSingleton(upgrade);
        builder.Services.AddSingleton<CommandGroups>();
        builder.Services.AddSingleton<OwnDecisions>();
        foreach (var load in service.Loaders)
            load(builder.Services);
        builder.Services.AddMarten(services => Store(services, service)).UseNpgsqlDataSource();
        builder.Services.AddHostedService(services => new RelayLeader(
            services.GetRequiredService<IDocumentStore>(),
            database,
            services.GetRequiredService<StoredFormat>(),
            ct => BeginRelayAsync(services, ct),
            services.GetRequiredService<ILogger<RelayLeader>>()));
        builder.Services.AddSingleton<UnreadableEvents>();
        builder.Services.AddSingleton<RelayedEvents>();
        builder.Services.AddSingleton<StoreEpochs>();
        builder.Services.AddSingleton<Bindings>();
        builder.Services.AddSingleton<History>();
    }

    // A database may have been restored under a service that went on running: its
    // connections ended, so that somebody leads again.
    private static async Task BeginRelayAsync(IServiceProvider services, CancellationToken ct)
    {
        await services.GetRequiredService<StoreEpochs>().CheckAsync(ct);
        services.GetRequiredService<RelayedEvents>().Forget();
    }

    private static void AddPicture(this WebApplicationBuilder builder, MeshService service)
    {
        builder.Services.AddSingleton<Picture>();
        builder.Services.AddSingleton<KnownEpochs>();
        builder.Services.AddHttpClient<HistoryReader>(http => http.Timeout = TimeSpan.FromSeconds(15)).AddServiceDiscovery();
        if (!service.Subscriptions.Exists(s => s.IsLearnt))
            return;
        builder.Services.AddHostedService<PictureBuilder>();
        builder.Services.AddHealthChecks().AddCheck<PictureCheck>("picture");
    }

    private static StoreOptions Store(IServiceProvider services, MeshService service)
    {
        var options = new StoreOptions();
        // Names, not numbers, so that stored events can be read for ever; spelled
        // as the database's own filters spell them.
        options.UseSystemTextJsonForSerialization(
            EnumStorage.AsString, Casing.CamelCase, json => json.Converters.Insert(0, new HeadersConverter()));
        options.Policies.AllDocumentsAreMultiTenanted();
        options.Events.TenancyStyle = TenancyStyle.Conjoined;
        options.Events.StreamIdentity = StreamIdentity.AsString;
        // In spite of its name, the mode in which an event's own time is kept, see
        // RecordedTime; Quick takes the database's.
        options.Events.AppendMode = EventAppendMode.QuickWithServerTimestamps;
        options.Events.TimeProvider = services.GetRequiredService<TimeProvider>();
        options.Events.MetadataConfig.CorrelationIdEnabled = true;
        options.Events.MetadataConfig.CausationIdEnabled = true;
        options.Events.MetadataConfig.UserNameEnabled = true;
        options.Events.MetadataConfig.HeadersEnabled = true;
        options.Events.IgnoreIndex(SchemaAtStart.ThreadIndex);
        foreach (var (name, type) in service.Contracts)
            options.Events.MapEventType(type, name);

        // Typed ids are filtered on in the database as the UUIDs that they are.
        foreach (var id in typeof(PublicEventAttribute).Assembly.GetExportedTypes().Where(t => t.IsValueType && t.Name.EndsWith("Id", StringComparison.Ordinal)))
            options.RegisterValueType(id);

        // What decides the relay's latency: see docs/adr/0002-relay.md.
        var wakeup = services.GetRequiredService<RelayWakeup>();
        options.Listeners.Add(wakeup.Listener);
        options.Listeners.Add(Parts.Waiting);
        options.Listeners.Add(RecordedTime.Waiting);
        options.Projections.Wakeup = wakeup;
        options.Projections.SlowPollingTime = TimeSpan.FromSeconds(1);
        options.Projections.FastPollingTime = TimeSpan.FromMilliseconds(20);
        options.Projections.StaleSequenceThreshold = RelayWakeup.HoleSettles;
        options.Projections.AsyncMode = DaemonMode.ExternallyManaged;
        // One event that cannot be read would keep all that follow from being relayed; DaemonLog tells of it.
        options.Projections.Errors.SkipSerializationErrors = true;
        options.Projections.Subscribe(new Relay(services));
        // Made at the start like all others: replicas that make a table at its first use stand in each other's way.
        foreach (var document in (Type[])[typeof(AccessRecord), typeof(InboxRecord), typeof(PictureState), typeof(LearntStream), typeof(VerifiedPosition)])
            options.RegisterDocumentType(document);
        options.Schema.For<InboxRecord>().IndexLastModified();
        options.Schema.For<AccessRecord>().IndexLastModified();
        foreach (var configure in service.Store)
            configure(options);
        return options;
    }

    private static void AddBus(this WebApplicationBuilder builder, MeshService service)
    {
        var address = new Uri(Required(builder.Configuration, "rabbitmq"));
        builder.Services.AddSingleton<Inbox>();
        builder.Services.AddSingleton<InOrder>();
        builder.Services.AddSingleton<ErrorQueue>();
        builder.Services.AddHostedService(services => new OldErrorQueues(
            ct => Connect(address, $"{service.Name} old errors", ct), service.Name, services.GetRequiredService<IDocumentStore>(),
            services.GetRequiredService<Inbox>(), services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<OldErrorQueues>>()));
        builder.Services.AddSingleton<Consumers>();
        builder.Services.AddSingleton(services => new RelayChannel(
            ct => Connect(address, $"{service.Name} relay", ct),
            services.GetRequiredService<Consumers>().HaveQueuesAsync,
            services.GetRequiredService<ILogger<RelayChannel>>()));
        builder.Services.AddSingleton(services => new Republisher(ct => Connect(address, $"{service.Name} republish", ct), services));
        builder.AddQueue(address, service);
        // A stop finishes what is in hand, but within the host's own 15 seconds; the rest is delivered again.
        builder.Services.Configure<MassTransitHostOptions>(o =>
            (o.ConsumerStopTimeout, o.StopTimeout) = (TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(12)));
        builder.Services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            // Commands go on without the broker: their events wait in the store.
            bus.ConfigureHealthCheckOptions(check => (check.Name, check.MinimalFailureStatus) = ("broker", HealthStatus.Degraded));
            bus.UsingRabbitMq((context, rabbit) =>
            {
                rabbit.Host(address);
                if (service.Subscriptions.Count > 0)
                    rabbit.ReceiveEndpoint(service.Name, endpoint => Receive(endpoint, service, context));
            });
        });
        // After the bus, so that it stops before it.
        builder.Services.AddHostedService(services => services.GetRequiredService<InOrder>());
    }

    // Before MassTransit starts: of a quorum queue the broker has to be known,
    // and it must not be one that drops events.
    private static void AddQueue(this WebApplicationBuilder builder, Uri address, MeshService service)
    {
        builder.Services.AddSingleton<ServiceQueue>();
        builder.Services.AddSingleton<Reconciler>();
        builder.Services.AddHostedService(services => new QueueAtStart(
            services.GetRequiredService<ServiceQueue>(), ct => Connect(address, $"{service.Name} start", ct), address, services.GetRequiredService<ILogger<QueueAtStart>>()));
        builder.Services.AddHostedService(services => ActivatorUtilities.CreateInstance<QueueKeeper>(
            services, (Func<CancellationToken, Task<RabbitMQ.Client.IConnection>>)(ct => Connect(address, $"{service.Name} queue", ct))));
    }

    // The filter takes every delivery, and hands none on: the bus dispatches,
    // moves to error queues and answers nothing.
    private static void Receive(IRabbitMqReceiveEndpointConfigurator endpoint, MeshService service, IServiceProvider services)
    {
        var inOrder = services.GetRequiredService<InOrder>();
        services.GetRequiredService<ServiceQueue>().Configure(endpoint);
        // The queue keeper binds it: also when a broker has lost its bindings, and sooner than the bus comes back.
        endpoint.ConfigureConsumeTopology = false;
        endpoint.BindQueue = false;
        endpoint.PrefetchCount = InOrder.MostInHand;
        endpoint.ConcurrentMessageLimit = InOrder.MostInHand;
        endpoint.ConfigureReceive(pipe => pipe.UseFilter(inOrder));
    }

    private static Task<RabbitMQ.Client.IConnection> Connect(Uri address, string name, CancellationToken ct) =>
        new RabbitMQ.Client.ConnectionFactory { Uri = address, ClientProvidedName = name, AutomaticRecoveryEnabled = false }.CreateConnectionAsync(ct);

    private static string Required(IConfiguration configuration, string name) =>
        configuration.GetConnectionString(name) is { Length: > 0 } value
            ? value
            : throw new InvalidOperationException($"ConnectionStrings:{name} is not set.");
}
