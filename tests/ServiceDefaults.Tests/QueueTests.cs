using System.Net.Http.Json;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>What the service's queue is, and that it drops nothing.</summary>
public sealed class QueueTests(TestServers servers)
{
    [Fact]
    public async Task A_service_that_is_told_so_has_a_quorum_queue_which_gives_no_event_up()
    {
        await using var place = await servers.NewPlaceAsync();
        place.Settings["Mesh:Broker:Queues"] = "quorum";
        place.Settings["ConnectionStrings:rabbitmqmanagement"] = servers.Servers.Management!.ToString();
        await using var service = await CounterService.StartAsync(place);
        await using var integrator = await Integrator.ListenAsync(place.RabbitMq, "gorenjska.counter.echoed.*");
        using var management = place.Management();

        await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Heard("e1", "left", 1));
        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n == 1);

        var queue = (await management.GetFromJsonAsync<JsonNode>($"/api/queues/{place.Name}/counter"))!;
        Assert.Equal("quorum", (string?)queue["type"]);
        Assert.True((bool)queue["arguments"]!["x-single-active-consumer"]!);
    }

    [Fact]
    public async Task A_queue_that_would_give_events_up_is_refused_at_the_start()
    {
        await using var place = await servers.NewPlaceAsync();
        place.Settings["Mesh:Broker:Queues"] = "quorum";
        place.Settings["ConnectionStrings:rabbitmqmanagement"] = servers.Servers.Management!.ToString();
        using var management = place.Management();
        var policy = new Dictionary<string, object> { ["pattern"] = ".*", ["definition"] = new Dictionary<string, int> { ["delivery-limit"] = 7 } };
        (await management.PutAsJsonAsync($"/api/policies/{place.Name}/limited", policy)).EnsureSuccessStatusCode();

        var refused = await Assert.ThrowsAsync<QueueRefusedException>(() => CounterService.StartAsync(place));

        Assert.Contains("after 7 deliveries", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_kind_of_queue_is_refused_at_the_start()
    {
        await using var place = await servers.NewPlaceAsync();
        place.Settings["Mesh:Broker:Queues"] = "mirrored";

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => CounterService.StartAsync(place));

        Assert.Contains("classic or quorum, not mirrored", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_queue_of_the_other_kind_is_replaced()
    {
        await using var place = await servers.NewPlaceAsync();
        await (await CounterService.StartAsync(place)).StopReplicaAsync(0);
        place.Settings["Mesh:Broker:Queues"] = "quorum";
        using var management = place.Management();

        await using var service = await CounterService.StartAsync(place);
        var queue = await management.GetFromJsonAsync<JsonNode>($"/api/queues/{place.Name}/counter");

        Assert.Equal("quorum", (string?)queue!["type"]);
    }

    [Theory]
    [InlineData(3, null)]
    [InlineData(4, -1L)]
    [InlineData(5, -1L)]
    public void The_delivery_limit_is_switched_off_as_the_version_wants_it(int majorVersion, long? argument) =>
        Assert.Equal(argument, QuorumLimits.Argument(majorVersion));

    [Theory]
    [InlineData(3, new long[0], true)]
    [InlineData(3, new[] { -1L }, false)]
    [InlineData(3, new[] { 20L }, false)]
    [InlineData(4, new long[0], false)]
    [InlineData(4, new[] { -1L }, true)]
    [InlineData(4, new[] { -1L, 20L }, false)]
    public void A_queue_is_taken_only_where_nothing_limits_it(int majorVersion, long[] limits, bool isTaken) =>
        Assert.Equal(isTaken, QuorumLimits.Fault(majorVersion, limits) is null);
}
