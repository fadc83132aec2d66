using System.Net;
using KkiMesh.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>Recorded time, where replicas' clocks differ.</summary>
public sealed class RecordedTimeTests(TestServers servers)
{
    private const string Backwards =
        """
        select count(*) from mt_events later join mt_events before
          on later.tenant_id = before.tenant_id and later.stream_id = before.stream_id and later.version = before.version + 1
        where later.timestamp < before.timestamp
        """;

    [Fact]
    public async Task It_never_runs_backwards_in_a_stream_nor_from_one_command_to_the_next()
    {
        await using var service = await CounterService.StartAsync(servers);
        // So that the database's own time is told from it.
        service.Time.Advance(TimeSpan.FromHours(1));
        var behind = new FakeTimeProvider(service.Time.GetUtcNow().AddSeconds(-20));
        await service.AddReplicaAsync(clock: behind);
        using var one = service.Client(0);
        using var other = service.Client(1);
        foreach (var stream in (string[])["a", "b"])
            await one.PostAsync($"/gorenjska/counter/{stream}", "member", new { label = "x" });

        for (var n = 0; n < 20; n++)
        {
            var answer = await (n % 2 == 0 ? other : one).PostAsync($"/gorenjska/counter/{(n % 3 == 0 ? "a" : "b")}/count", "member", new { label = "x" });
            Assert.Equal(HttpStatusCode.OK, answer.Status);
            service.Time.Advance(TimeSpan.FromMilliseconds(10));
            behind.Advance(TimeSpan.FromMilliseconds(10));
        }

        Assert.Equal(0, await service.NumberAsync(Backwards));
        // One command came after the other, so the whole store is in order.
        Assert.Equal(0, await service.NumberAsync(
            "select count(*) from (select timestamp, lag(timestamp) over (order by seq_id) as before from mt_events) e where timestamp < before"));
        // It is the clock's time where that is later than all before.
        Assert.Equal(0, await service.NumberAsync("select count(*) from mt_events where timestamp < now() + interval '59 minutes'"));
    }

    [Fact]
    public async Task It_never_runs_backwards_in_a_stream_that_replicas_write_to_at_once()
    {
        await using var service = await CounterService.StartAsync(servers);
        await service.AddReplicaAsync(clock: new FakeTimeProvider(service.Time.GetUtcNow().AddDays(-1)));
        using var one = service.Client(0);
        using var other = service.Client(1);
        foreach (var stream in (string[])["a", "b"])
            await one.PostAsync($"/gorenjska/counter/{stream}", "member", new { label = "x" });

        await Task.WhenAll(Enumerable.Range(0, 200).Select(n =>
            (n % 2 == 0 ? other : one).PostAsync($"/gorenjska/counter/{(n % 3 == 0 ? "a" : "b")}/count", "member", new { label = "x" })));

        Assert.Equal(0, await service.NumberAsync(Backwards));
        Assert.True(await service.NumberAsync("select count(*) from mt_events") > 200);
    }

    [Fact]
    public async Task It_never_runs_backwards_in_a_stream_that_several_reactions_write_to_at_once()
    {
        await using var service = await CounterService.StartAsync(servers);
        await service.AddReplicaAsync(clock: new FakeTimeProvider(service.Time.GetUtcNow().AddDays(-1)));
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");

        // Deliveries of several streams that all write to one: nothing but its turn keeps them in order.
        for (var n = 0; n < 100; n++)
            await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Write($"e{n}", "kki.foreign.heard.v1", $"s{n}", new { ear = "ear", number = n }));

        await Eventually.Is(() => service.NumberAsync("select count(*) from mt_events where stream_id = 'ear'"), events => events == 100, 60);
        Assert.Equal(0, await service.NumberAsync(Backwards));
    }
}
