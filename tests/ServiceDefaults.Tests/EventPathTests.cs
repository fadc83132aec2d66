using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;
using Marten;
using Npgsql;

namespace KkiMesh.ServiceDefaults.Tests;

public sealed class EventPathTests(TestServers servers)
{
    [Fact]
    public async Task A_foreign_client_reads_valid_CloudEvents_and_no_private_fact()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "gorenjska.counter.#");
        using var client = service.Client();

        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "y" });

        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n >= 4);
        var events = integrator.Messages.Select(Events.Read).ToList();
        Assert.Equal(["kki.counter.counted.v2", "kki.counter.counted.v1", "kki.counter.counted.v2", "kki.counter.counted.v1"], events.Select(e => e.Type));
        Assert.Equal(["gorenjska.counter.counted.v2", "gorenjska.counter.counted.v1"], integrator.Messages.Take(2).Select(m => m.RoutingKey));
        Assert.Equal(events[0].Id + ".v1", events[1].Id);
        Assert.All(events, e => Assert.Equal("/gorenjska/counter", e.Source!.ToString()));
        Assert.All(events, e => Assert.Equal("a", e.Subject));
        Assert.All(events, e => Assert.Equal("gorenjska", e["kkiregion"]));
        Assert.All(events, e => Assert.Equal("a", e["correlationid"]));
        Assert.All(events, e => Assert.NotNull(e["traceparent"]));
        Assert.All(events, e => Assert.NotNull(e["causationid"]));
        Assert.All(events, e => Assert.Equal("member", e["actorrole"]));
        Assert.Equal(["0000000001", "0000000001", "0000000003", "0000000003"], events.Select(e => e["sequence"]));
        Assert.Equal(7, Guid.Parse(events[0].Id!).Version);
        Assert.All(integrator.Messages, m => Assert.DoesNotContain(m.Headers.Keys, h => h.StartsWith("MT-", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_foreign_event_is_taken_once_and_its_answer_carries_on_its_thread()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "gorenjska.counter.echoed.*");

        for (var i = 0; i < 3; i++)
            await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Heard("e1", "left", 1));
        await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Heard("e2", "left", 2));

        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n >= 2);
        var answers = integrator.Messages.Select(Events.Read).ToList();
        Assert.Equal(["e1", "e2"], answers.Select(e => e["causationid"]));
        Assert.All(answers, e => Assert.Equal(("thread-left", "service"), (e["correlationid"], e["actorrole"])));
        Assert.Equal([1, 2], await NumbersAsync(service, "left"));
    }

    [Fact]
    public async Task Every_table_is_made_at_the_start_and_none_at_its_first_use_in_which_replicas_would_meet()
    {
        const string Tables = "select count(*) from pg_tables where schemaname = 'public'";
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "gorenjska.counter.echoed.*");
        using var client = service.Client();
        var made = await service.NumberAsync(Tables);

        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        await client.GetAsync("/gorenjska/counter/access-log", "auditor");
        await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Heard("e1", "left", 1));
        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n >= 1);

        Assert.Equal(made, await service.NumberAsync(Tables));
    }

    [Fact]
    public async Task A_poison_event_is_parked_with_its_reason_and_the_others_flow_on()
    {
        await using var service = await CounterService.StartAsync(servers);
        service.Fault = heard => heard.Number == 13 ? new InvalidOperationException("Thirteen is not taken.") : null;
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "gorenjska.counter.echoed.*");
        using var client = service.Client();
        await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Heard("e12", "left", 12));
        await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Heard("e13", "left", 13));
        await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Heard("e14", "left", 14));
        await integrator.PublishAsync("gorenjska.foreign.heard.v1", "not a CloudEvent"u8.ToArray());
        await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Write("e15", "kki.foreign.heard.v1", "left", new { ear = "left" }));

        var parked = await Eventually.Is(() => client.GetAsync("/gorenjska/counter/errors", "operator"), a => (int?)a.Body?["total"] == 3);
        await Eventually.Is(() => NumbersAsync(service, "left"), n => n.Count == 2);

        Assert.Equal([12, 14], await NumbersAsync(service, "left"));
        var items = parked.Body!["items"]!.AsArray();
        Assert.Contains(items, i => (string?)i!["id"] == "e13" && ((string)i["reason"]!).Contains("Thirteen is not taken.", StringComparison.Ordinal));
        Assert.Contains(items, i => ((string)i!["id"]!).StartsWith("sha-", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync("/gorenjska/counter/errors", "member")).Status);

        // The operator looks, mends the cause, sends back what can be taken, and discards what cannot.
        var shown = await client.GetAsync("/gorenjska/counter/errors/e13", "operator");
        Assert.Equal("e13", (string?)shown.Body!["id"]);
        service.Fault = _ => null;
        Assert.Equal(HttpStatusCode.NoContent, (await client.SendAsync(HttpMethod.Post, "/gorenjska/counter/errors/e13/resend", "operator")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await client.SendAsync(HttpMethod.Delete, "/gorenjska/counter/errors/e15", "operator")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await client.SendAsync(HttpMethod.Delete, "/gorenjska/counter/errors/e15", "operator")).Status);
        Assert.Equal([12, 14, 13], await Eventually.Is(() => NumbersAsync(service, "left"), n => n.Count == 3));
        await Eventually.Is(() => client.GetAsync("/gorenjska/counter/errors", "operator"), a => (int?)a.Body?["total"] == 1);
    }

    [Theory]
    [InlineData("id", null, "id must")]
    [InlineData("source", null, "source must")]
    [InlineData("type", null, "type must")]
    [InlineData("kkiregion", "Gorenjska", "kkiregion must")]
    [InlineData("kkiregion", "gorenjska\n", "kkiregion must")]
    [InlineData("kkiregion", null, "kkiregion must")]
    public async Task Two_events_with_a_bad_attribute_are_both_parked_and_neither_is_taken_for_a_duplicate(string attribute, string? value, string reason)
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        using var client = service.Client();
        for (var number = 1; number <= 2; number++)
        {
            var e = JsonNode.Parse(Events.Heard($"e{number}", "left", number))!;
            e[attribute] = value;
            await integrator.PublishAsync("gorenjska.foreign.heard.v1", Encoding.UTF8.GetBytes(e.ToJsonString()));
        }

        var parked = await Eventually.Is(() => client.GetAsync("/gorenjska/counter/errors", "operator"), a => (int?)a.Body?["total"] == 2);

        Assert.All(parked.Body!["items"]!.AsArray(), i => Assert.Contains(reason, (string)i!["reason"]!, StringComparison.Ordinal));
        Assert.Empty(await NumbersAsync(service, "left"));
    }

    [Fact]
    public async Task An_event_older_than_the_inbox_remembers_is_parked_and_taken_when_an_operator_sends_it_back()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        using var client = service.Client();

        await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Heard("old", "left", 1, service.Time.GetUtcNow().AddDays(-31)));
        await Eventually.Is(() => client.GetAsync("/gorenjska/counter/errors", "operator"), a => (int?)a.Body?["total"] == 1);
        Assert.Empty(await NumbersAsync(service, "left"));

        await client.SendAsync(HttpMethod.Post, "/gorenjska/counter/errors/old/resend", "operator");
        Assert.Equal([1], await Eventually.Is(() => NumbersAsync(service, "left"), n => n.Count == 1));
    }

    [Fact]
    public async Task The_order_within_a_stream_holds_across_replicas_of_which_one_stops()
    {
        const int Streams = 5, Each = 60;
        await using var service = await CounterService.StartAsync(servers, replicas: 2);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        for (var number = 0; number < Each; number++)
        {
            for (var stream = 0; stream < Streams; stream++)
                await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Heard($"{stream}-{number}", $"ear{stream}", number));
            if (number == Each / 3)
                await service.StopReplicaAsync(0);
        }

        for (var stream = 0; stream < Streams; stream++)
            Assert.Equal(Enumerable.Range(0, Each), await Eventually.Is(() => NumbersAsync(service, $"ear{stream}"), n => n.Count == Each));
    }

    [Fact]
    public async Task Who_leads_and_who_waits_leave_no_transaction_open_that_would_keep_the_database_from_cleaning_up()
    {
        await using var service = await CounterService.StartAsync(servers, replicas: 2);
        await using var database = NpgsqlDataSource.Create(await service.Place.DatabaseAsync("counter"));

        await Eventually.Is(() => CountAsync("query_start > backend_start + interval '3 s'"), n => n >= 2);

        Assert.Equal(0, await CountAsync("xact_start < now() - interval '2 s'"));

        async Task<long> CountAsync(string condition)
        {
            await using var count = database.CreateCommand(
                $"select count(*) from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and {condition}");
            return (long)(await count.ExecuteScalarAsync())!;
        }
    }

    [Fact]
    public async Task The_order_of_a_stream_holds_when_the_relay_loses_its_connection_again_and_again()
    {
        const int Breaks = 2, Each = 50;
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "gorenjska.counter.counted.v2");
        using var management = service.Place.Management();
        var (written, broken) = (0, 0);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));

        // The broker lists a connection some seconds after it was made; meanwhile the relay stays busy.
        while (broken < Breaks)
        {
            await Task.Delay(10, patience.Token);
            await using (var session = service.Services().GetRequiredService<IDocumentStore>().LightweightSession("gorenjska"))
            {
                session.Events.Append("a", Enumerable.Range(written + 1, Each).Select(number => new Counted("a", number, "x")));
                await session.SaveChangesAsync();
            }

            written += Each;
            foreach (var connection in (await management.GetFromJsonAsync<JsonArray>($"/api/vhosts/{service.Place.Name}/connections"))!)
            {
                if ((string?)connection!["client_properties"]?["connection_name"] == "counter relay")
                    broken += (await management.DeleteAsync($"/api/connections/{Uri.EscapeDataString((string)connection["name"]!)}")).IsSuccessStatusCode ? 1 : 0;
            }
        }

        var numbers = await Eventually.Is(
            () => Task.FromResult(integrator.Messages.Select(m => (int)JsonNode.Parse(m.Body)!["data"]!["number"]!).Distinct().ToList()), n => n.Count == written, seconds: 60);
        Assert.Equal(Enumerable.Range(1, written), numbers);
    }

    [Fact]
    public async Task Everything_is_published_once_in_order_under_conflicts_and_a_long_transaction()
    {
        await using var service = await CounterService.StartAsync(servers, replicas: 2);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "gorenjska.counter.counted.v2");
        using var one = service.Client(0);
        using var other = service.Client(1);
        foreach (var counter in (string[])["a", "b"])
            await one.PostAsync($"/gorenjska/counter/{counter}", "member", new { label = "x" });

        // Somebody takes a sequence number and keeps it open while others commit after it.
        await using var database = NpgsqlDataSource.Create(await service.Place.DatabaseAsync("counter"));
        await using var slow = await database.OpenConnectionAsync();
        await using var transaction = await slow.BeginTransactionAsync();
        await using (var take = new NpgsqlCommand("select nextval('mt_events_sequence')", slow, transaction))
            await take.ExecuteScalarAsync();

        var accepted = (await Task.WhenAll(Enumerable.Range(0, 6).Select(async w =>
        {
            var done = 0;
            for (var i = 0; i < 15; i++)
                done += (await (w % 2 == 0 ? one : other).PostAsync($"/gorenjska/counter/{(i % 2 == 0 ? "a" : "b")}/count", "member", new { label = "x" })).Status == HttpStatusCode.OK ? 1 : 0;
            return done;
        }))).Sum();
        await transaction.RollbackAsync();

        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n >= accepted + 2);
        var events = integrator.Messages.Select(Events.Read).ToList();
        Assert.Equal(accepted + 2, events.Select(e => e.Id).Distinct().Count());
        foreach (var stream in events.DistinctBy(e => e.Id).GroupBy(e => e.Subject))
            Assert.Equal(stream.Select(e => (string)e["sequence"]!).Order(StringComparer.Ordinal), stream.Select(e => (string)e["sequence"]!));
    }

    [Fact]
    public async Task The_relay_goes_on_from_the_checkpoint_when_that_is_not_where_it_left_it()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "gorenjska.counter.counted.v2");
        await using var database = NpgsqlDataSource.Create(await service.Place.DatabaseAsync("counter"));
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" });
        await CheckpointBecomes(3);

        // As after a commit of the relay whose confirmation was lost with the database, or after a second leader.
        await using (var move = database.CreateCommand("update mt_event_progression set last_seq_id = 1 where name = 'relay:All'"))
            await move.ExecuteNonQueryAsync();
        await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" });
        await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" });

        await Eventually.Is(() => Task.FromResult(integrator.Messages.Select(Events.Read).Select(e => e.Id).Distinct().Count()), n => n == 4);
        await CheckpointBecomes(7);

        async Task CheckpointBecomes(long sequence)
        {
            await using var read = database.CreateCommand("select last_seq_id from mt_event_progression where name = 'relay:All'");
            await Eventually.Is(async () => (long?)await read.ExecuteScalarAsync(), n => n == sequence);
        }
    }

    private static async Task<IReadOnlyList<int>> NumbersAsync(CounterService service, string ear)
    {
        await using var session = service.Services().GetRequiredService<Marten.IDocumentStore>().QuerySession("gorenjska");
        return (await session.LoadAsync<Ear>(ear))?.Numbers ?? [];
    }
}
