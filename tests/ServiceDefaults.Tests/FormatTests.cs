using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;
using Npgsql;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>Two versions of a service over one database.</summary>
public sealed class FormatTests(TestServers servers)
{
    [Fact]
    public async Task Beside_a_newer_version_an_older_one_says_why_it_writes_nothing_and_nothing_is_lost()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "gorenjska.counter.counted.v2");
        using var older = service.Client();
        await older.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        using var stop = new CancellationTokenSource();
        var load = CountAsync(older, stop.Token);

        await service.AddReplicaAsync(format: 2);
        using var newer = service.Client(1);
        var refused = await Eventually.Is(
            () => older.PostAsync("/gorenjska/counter/a/count", "member", new { label = "y" }, "k"), a => a.Status != HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.Status);
        await stop.CancelAsync();
        var (done, others) = await load;

        Assert.Contains("The data have format 2, and this version of the service knows format 1 at most", refused.Detail, StringComparison.Ordinal);
        Assert.True(refused.Headers.Contains("Retry-After"));
        Assert.Empty(others);
        await HealthIsAsync(older, HttpStatusCode.ServiceUnavailable, "knows format 1 at most");
        Assert.Equal(HttpStatusCode.OK, (await newer.GetAsync("/health")).Status);
        // The older one may have the queue; the lead of the relay it had.
        await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Heard("h", "left", 7));
        Assert.Equal(HttpStatusCode.OK, (await newer.PostAsync("/gorenjska/counter/a/count", "member", new { label = "y" }, "k")).Status);
        // What the older one could not note as published comes twice.
        await Eventually.Is(() => Task.FromResult(integrator.Messages.Select(m => Events.Read(m).Id).Distinct().Count()), n => n == done + 2);
        Assert.Equal(done + 2, await service.NumberAsync("select count(*) from mt_events where stream_id = 'a' and type <> 'noted'"));

        await service.StopReplicaAsync(0);
        await Eventually.Is(() => service.NumberAsync("select count(*) from mt_events where stream_id = 'left'"), n => n == 1);
        Assert.Equal(0, (int)(await newer.GetAsync("/gorenjska/counter/errors", "operator")).Body!["total"]!);
    }

    [Fact]
    public async Task An_older_version_waits_at_its_start_and_works_once_data_that_it_knows_are_restored()
    {
        await using var service = await CounterService.StartAsync(servers);
        await service.AddReplicaAsync(format: 2);
        using var first = service.Client();
        await HealthIsAsync(first, HttpStatusCode.ServiceUnavailable, "knows format 1 at most");
        await service.StopReplicaAsync(1);
        var late = service.AddReplicaAsync();
        await Task.WhenAny(late, Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken));
        Assert.False(late.IsCompleted);

        await service.DoAsync("update mesh_format set number = 1");
        await Eventually.Is(() => first.GetAsync("/health"), a => a.Status == HttpStatusCode.OK);

        Assert.Equal(HttpStatusCode.Created, (await first.PostAsync("/gorenjska/counter/a", "member", new { label = "x" })).Status);
        await Eventually.Is(
            () =>
            {
                service.Time.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(late.IsCompletedSuccessfully);
            },
            isThere => isThere);
    }

    [Fact]
    public async Task Older_data_that_are_restored_under_a_running_service_are_upgraded_by_it()
    {
        await using var service = await CounterService.StartAsync(servers, replicas: 0);
        await service.AddReplicaAsync(format: 2);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });

        await service.DoAsync("update mt_doc_counter set data = jsonb_set(data, '{count}', '99'); update mesh_format set number = 1");
        var counted = await Eventually.Is(() => client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "y" }), a => a.Status == HttpStatusCode.OK);

        Assert.Equal(2, (int)counted.Body!["count"]!);
    }

    [Fact]
    public async Task Who_shows_no_format_writes_until_a_newer_version_is_there()
    {
        const string write = "update mt_events set user_name = user_name";
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });

        await service.DoAsync(write);
        await service.AddReplicaAsync(format: 2);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => service.DoAsync(write));

        // Versions from before there were numbers take it for an outage, and wait.
        Assert.StartsWith("57P", refused.SqlState, StringComparison.Ordinal);
        await service.DoAsync($"set mesh.format = 2; {write}");
    }

    [Fact]
    public async Task States_are_rebuilt_from_their_events_at_each_upgrade_and_a_stream_that_cannot_be_read_is_closed()
    {
        await using var service = await CounterService.StartAsync(servers);
        using (var before = service.Client())
        {
            foreach (var counter in (string[])["a", "b"])
            {
                await before.PostAsync($"/gorenjska/counter/{counter}", "member", new { label = "x" });
                await before.PostAsync($"/gorenjska/counter/{counter}/count", "member", new { label = "y" });
            }
        }

        await service.StopReplicaAsync(0);
        await service.DoAsync("update mt_doc_counter set data = jsonb_set(data, '{count}', '99')");
        await service.DoAsync("update mt_events set data = '{\"number\": \"much\"}' where stream_id = 'b' and version = 3");
        for (var format = 2; format < 4; format++)
        {
            await service.AddReplicaAsync(format: format);
            using var client = service.Client();
            Assert.Equal(format + 1, (int)(await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "y" })).Body!["count"]!);
            var refused = await client.PostAsync("/gorenjska/counter/b/count", "member", new { label = "y" });
            Assert.Equal(HttpStatusCode.Conflict, refused.Status);
            Assert.Contains("could not be made from its events", refused.Detail, StringComparison.Ordinal);
            var health = await HealthIsAsync(client, HttpStatusCode.OK, "b of gorenjska");
            Assert.Equal("degraded", (string?)health["status"]);
            await service.StopReplicaAsync(0);
        }

        Assert.Equal(99, await service.NumberAsync("select (data ->> 'count')::bigint from mt_doc_counter where id = 'b'"));
    }

    [Fact]
    public async Task An_event_for_a_closed_stream_is_parked_with_the_reason_and_the_others_flow_on()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        using var client = service.Client();
        await service.DoAsync("insert into closed_streams (region, stream, reason) values ('gorenjska', 'shut', 'It was tampered with.')");

        foreach (var ear in (string[])["shut", "open"])
            await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Heard($"h-{ear}", ear, 1));

        await Eventually.Is(() => service.NumberAsync("select count(*) from mt_events where stream_id = 'open'"), n => n == 1);
        var parked = await Eventually.Is(() => client.GetAsync("/gorenjska/counter/errors", "operator"), a => (int)a.Body!["total"]! == 1);
        Assert.Contains("It was tampered with.", (string)parked.Body!["items"]![0]!["reason"]!, StringComparison.Ordinal);
        Assert.Equal(0, await service.NumberAsync("select count(*) from mt_events where stream_id = 'shut'"));
    }

    private static async Task<JsonNode> HealthIsAsync(Client client, HttpStatusCode status, string reason)
    {
        var health = await Eventually.Is(() => client.GetAsync("/health"), a => a.Status == status && a.Body!["reasons"]!.ToJsonString().Contains(reason, StringComparison.Ordinal));
        return health.Body!;
    }

    // One after the other until it is stopped or refused.
    private static async Task<(int Done, ConcurrentBag<string> Others)> CountAsync(Client client, CancellationToken stop)
    {
        var (done, others) = (0, new ConcurrentBag<string>());
        while (!stop.IsCancellationRequested)
        {
            var answer = await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "y" });
            if (answer.Status == HttpStatusCode.OK)
                done++;
            else if (answer.Status != HttpStatusCode.ServiceUnavailable)
                others.Add($"{answer.Status} {answer.Detail}");
        }

        return (done, others);
    }
}
