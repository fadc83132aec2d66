using System.Net.Http.Json;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;
using Marten;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>Two versions of a service side by side, of which one takes what the other does not know.</summary>
public sealed class VersionsTests(TestServers servers)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(61);

    [Fact]
    public async Task What_only_the_newer_version_takes_waits_for_it_and_an_event_in_two_contracts_is_taken_once()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await using var older = await Listener.StartAsync<CountedBefore>(service, e => e.Number);
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        await Eventually.Is(older.HeardAsync, heard => heard.Count == 1);

        // From here on the queue has both contracts, and the older version takes from it.
        await using var newer = await Listener.StartAsync<Counted>(service, e => 100 + e.Number);
        await Eventually.Is(() => BindingsAsync(service.Place), bound => bound.Contains("*.counter.counted.v2"));
        await ReconcileTests.CountAsync(client, "a");
        await ReconcileTests.CountAsync(client, "a");
        await Eventually.Is(() => DeliveredAsync(service.Place), delivered => delivered >= 2);
        await older.DisposeAsync();

        Assert.Equal([1, 102, 103], await Eventually.Is(newer.HeardAsync, heard => heard.Count >= 3));
        service.Time.Advance(Period);
        await ReconcileTests.CountAsync(client, "a");
        Assert.Equal([1, 102, 103, 104], await Eventually.Is(newer.HeardAsync, heard => heard.Count >= 4));
        Assert.Equal(0, await newer.ParkedAsync());
    }

    [Fact]
    public async Task What_an_older_version_parked_is_taken_under_the_contract_that_the_newer_one_knows()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        var older = await Listener.StartAsync<CountedBefore>(service, e => e.Number == 1 ? e.Number : throw new ReactionRefusedException("A bug."));
        await using (older)
        {
            await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
            await ReconcileTests.CountAsync(client, "a");
            await Eventually.Is(older.ParkedAsync, parked => parked == 1);
        }

        await using var newer = await Listener.StartAsync<Counted>(service, e => 100 + e.Number);
        await newer.ResendAsync();

        Assert.Equal([1, 102], await newer.HeardAsync());
        Assert.Equal(0, await newer.ParkedAsync());
    }

    [Fact]
    public async Task Beside_each_other_both_versions_get_on_and_what_only_one_takes_is_not_settled_by_the_other()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await using var older = await Listener.StartAsync<CountedBefore>(service, e => e.Number);
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        await Eventually.Is(older.HeardAsync, heard => heard.Count == 1);
        await using var newer = await Listener.StartAsync<Weighed>(service, e => 100 + e.Number);
        await Eventually.Is(() => BindingsAsync(service.Place), bound => bound.Contains("*.counter.weighed.v1"));

        // The older one takes from the queue; what the broker has lost is the newer one's.
        await ReconcileTests.UnbindAsync(service.Place, "listener", "*.counter.weighed.v1");
        await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "measured" });
        await ReconcileTests.RelayedAsync(service);
        service.Time.Advance(Period);
        await ReconcileTests.CountAsync(client, "a");
        await Eventually.Is(older.HeardAsync, heard => heard.Contains(2));
        await older.DisposeAsync();
        await newer.DoAsync("update bindings set seen_at = seen_at - interval '3 minutes' where type = 'kki.counter.counted.v1'");

        Assert.Contains(102, await Eventually.Is(
            () =>
            {
                service.Time.Advance(Period);
                return newer.HeardAsync();
            },
            heard => heard.Contains(102)));
    }

    [Fact]
    public async Task What_no_version_takes_any_more_is_not_bound_any_more()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using (var older = await Listener.StartAsync<Heard>(service, e => e.Number))
            await Eventually.Is(() => BindingsAsync(service.Place), bound => bound.Contains("*.foreign.heard.v1"));
        await using var newer = await Listener.StartAsync<Counted>(service, e => e.Number);
        await Eventually.Is(() => BindingsAsync(service.Place), bound => bound.Contains("*.counter.counted.v2"));
        service.Time.Advance(Period);
        Assert.Contains("*.foreign.heard.v1", await BindingsAsync(service.Place));

        await newer.DoAsync("update bindings set seen_at = seen_at - interval '11 minutes'");
        service.Time.Advance(Period);

        await Eventually.Is(() => BindingsAsync(service.Place), bound => !bound.Contains("*.foreign.heard.v1"));
        Assert.Contains("*.counter.counted.v2", await BindingsAsync(service.Place));
    }

    private static async Task<IReadOnlyList<string>> BindingsAsync(Place place)
    {
        using var management = place.Management();
        var bindings = await management.GetFromJsonAsync<JsonArray>($"/api/bindings/{place.Name}/e/kki.events/q/listener");
        return [.. bindings!.Select(b => (string)b!["routing_key"]!)];
    }

    // How many events are in hand and not settled.
    private static async Task<int> DeliveredAsync(Place place)
    {
        using var management = place.Management();
        var queue = await management.GetFromJsonAsync<JsonObject>($"/api/queues/{place.Name}/listener");
        return (int?)queue!["messages_unacknowledged"] ?? 0;
    }

    /// <summary>A version of a service that takes events of one type, and writes down their numbers.</summary>
    private sealed class Listener(WebApplication app, Place place) : IAsyncDisposable
    {
        private bool _isStopped;

        public static async Task<Listener> StartAsync<T>(CounterService counter, Func<T, int> number)
            where T : class
        {
            var builder = await counter.Place.BuilderAsync("listener");
            builder.Configuration["services:counter:http:0"] = counter.Address;
            builder.Services.AddSingleton<TimeProvider>(counter.Time);
            builder.AddMeshService("listener", mesh => mesh
                .ContractsOf(typeof(Counted).Assembly)
                .Documents(store => store.Schema.For<Reacted>())
                .Aggregate<Ear>()
                .On<T>((e, reaction) =>
                {
                    reaction.Session.Insert(new Reacted(Guid.NewGuid(), number(e)));
                    return Task.CompletedTask;
                }));
            var app = builder.Build();
            app.UseMeshService();
            await app.StartAsync();
            var listener = new Listener(app, counter.Place);
            using var client = listener.Client();
            await Eventually.Is(() => client.GetAsync("/health"), a => a.IsReady);
            return listener;
        }

        public async Task<IReadOnlyList<int>> HeardAsync()
        {
            await using var session = app.Services.GetRequiredService<IDocumentStore>().QuerySession("gorenjska");
            return await session.Query<Reacted>().OrderBy(r => r.Number).Select(r => r.Number).ToListAsync();
        }

        public async Task<int> ParkedAsync()
        {
            using var client = Client();
            return (int)(await client.GetAsync("/gorenjska/listener/errors", "operator")).Body!["total"]!;
        }

        public async Task ResendAsync()
        {
            using var client = Client();
            var parked = (await client.GetAsync("/gorenjska/listener/errors", "operator")).Body!["items"]!.AsArray();
            foreach (var e in parked)
            {
                var sent = await client.PostAsync($"/gorenjska/listener/errors/{e!["id"]}/resend", "operator");
                Assert.True((int)sent.Status < 300, sent.Detail);
            }
        }

        public async Task DoAsync(string sql)
        {
            await using var database = Npgsql.NpgsqlDataSource.Create($"{await place.DatabaseAsync("listener")};Pooling=false");
            await using var command = database.CreateCommand(sql);
            await command.ExecuteNonQueryAsync();
        }

        public async ValueTask DisposeAsync()
        {
            if (_isStopped)
                return;
            _isStopped = true;
            await app.StopAsync();
            await app.DisposeAsync();
        }

        private Client Client() => new(new Uri(app.Urls.First()), place.Issuer);
    }
}
