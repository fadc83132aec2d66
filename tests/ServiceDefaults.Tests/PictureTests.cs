using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;
using Marten;

namespace KkiMesh.ServiceDefaults.Tests;

public sealed class PictureTests(TestServers servers)
{
    [Fact]
    public async Task A_new_reader_starts_from_history_and_goes_on_with_the_queue()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "y" });

        await using var watcher = await WatcherService.StartAsync(service);
        Assert.Equal(2, await watcher.SeenAsync("a"));

        await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "z" });
        await Eventually.Is(() => watcher.SeenAsync("a"), n => n == 3);
        Assert.Equal(["built"], watcher.Built);
    }

    [Fact]
    public async Task A_picture_is_built_anew_while_events_go_on_without_gap_or_double()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var watcher = await WatcherService.StartAsync(service);
        using var client = service.Client();
        using var ofWatcher = watcher.Client();
        string[] counters = ["a", "b", "c"];
        foreach (var counter in counters)
            await client.PostAsync($"/gorenjska/counter/{counter}", "member", new { label = "x" });

        using var stop = new CancellationTokenSource();
        var load = Task.WhenAll(counters.Select(async counter =>
        {
            var count = 1;
            while (!stop.IsCancellationRequested)
            {
                Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"/gorenjska/counter/{counter}/count", "member", new { label = "y" })).Status);
                count++;
            }

            return count;
        }));
        for (var round = 0; round < 3; round++)
        {
            await Eventually.Is(() => watcher.SeenAsync("a"), n => n > 5 * round);
            var rebuilding = await ofWatcher.SendAsync(HttpMethod.Post, "/gorenjska/watcher/picture/rebuild", "operator");
            Assert.Equal(HttpStatusCode.Accepted, rebuilding.Status);
            await Eventually.Is(() => ofWatcher.GetAsync("/gorenjska/watcher/picture", "operator"), a => !(bool)a.Body!["building"]!);
        }

        await stop.CancelAsync();
        foreach (var (counter, count) in counters.Zip(await load))
            Assert.Equal(count, await Eventually.Is(() => watcher.SeenAsync(counter), n => n >= count));
        Assert.Equal(4, watcher.Built.Count);
        Assert.Equal(0, (int)(await ofWatcher.GetAsync("/gorenjska/watcher/errors", "operator")).Body!["total"]!);
    }

    [Fact]
    public async Task An_event_that_comes_late_changes_nothing_in_the_picture_and_its_reaction_is_told()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var watcher = await WatcherService.StartAsync(service);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        for (var number = 3; number >= 1; number--)
            await integrator.PublishAsync("gorenjska.counter.counted.v2", Counted("gorenjska", "a", number));

        await Eventually.Is(() => Task.FromResult(watcher.Reactions.Count), n => n == 3);

        Assert.Equal([(3, false), (2, true), (1, true)], watcher.Reactions);
        Assert.Equal(3, await watcher.SeenAsync("a"));
    }

    [Fact]
    public async Task Events_of_a_region_without_a_picture_are_parked_and_keep_nobody_waiting()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var watcher = await WatcherService.StartAsync(service);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        using var client = watcher.Client("koroska");
        using var elsewhere = watcher.Client();
        for (var number = 1; number <= 20; number++)
            await integrator.PublishAsync("koroska.counter.counted.v2", Counted("koroska", $"k{number}", 1));
        await integrator.PublishAsync("gorenjska.counter.counted.v2", Counted("gorenjska", "a", 1));

        await Eventually.Is(() => watcher.SeenAsync("a"), n => n == 1);
        var parked = await Eventually.Is(() => client.GetAsync("/koroska/watcher/errors", "operator"), a => (int?)a.Body?["total"] == 20);

        Assert.Equal(0, (int)(await elsewhere.GetAsync("/gorenjska/watcher/errors", "operator")).Body!["total"]!);
        Assert.All(parked.Body!["items"]!.AsArray(), e => Assert.Contains("no picture of koroska", (string)e!["reason"]!, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Reactions_that_decide_alone_follow_each_other_though_their_streams_go_side_by_side()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var watcher = await WatcherService.StartAsync(service);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        for (var number = 1; number <= 12; number++)
            await integrator.PublishAsync("gorenjska.counter.counted.v2", Counted("gorenjska", $"s{number}", 1));

        await Eventually.Is(() => Task.FromResult(watcher.Reactions.Count), n => n == 12);

        Assert.Equal(1, watcher.MostAtOnce);
    }

    [Fact]
    public async Task A_picture_of_an_older_format_is_built_anew_by_itself_and_the_older_version_beside_it_learns_nothing_more()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        await using var older = await WatcherService.StartAsync(service);
        Assert.Equal(1, await older.SeenAsync("a"));

        // The older one has the queue: what comes waits there until it is stopped.
        await using var newer = await WatcherService.StartAsync(service, format: 2, more: 100);
        await Eventually.Is(() => newer.SeenAsync("a"), n => n == 101);
        await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "y" });
        await client.PostAsync("/gorenjska/counter/b", "member", new { label = "x" });
        await older.DisposeAsync();

        await Eventually.Is(() => newer.SeenAsync("a"), n => n == 102);
        await Eventually.Is(() => newer.SeenAsync("b"), n => n == 101);
        Assert.Equal(["built"], newer.Built);
        using var ofNewer = newer.Client();
        Assert.Equal(0, (int)(await ofNewer.GetAsync("/gorenjska/watcher/errors", "operator")).Body!["total"]!);
    }

    [Fact]
    public async Task History_is_read_page_by_page_in_order_and_under_each_contract()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "gorenjska.counter.#");
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        for (var i = 0; i < 4; i++)
            await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "y" });
        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n >= 10);

        var ids = new List<string>();
        for (var (next, until) = ("0", ""); next != until;)
        {
            var page = (await client.GetAsync($"/gorenjska/counter/events?pageSize=2&after={next}", "integrator")).Body!;
            ids.AddRange(page["items"]!.AsArray().Select(e => (string)e!["id"]!));
            (next, until) = ((string)page["next"]!, (string)page["until"]!);
        }

        Assert.Equal(integrator.Messages.Select(Events.Read).Select(e => e.Id!), ids);
        var older = (await client.GetAsync("/gorenjska/counter/events?type=kki.counter.counted.v1", "integrator")).Body!["items"]!.AsArray();
        Assert.Equal(5, older.Count);
        Assert.All(older, e => Assert.Equal("kki.counter.counted.v1", (string)e!["type"]!));
        Assert.Empty((await client.GetAsync("/gorenjska/counter/events?type=kki.counter.noted", "integrator")).Body!["items"]!.AsArray());
        Assert.Equal(10, (await client.GetAsync("/gorenjska/counter/events?correlation=a", "integrator")).Body!["items"]!.AsArray().Count);
        Assert.Empty((await client.GetAsync("/gorenjska/counter/events?correlation=b", "integrator")).Body!["items"]!.AsArray());
        Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync("/gorenjska/counter/events?pageSize=0", "integrator")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync("/gorenjska/counter/events?after=-1", "integrator")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync("/gorenjska/counter/events", "member")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/gorenjska/counter/events")).Status);
    }

    [Fact]
    public async Task An_event_that_cannot_be_learnt_and_a_closed_stream_do_not_keep_a_picture_from_being_built()
    {
        await using var counter = await CounterService.StartAsync(servers);
        using var client = counter.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        await using var watcher = await WatcherService.StartAsync(counter);
        foreach (var name in (string[])["a", "b", "c"])
            await client.PostAsync($"/gorenjska/counter/{name}{(name == "a" ? "/count" : "")}", "member", new { label = "x" });
        await Eventually.Is(() => watcher.SeenAsync("c"), n => n == 1);
        watcher.LearnFault = e => e.Counter == "b" ? new InvalidOperationException("No counter b.") : null;
        await watcher.Services.GetRequiredService<ClosedStreams>().CloseAsync("gorenjska", "ear", "It is not sound.", TestContext.Current.CancellationToken);
        watcher.Decides = async reaction =>
        {
            await reaction.On<Ear>("ear", _ => [], orElse: () => []);
            watcher.Built.Add("after the closed one");
        };
        using var operators = watcher.Client();

        Assert.Equal(HttpStatusCode.Accepted, (await operators.PostAsync("/gorenjska/watcher/picture/rebuild", "operator", null)).Status);

        var whole = await Eventually.Is(
            () => operators.GetAsync("/gorenjska/watcher/picture", "operator"), a => a.Body?["building"]?.GetValue<bool>() == false);
        Assert.Equal(1, (int)whole.Body!["sources"]!["counter"]!["skipped"]!);
        Assert.Equal((2, 0, 1), (await watcher.SeenAsync("a"), await watcher.SeenAsync("b"), await watcher.SeenAsync("c")));
        Assert.Contains("after the closed one", watcher.Built);
        await client.PostAsync("/gorenjska/counter/c/count", "member", new { label = "x" });
        await Eventually.Is(() => watcher.SeenAsync("c"), n => n == 2);
        Assert.Contains(
            "/gorenjska/watcher/picture/rebuild",
            (await operators.GetAsync("/gorenjska/watcher/access-log", "auditor")).Body!["items"]!.AsArray().Select(i => (string?)i!["path"]));
    }

    private static byte[] Counted(string region, string counter, int number)
    {
        var e = JsonNode.Parse(Events.Write($"{counter}-{number}", "kki.counter.counted.v2", counter, new { counter, number, label = "x" }))!;
        (e["kkiregion"], e["sequence"]) = (region, $"{number:D10}");
        return Encoding.UTF8.GetBytes(e.ToJsonString());
    }
}

