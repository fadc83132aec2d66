using System.Diagnostics;
using System.Net;
using KkiMesh.AppHost;
using KkiMesh.TestKit;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>Services on a broker of three nodes.</summary>
public sealed class ClusterTests(TestServers servers, ITestOutputHelper output)
{
    private const string Why = "a cluster of three brokers takes half a minute to form";
    private const int Nodes = 3;
    private const int Ears = 20;
    private const int SettleSeconds = 180;
    private static readonly TimeSpan Down = TimeSpan.FromSeconds(65);
    private static readonly TimeSpan BetweenCalls = TimeSpan.FromMilliseconds(40);
    private int _told;

    [Fact]
    public async Task Nodes_form_a_cluster_on_loopback_come_back_when_they_were_killed_and_leave_nothing_behind()
    {
        Sizes.OnlyLong(Why);
        var ct = TestContext.Current.CancellationToken;
        var before = ProcessTree.DescendantsOf(Environment.ProcessId);
        await using (var cluster = await BrokerCluster.StartAsync(Nodes, ct))
        {
            Assert.DoesNotContain(ListeningSockets.Of(Environment.ProcessId), l => !IPAddress.IsLoopback(l.Address));

            await cluster.Nodes[2].KillAsync();
            await Eventually.Is(() => cluster.SeenBy(0, ct), seen => seen == Nodes - 1, 60);
            await cluster.Nodes[2].StartAsync(ct);
            await Eventually.Is(() => cluster.SeenBy(0, ct), seen => seen == Nodes, 60);
        }

        Assert.Empty(ProcessTree.DescendantsOf(Environment.ProcessId).Except(before));
    }

    // The queue is on the node that its consumer connected to first: that one
    // goes down, and both sides find another one.
    [Fact]
    public async Task What_is_published_while_a_node_is_down_takes_effect_without_an_operator()
    {
        Sizes.OnlyLong(Why);
        await using var cluster = await BrokerCluster.StartAsync(Nodes, TestContext.Current.CancellationToken);
        await using var own = await servers.NewPlaceAsync();
        var place = own with { RabbitMq = cluster.Amqp };
        place.Settings["Mesh:Broker:Queues"] = "quorum";
        place.Settings["ConnectionStrings:rabbitmqmanagement"] = cluster.Nodes[0].Management.ToString();
        cluster.Prefer(0);
        await using var publisher = await Publisher.StartAsync(place, "foreign", mesh => mesh.ContractsOf(typeof(Heard).Assembly));
        place.Settings["services:foreign:http:0"] = publisher.Address;
        cluster.Prefer(2);
        await using var consumer = await CounterService.StartAsync(place);
        await TellAsync(publisher, TimeSpan.FromSeconds(1));
        await Eventually.Is(() => TakenAsync(consumer), taken => taken == _told, SettleSeconds);

        await cluster.Nodes[2].KillAsync();
        var before = _told;
        await TellAsync(publisher, Down);
        output.WriteLine($"{_told - before} events published while a node was down, {await TakenAsync(consumer) - before} of them taken by then");
        await cluster.Nodes[2].StartAsync(TestContext.Current.CancellationToken);
        await TellAsync(publisher, TimeSpan.FromSeconds(1));

        Assert.True(_told - before > 100);
        await Eventually.Is(() => TakenAsync(consumer), taken => taken >= _told, SettleSeconds);
        Assert.Equal(_told, await TakenAsync(consumer));
    }

    private async Task TellAsync(Publisher publisher, TimeSpan time)
    {
        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < time; _told++)
        {
            await publisher.TellAsync($"ear-{_told % Ears}", new Heard($"ear-{_told % Ears}", _told));
            await Task.Delay(BetweenCalls);
        }
    }

    // Each answer to an event is an event of the consumer's own.
    private static Task<long> TakenAsync(CounterService consumer) =>
        consumer.NumberAsync("select count(*) from mt_events where type = 'kki.counter.echoed.v1'");
}
