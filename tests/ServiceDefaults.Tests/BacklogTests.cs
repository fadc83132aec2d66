using KkiMesh.TestKit;
using Npgsql;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>A stream's backlog keeps its order, and keeps nobody else from going on.</summary>
public sealed class BacklogTests(TestServers servers)
{
    private const string Heard = "gorenjska.foreign.heard.v1";

    [Fact]
    public async Task A_backlog_of_failing_events_occupies_one_worker_and_is_parked_in_its_order()
    {
        const int Poisoned = 200, Good = 20;
        using var go = new ManualResetEventSlim();
        var attempts = 0;
        await using var service = await CounterService.StartAsync(servers);
        service.Fault = heard =>
        {
            if (heard.Ear != "bad")
                return null;
            Interlocked.Increment(ref attempts);
            go.Wait(TimeSpan.FromMinutes(2));
            return new InvalidOperationException("It fails.");
        };
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        for (var number = 0; number < Poisoned; number++)
            await integrator.PublishAsync(Heard, Events.Heard($"bad-{number}", "bad", number));
        for (var number = 0; number < Good; number++)
            await integrator.PublishAsync(Heard, Events.Heard($"good-{number}", "good", number));

        // The other stream is done while the first of the backlog is still being tried.
        Assert.Equal(Enumerable.Range(0, Good), await Eventually.Is(() => service.NumbersAsync("good"), n => n.Count == Good));
        Assert.Equal(1, attempts);

        // What follows a parked event is tried once instead of six times.
        go.Set();
        await Eventually.Is(() => service.NumberAsync("select count(*) from parked_events"), n => n == Poisoned, 60);
        Assert.InRange(attempts, Poisoned, 2 * Poisoned);
        await using var database = NpgsqlDataSource.Create(await service.Place.DatabaseAsync("counter"));
        await using var read = database.CreateCommand("select array_agg(id order by position) from parked_events");
        Assert.Equal(Enumerable.Range(0, Poisoned).Select(n => $"bad-{n}"), (string[])(await read.ExecuteScalarAsync())!);
    }

    [Fact]
    public async Task What_is_in_hand_is_told_until_it_is_done()
    {
        using var go = new ManualResetEventSlim();
        await using var service = await CounterService.StartAsync(servers);
        service.Fault = _ =>
        {
            go.Wait(TimeSpan.FromMinutes(2));
            return null;
        };
        var inOrder = service.Services().GetRequiredService<InOrder>();
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        for (var number = 0; number < 3; number++)
            await integrator.PublishAsync(Heard, Events.Heard($"e{number}", "left", number));

        var inHand = await Eventually.Is(() => Task.FromResult(inOrder.InHand()), names => names.Count == 3);
        go.Set();

        Assert.Equal(["/gorenjska/foreign\ne0", "/gorenjska/foreign\ne1", "/gorenjska/foreign\ne2"], inHand.Order(StringComparer.Ordinal));
        await Eventually.Is(() => Task.FromResult(inOrder.InHand()), names => names.Count == 0);
        Assert.Equal([0, 1, 2], await service.NumbersAsync("left"));
    }

    [Fact]
    public async Task Events_that_waited_out_an_outage_come_again_in_their_order()
    {
        const int Each = 40;
        await using var service = await CounterService.StartAsync(servers, configure: mesh => mesh.LongestOutage = TimeSpan.FromSeconds(1));
        var inOrder = service.Services().GetRequiredService<InOrder>();
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");

        // Taken from the service is what it writes to, so that every event of the stream fails by an outage.
        await ExecuteAsync(service, "alter table mt_events rename to mt_events_away");
        for (var number = 0; number < Each; number++)
            await integrator.PublishAsync(Heard, Events.Heard($"e{number}", "left", number));
        for (var round = 0; round < 2; round++)
        {
            await Eventually.Is(() => Task.FromResult(inOrder.InHand().Count), n => n > 0);
            await Eventually.Is(() => Task.FromResult(inOrder.InHand().Count), n => n == 0);
        }

        await ExecuteAsync(service, "alter table mt_events_away rename to mt_events");

        Assert.Equal(Enumerable.Range(0, Each), await Eventually.Is(() => service.NumbersAsync("left"), n => n.Count >= Each));
        Assert.Equal(0, await service.NumberAsync("select count(*) from parked_events"));
    }

    [Fact]
    public async Task A_backlog_keeps_its_order_when_the_replica_that_has_it_in_hand_stops()
    {
        const int Streams = 3, Each = 100;
        var go = Enumerable.Range(0, Streams).ToDictionary(stream => $"ear{stream}", _ => new SemaphoreSlim(0));
        await using var service = await CounterService.StartAsync(servers, replicas: 2);
        service.Fault = heard =>
        {
            go[heard.Ear].Wait(TimeSpan.FromSeconds(20));
            return null;
        };
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        await PublishAsync(0, Each);

        // The first replica has that backlog in hand, and goes in the middle of it; more comes meanwhile.
        Go(10);
        await Eventually.Is(() => service.NumbersAsync("ear0"), n => n.Count >= 5);
        var stop = service.StopReplicaAsync(0);
        await PublishAsync(Each, 2 * Each);
        Go(Each * 10);
        await stop;

        for (var stream = 0; stream < Streams; stream++)
        {
            var numbers = await Eventually.Is(() => service.NumbersAsync($"ear{stream}"), n => n.Count >= 2 * Each);
            Assert.Equal(Enumerable.Range(0, 2 * Each), numbers);
        }

        void Go(int events)
        {
            foreach (var stream in go.Values)
                stream.Release(events);
        }

        async Task PublishAsync(int from, int to)
        {
            for (var number = from; number < to; number++)
            {
                for (var stream = 0; stream < Streams; stream++)
                    await integrator.PublishAsync(Heard, Events.Heard($"{stream}-{number}", $"ear{stream}", number));
            }
        }
    }

    private static async Task ExecuteAsync(CounterService service, string sql)
    {
        await using var database = NpgsqlDataSource.Create(await service.Place.DatabaseAsync("counter"));
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