/// <summary>The newest number that was seen of a counter.</summary>
public sealed record Seen(string Id, int Number);

/// <summary>A reaction that took effect; a second one to the same event would be a second row.</summary>
public sealed record Reacted(Guid Id, int Number);

/// <summary>A second service, which keeps a picture of the first one's counters.</summary>
internal sealed class WatcherService : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly CounterService _counter;
    private int _atOnce;
    private bool _isStopped;

    private WatcherService(WebApplication app, CounterService counter) => (_app, _counter) = (app, counter);

    public List<string> Built { get; } = [];

    /// <summary>What was reacted to, in order, and whether it came late.</summary>
    public ConcurrentQueue<(int Number, bool IsSuperseded)> Reactions { get; } = [];

    /// <summary>What the reaction does with an event that it does not like; tests change it.</summary>
    public Func<Counted, Exception?> Fault { get; set; } = _ => null;

    /// <summary>Why a number cannot be learnt; tests change it.</summary>
    public Func<Counted, Exception?> LearnFault { get; set; } = _ => null;

    /// <summary>What it decides when its picture is whole; tests change it.</summary>
    public Func<Reaction, Task> Decides { get; set; } = _ => Task.CompletedTask;

    /// <summary>Its parts.</summary>
    public IServiceProvider Services => _app.Services;

    /// <summary>How many reactions decided side by side at the most.</summary>
    public int MostAtOnce { get; private set; }

    public Client Client(string region = "gorenjska") => new(new Uri(_app.Urls.First()), _counter.Place.Issuer, region);

    /// <param name="counter">Whose counters it watches.</param>
    /// <param name="format">The format of its read model.</param>
    /// <param name="more">What it adds to the number that it has seen: another
    /// version would see something else.</param>
    public static async Task<WatcherService> StartAsync(CounterService counter, int format = 1, int more = 0)
    {
        var builder = await counter.Place.BuilderAsync("watcher");
        builder.Configuration["services:counter:http:0"] = counter.Address;
        builder.Services.AddSingleton<TimeProvider>(counter.Time);
        WatcherService? service = null;
        builder.AddMeshService("watcher", mesh => mesh
            .ContractsOf(typeof(Counted).Assembly)
            .ReadModelFormat(format)
            .Picture<Seen>()
            .Documents(store => store.Schema.For<Reacted>())
            .Aggregate<Ear>()
            .Learn<Counted>((e, picture) =>
            {
                if (service?.LearnFault(e) is { } fault)
                    throw fault;
                picture.Store(new Seen(e.Counter, e.Number + more));
            })
            .On<Counted>((e, reaction) => service!.ReactAsync(e, reaction))
            .WhenBuilt(reaction =>
            {
                service!.Built.Add("built");
                return service.Decides(reaction);
            }));
        var app = builder.Build();
        app.UseMeshService();
        service = new WatcherService(app, counter);
        await app.StartAsync();
        using var client = service.Client();
        await Eventually.Is(() => client.GetAsync("/health"), a => a.IsReady);
        return service;
    }

    /// <summary>Waits until it has begun to compare with its publisher's history.</summary>
    public Task ComparesAsync() => Eventually.Is(ComparedAsync, position => position is not null);

    /// <summary>Waits until all of its publisher's history is known to have been taken.</summary>
    public Task VerifiedAsync(CounterService counter) => Eventually.Is(() => BehindAsync(counter), behind => behind == 0);

    /// <summary>How far what is known to have been taken is behind its publisher's history.</summary>
    public async Task<long> BehindAsync(CounterService counter) =>
        await counter.NumberAsync("select coalesce(max(seq_id), 0) from mt_events") - ((await ComparedAsync())?.Position.Sequence ?? 0);

    /// <summary>Up to where it has compared; null: it has not begun to.</summary>
    public async Task<VerifiedPosition?> ComparedAsync()
    {
        await using var session = _app.Services.GetRequiredService<IDocumentStore>().QuerySession("gorenjska");
        return await session.LoadAsync<VerifiedPosition>("counter");
    }

    private async Task ReactAsync(Counted e, Reaction reaction)
    {
        if (Fault(e) is { } fault)
            throw fault;
        await reaction.AloneAsync();
        MostAtOnce = Math.Max(MostAtOnce, Interlocked.Increment(ref _atOnce));
        await Task.Delay(5, reaction.Cancelled);
        Interlocked.Decrement(ref _atOnce);
        Reactions.Enqueue((e.Number, reaction.IsSuperseded));
        reaction.Session.Insert(new Reacted(Guid.NewGuid(), e.Number));
    }

    /// <summary>The numbers of the events whose reaction took effect, in order.</summary>
    public async Task<IReadOnlyList<int>> ReactedAsync()
    {
        await using var session = _app.Services.GetRequiredService<IDocumentStore>().QuerySession("gorenjska");
        return await session.Query<Reacted>().OrderBy(r => r.Number).Select(r => r.Number).ToListAsync();
    }

    /// <summary>Changes the database behind the service's back.</summary>
    public async Task DoAsync(string sql)
    {
        await using var database = Npgsql.NpgsqlDataSource.Create($"{await _counter.Place.DatabaseAsync("watcher")};Pooling=false");
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<int> SeenAsync(string counter)
    {
        await using var session = _app.Services.GetRequiredService<IDocumentStore>().QuerySession("gorenjska");
        return (await session.LoadAsync<Seen>(counter))?.Number ?? 0;
    }

    public async ValueTask DisposeAsync()
    {
        if (_isStopped)
            return;
        _isStopped = true;
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
