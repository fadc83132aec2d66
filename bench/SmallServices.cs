using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using KkiMesh.TestKit;
using Marten;
using Marten.Events.Daemon.Coordination;
using Marten.Services;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace KkiMesh.Bench;

/// <summary>The event of the bench.</summary>
[PublicEvent("kki.source.told.v1")]
public sealed record Told(int Number, string Text);

/// <summary>Counts what was told.</summary>
public sealed record Teller(string Id, int Count) : IAggregate<Teller>
{
    public static Teller? Apply(Teller? state, string id, object e) => e is Told ? new Teller(id, (state?.Count ?? 0) + 1) : state;
}

/// <summary>What to tell.</summary>
public sealed record TellRequest([Required, StringLength(2000)] string Text);

/// <summary>What was heard.</summary>
public sealed record Heard(string Id, int Number, string Text);

/// <summary>A small service that is put together like every other, in this process.</summary>
internal abstract class SmallService(Place place) : IAsyncDisposable
{
    public const string Region = "gorenjska";

    private WebApplication? _app;

    public Uri Address => new(_app!.Urls.First());

    public Issuer Issuer => place.Issuer;

    protected IServiceProvider Services => _app!.Services;

    public async ValueTask DisposeAsync()
    {
        if (_app is null)
            return;
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    protected async Task StartAsync(string name, Action<MeshService> configure, Action<WebApplication> map)
    {
        var builder = await place.BuilderAsync(name);
        builder.AddMeshService(name, mesh =>
        {
            mesh.ContractsOf(typeof(Told).Assembly);
            configure(mesh);
        });
        _app = builder.Build();
        map(_app);
        await _app.StartAsync();
        using var client = new Client(Address, place.Issuer);
        await Eventually.Is(() => client.GetAsync("/health"), a => a.IsReady);
    }
}

/// <summary>Tells: its events are relayed.</summary>
internal sealed class Source(Place place) : SmallService(place)
{
    public const string Told = "gorenjska.source.told.v1";

    private readonly Place _place = place;

    public static async Task<Source> StartAsync(Place place)
    {
        var source = new Source(place);
        await source.StartAsync("source", mesh => mesh.Aggregate<Teller>(), app =>
        {
            var group = app.UseMeshService();
            group.MapPost("/{id}", (string id, TellRequest request, Command command) =>
                command.Start<Teller>(id, [new Told(0, request.Text)], id)).AsCreation<Teller>("Begins", Roles.Member);
            group.MapPost("/{id}/told", (string id, TellRequest request, Command command) =>
                command.On<Teller>(id, teller => [new Told(teller.Count, request.Text)])).AsCommand<Teller>("Tells", Roles.Member);
        });
        return source;
    }

    public async Task<NpgsqlDataSource> DatabaseAsync() => NpgsqlDataSource.Create(await _place.DatabaseAsync("source"));

    /// <summary>Appends events, each to its stream, in one transaction.</summary>
    public async Task AppendAsync(IEnumerable<(string Stream, Told Event)> events, CancellationToken ct)
    {
        await using var session = Services.GetRequiredService<IDocumentStore>().LightweightSession(Region);
        foreach (var (stream, e) in events)
            session.Events.Append(stream, e);
        await session.SaveChangesAsync(ct);
    }

    /// <summary>Stops the relay of this replica, and nothing else.</summary>
    public Task PauseRelayAsync() => Leader.StopAsync(CancellationToken.None);

    public Task ResumeRelayAsync() => Leader.StartAsync(CancellationToken.None);

    private RelayLeader Leader => Services.GetServices<IHostedService>().OfType<RelayLeader>().Single();

    /// <summary>Takes the relay away for good, with its signals.</summary>
    public async Task StopRelayAsync(CancellationToken ct)
    {
        foreach (var part in Services.GetServices<IHostedService>().Where(s => s is RelayLeader or RelayWakeup))
            await part.StopAsync(ct);
    }

    /// <summary>The newest event's number.</summary>
    public Task<long> NewestAsync() => NumberAsync("select coalesce(max(seq_id), 0) from mt_events");

    /// <summary>How many events there are.</summary>
    public Task<long> CountAsync() => NumberAsync("select count(*) from mt_events");

    private async Task<long> NumberAsync(string sql)
    {
        await using var database = await DatabaseAsync();
        await using var read = database.CreateCommand(sql);
        return (long)(await read.ExecuteScalarAsync())!;
    }

    /// <summary>Waits until the relay has passed everything that is stored.</summary>
    public async Task IsRelayedAsync()
    {
        await using var database = await DatabaseAsync();
        await Eventually.Is(
            async () =>
            {
                await using var behind = database.CreateCommand(
                    """
                    select (select coalesce(max(seq_id), 0) from mt_events)
                         - coalesce((select last_seq_id from mt_event_progression where name = 'relay:All'), 0)
                    """);
                return (long)(await behind.ExecuteScalarAsync())!;
            },
            events => events <= 0,
            seconds: 120);
    }
}

/// <summary>Listens: stores a document for each event that it hears.</summary>
internal sealed class Sink(Place place) : SmallService(place)
{
    private readonly AfterCommit _commits = new();

    /// <summary>Called at the start of each reaction.</summary>
    public Action<Told> Heard { get; set; } = _ => { };

    public static async Task<Sink> StartAsync(Place place)
    {
        var sink = new Sink(place);
        await sink.StartAsync(
            "sink",
            mesh => mesh
                .Documents(store => store.Schema.For<Heard>())
                .Documents(store => store.Listeners.Add(sink._commits))
                .On<Told>(sink.React),
            app => app.UseMeshService());
        return sink;
    }

    /// <summary>Has it ask its publisher at once, as when a connection returns.</summary>
    public async Task CompareAsync()
    {
        await Keeper.StopAsync(CancellationToken.None);
        await Keeper.StartAsync(CancellationToken.None);
    }

    /// <summary>Waits until it has compared up to this event of its publisher.</summary>
    public async Task ComparesAsync(long number, CancellationToken ct)
    {
        await using var session = Services.GetRequiredService<IDocumentStore>().QuerySession(Region);
        while (await session.LoadAsync<VerifiedPosition>("source", ct) is not { } known || known.Position.Sequence < number)
            await Task.Delay(5, ct);
    }

    /// <summary>Waits until it has taken this many events.</summary>
    public async Task HasDrainedAsync(long events, CancellationToken ct)
    {
        await using var session = Services.GetRequiredService<IDocumentStore>().QuerySession(Region);
        while (await session.Query<InboxRecord>().CountAsync(ct) < events)
            await Task.Delay(50, ct);
    }

    private QueueKeeper Keeper => Services.GetServices<IHostedService>().OfType<QueueKeeper>().Single();

    /// <summary>Ends when this many more events have been taken and committed.</summary>
    public Task<Passage> HasTakenAsync(int events) => _commits.CountAsync(events);

    private Task React(Told e, Reaction reaction)
    {
        Heard(e);
        reaction.Session.Store(new Heard(reaction.Event.Id, e.Number, e.Text));
        return Task.CompletedTask;
    }

    private sealed class AfterCommit : DocumentSessionListenerBase
    {
        private readonly Countdown _countdown = new();

        public Task<Passage> CountAsync(int commits) => _countdown.BeginAsync(commits);

        public override Task AfterCommitAsync(IDocumentSession session, IChangeSet commit, CancellationToken token)
        {
            if (commit.Inserted.OfType<InboxRecord>().Any())
                _countdown.One();
            return Task.CompletedTask;
        }
    }
}
