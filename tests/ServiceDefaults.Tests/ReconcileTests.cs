using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>What a broker loses behind its confirmation takes effect all the same, once.</summary>
public sealed class ReconcileTests(TestServers servers)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(61);

    [Fact]
    public async Task Events_that_no_queue_took_take_effect_within_a_minute_once()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var watcher = await WatcherService.StartAsync(service);
        using var client = service.Client();
        await BeginAsync(client, watcher, "a", "b");

        await UnbindAsync(service.Place, "watcher", "*.counter.counted.v2");
        foreach (var counter in (string[])["a", "b", "a", "b", "a"])
            await CountAsync(client, counter);
        await RelayedAsync(service);
        Assert.Equal(1, await watcher.SeenAsync("a"));

        service.Time.Advance(Period);
        Assert.Equal(4, await Eventually.Is(() => watcher.SeenAsync("a"), n => n == 4));
        Assert.Equal(3, await Eventually.Is(() => watcher.SeenAsync("b"), n => n == 3));

        // The binding is back, too, and nothing is taken a second time.
        await CountAsync(client, "a");
        await Eventually.Is(() => watcher.SeenAsync("a"), n => n == 5);
        service.Time.Advance(Period);
        await CountAsync(client, "b");
        await Eventually.Is(() => watcher.SeenAsync("b"), n => n == 4);
        Assert.Equal([1, 1, 2, 2, 3, 3, 4, 4, 5], await watcher.ReactedAsync());
    }

    [Fact]
    public async Task A_broker_that_lost_everything_loses_no_event()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var watcher = await WatcherService.StartAsync(service);
        using var client = service.Client();
        await BeginAsync(client, watcher, "a");
        using var stop = new CancellationTokenSource();
        var load = Task.Run(async () =>
        {
            var count = 1;
            for (; !stop.IsCancellationRequested; count++)
                await CountAsync(client, "a");
            return count;
        });

        for (var round = 1; round <= 2; round++)
        {
            await Eventually.Is(() => watcher.SeenAsync("a"), n => n > 20 * round);
            await servers.Servers.DeleteVirtualHostAsync(service.Place.Name);
            await servers.Servers.CreateVirtualHostAsync(service.Place.Name);
        }

        await stop.CancelAsync();
        var counted = await load;
        await RelayedAsync(service);
        service.Time.Advance(Period);
        Assert.Equal(counted, await Eventually.Is(() => watcher.SeenAsync("a"), n => n == counted, 60));
        await Eventually.Is(watcher.ReactedAsync, reacted => reacted.Count >= counted, 60);
        Assert.Equal(Enumerable.Range(1, counted), await watcher.ReactedAsync());
    }

    [Fact]
    public async Task A_new_consumer_begins_where_its_queue_begins()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        await CountAsync(client, "a");
        await RelayedAsync(service);

        await using var watcher = await WatcherService.StartAsync(service);
        await watcher.ComparesAsync();
        service.Time.Advance(Period);
        await CountAsync(client, "a");
        await Eventually.Is(() => watcher.SeenAsync("a"), n => n == 3);
        service.Time.Advance(Period);
        await watcher.VerifiedAsync(service);

        Assert.Equal([(3, false)], watcher.Reactions);
    }

    [Fact]
    public async Task An_event_that_was_parked_or_discarded_is_not_taken_for_a_lost_one()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var watcher = await WatcherService.StartAsync(service);
        using var client = service.Client();
        using var ofWatcher = watcher.Client();
        await BeginAsync(client, watcher, "a");
        watcher.Fault = e => e.Number is 2 or 3 ? new ReactionRefusedException("Not this one.") : null;
        for (var number = 2; number <= 4; number++)
            await CountAsync(client, "a");
        var parked = await Eventually.Is(() => ofWatcher.GetAsync("/gorenjska/watcher/errors", "operator"), a => (int?)a.Body?["total"] == 2);
        await Eventually.Is(() => watcher.SeenAsync("a"), n => n == 4);
        var discarded = (string)parked.Body!["items"]![0]!["id"]!;
        Assert.Equal(HttpStatusCode.NoContent, (await ofWatcher.SendAsync(HttpMethod.Delete, $"/gorenjska/watcher/errors/{discarded}", "operator")).Status);
        watcher.Fault = _ => null;

        service.Time.Advance(Period);
        await watcher.VerifiedAsync(service);

        Assert.Equal([1, 4], watcher.Reactions.Select(r => r.Number));
        Assert.Equal(1, (int)(await ofWatcher.GetAsync("/gorenjska/watcher/errors", "operator")).Body!["total"]!);
    }

    [Fact]
    public async Task A_consumer_whose_own_database_was_restored_catches_up_by_itself()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        Backup backup;
        await using (var before = await WatcherService.StartAsync(service))
        {
            await BeginAsync(client, before, "a");
            await CountAsync(client, "a");
            await Eventually.Is(() => before.SeenAsync("a"), n => n == 2);
            service.Time.Advance(Period);
            await before.VerifiedAsync(service);
        }

        backup = await Backup.TakeAsync(service.Place, "watcher");
        await using (var lost = await WatcherService.StartAsync(service))
        {
            await CountAsync(client, "a");
            await CountAsync(client, "a");
            await Eventually.Is(() => lost.SeenAsync("a"), n => n == 4);
        }

        await backup.RestoreAsync();
        await using var watcher = await WatcherService.StartAsync(service);
        Assert.Equal(4, await Eventually.Is(() => watcher.SeenAsync("a"), n => n == 4));
        Assert.Equal([1, 2, 3, 4], await Eventually.Is(watcher.ReactedAsync, reacted => reacted.Count >= 4));
    }

    [Fact]
    public async Task A_publisher_whose_database_was_restored_begins_an_epoch_and_consumers_learn_from_it_again()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var watcher = await WatcherService.StartAsync(service);
        using var client = service.Client();
        await BeginAsync(client, watcher, "a", "b");
        await CountAsync(client, "a");
        await Eventually.Is(() => watcher.SeenAsync("a"), n => n == 2);
        var kept = await PositionAsync(client);
        var address = service.Address;
        await service.StopReplicaAsync(0);
        var backup = await Backup.TakeAsync(service.Place, "counter");
        await service.AddReplicaAsync(address);

        // What comes now is lost with the restore: three of a, one of b, a counter that never was, and one that is parked.
        using (var lost = service.Client())
        {
            watcher.Fault = e => e.Counter == "parked" ? new ReactionRefusedException("Not now.") : null;
            await lost.PostAsync("/gorenjska/counter/parked", "member", new { label = "x" });
            await Eventually.Is(() => ParkedAsync(watcher), parked => parked.Count == 1);
            watcher.Fault = _ => null;
            foreach (var counter in (string[])["a", "a", "a", "b"])
                await CountAsync(lost, counter);
            await lost.PostAsync("/gorenjska/counter/never", "member", new { label = "x" });
            await Eventually.Is(() => watcher.SeenAsync("a"), n => n == 5);
            await Eventually.Is(() => watcher.SeenAsync("never"), n => n == 1);
        }

        service.Time.Advance(Period);
        await watcher.VerifiedAsync(service);
        var gone = await PositionAsync(service.Client());
        await service.StopReplicaAsync(0);
        await backup.RestoreAsync();
        await service.AddReplicaAsync(address);
        using var restored = service.Client();

        // The next event of the new epoch has a number that the consumer has seen: it is news all the same.
        await CountAsync(restored, "a");
        Assert.Equal(3, await Eventually.Is(() => watcher.SeenAsync("a"), n => n == 3));
        Assert.Equal(0, await Eventually.Is(() => watcher.SeenAsync("never"), n => n == 0));
        Assert.Equal(1, await watcher.SeenAsync("b"));

        // What never happened is not taken when it is sent back either.
        var parked = Assert.Single(await ParkedAsync(watcher));
        using var operators = watcher.Client();
        var sentBack = await operators.PostAsync($"/gorenjska/watcher/errors/{parked}/resend", "operator", null);
        Assert.Equal(HttpStatusCode.Conflict, sentBack.Status);
        Assert.Contains("can only be discarded", sentBack.Detail, StringComparison.Ordinal);
        Assert.Equal(0, await watcher.SeenAsync("parked"));

        // An integrator's position of before is refused with the way on, from which it misses nothing.
        var refused = await restored.GetAsync($"/gorenjska/counter/events?after={gone}&type=kki.counter.counted.v2", "integrator");
        Assert.Equal(HttpStatusCode.Gone, refused.Status);
        var goOn = (string)refused.Body!["goOnAfter"]!;
        Assert.Equal(kept.Split('.')[1..], goOn.Split('.')[1..]);
        Assert.NotEqual(kept.Split('.')[0], goOn.Split('.')[0]);
        Assert.Equal(HttpStatusCode.Gone, (await restored.GetAsync($"/gorenjska/counter/events?after={kept}", "integrator")).Status);
        var next = await restored.GetAsync($"/gorenjska/counter/events?after={goOn}&type=kki.counter.counted.v2", "integrator");
        Assert.Equal([3], next.Body!["items"]!.AsArray().Select(e => (int)e!["data"]!["number"]!));
        Assert.Equal(goOn.Split('.')[0], ((string)next.Body["items"]![0]!["kkiposition"]!).Split('.')[0]);
    }

    [Fact]
    public async Task What_is_recorded_after_a_database_has_changed_under_a_running_service_is_of_its_new_epoch()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        var before = (await PositionAsync(client)).Split('.');

        // As if a standby had been promoted; the one who relays has noticed nothing yet.
        await service.DoAsync(
            """
            update store_epochs set fingerprint = 'that of the old primary';
            select pg_terminate_backend(a.pid, 5000) from pg_stat_activity a
            where a.datname = current_database() and a.pid <> pg_backend_pid()
                and not exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory');
            """);
        await Eventually.Is(
            () => client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "y" }), a => a.Status == HttpStatusCode.OK);

        Assert.Equal(
            before[1], (await service.NumberAsync("select begins_after from store_epochs order by number desc limit 1")).ToString(CultureInfo.InvariantCulture));
        var after = (await PositionAsync(client)).Split('.');
        Assert.NotEqual(before[0], after[0]);
    }

    [Fact]
    public async Task What_is_published_again_after_the_inbox_has_forgotten_it_waits_for_who_knows_whether_it_was_taken()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var watcher = await WatcherService.StartAsync(service);
        using var client = service.Client();
        await BeginAsync(client, watcher, "a");
        await CountAsync(client, "a");
        await Eventually.Is(watcher.ReactedAsync, reacted => reacted.Count == 2);
        service.Time.Advance(Period);
        await watcher.VerifiedAsync(service);
        await service.NumberAsync(
            "with old as (update mt_events set timestamp = timestamp - interval '32 days' returning 1) select count(*) from old");
        await watcher.DoAsync("delete from mt_doc_inboxrecord");

        await RepublishTests.RepublishAsync(service, "?type=kki.counter.counted.v2");
        await CountAsync(client, "a");

        Assert.Equal([1, 2, 3], await Eventually.Is(watcher.ReactedAsync, reacted => reacted.Count >= 3));
        using var operators = watcher.Client();
        var parked = await Eventually.Is(() => operators.GetAsync("/gorenjska/watcher/errors", "operator"), a => (int?)a.Body?["total"] == 2);
        Assert.All(parked.Body!["items"]!.AsArray(), e => Assert.Contains("most likely taken", (string)e!["reason"]!, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_consumer_that_has_verified_nothing_yet_goes_on_from_the_beginning_of_a_new_epoch()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var watcher = await WatcherService.StartAsync(service);
        using var client = service.Client();
        await BeginAsync(client, watcher, "a");
        service.Time.Advance(Period);
        await watcher.VerifiedAsync(service);
        await watcher.DoAsync("update mt_doc_verifiedposition set data = jsonb_set(data, '{Position}', '\"0\"')");

        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/gorenjska/counter/events/epoch", "operator", null)).Status);
        await CountAsync(client, "a");

        Assert.Equal(2, await Eventually.Is(() => watcher.SeenAsync("a"), n => n == 2));
        // The epoch is met in one comparison, and gone on from in the next.
        await Eventually.Is(Advanced(() => watcher.BehindAsync(service)), behind => behind == 0);
        Assert.Equal((await PositionAsync(client)).Split('.')[0], (await watcher.ComparedAsync())!.Epoch);
        await CountAsync(client, "a");
        Assert.Equal([1, 2, 3], await Eventually.Is(Advanced(watcher.ReactedAsync), reacted => reacted.Count >= 3));
        Assert.Empty(await ParkedAsync(watcher));

        Func<Task<T>> Advanced<T>(Func<Task<T>> read) => () =>
        {
            service.Time.Advance(Period);
            return read();
        };
    }

    [Fact]
    public async Task Operators_begin_ten_epochs_an_hour_at_the_most()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();

        var answers = new List<HttpStatusCode>();
        for (var i = 0; i < 10; i++)
            answers.Add((await client.PostAsync("/gorenjska/counter/events/epoch", "operator", null)).Status);

        // The first one began with the database.
        Assert.Equal([.. Enumerable.Repeat(HttpStatusCode.OK, 9), HttpStatusCode.Conflict], answers);
        Assert.Equal(10, await service.NumberAsync("select count(*) from store_epochs"));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("-1")]
    [InlineData("abc.0.12345678")]
    [InlineData("abc.1")]
    public async Task What_is_no_position_is_refused(string after)
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();

        var refused = await client.GetAsync($"/gorenjska/counter/events?after={after}", "integrator");

        Assert.Equal(HttpStatusCode.BadRequest, refused.Status);
        Assert.NotNull(refused.Body!["errors"]!["after"]);
    }

    [Fact]
    public async Task A_position_of_before_epochs_and_one_of_an_event_that_never_was_are_gone()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        var position = (await PositionAsync(client)).Split('.');

        foreach (var after in (string[])["221", $"{position[0]}.{position[1]}.00000000", $"{position[0]}.999.{position[2]}", $"0000.{position[1]}.{position[2]}"])
            Assert.Equal((after, HttpStatusCode.Gone), (after, (await client.GetAsync($"/gorenjska/counter/events?after={after}", "integrator")).Status));
    }

    [Fact]
    public async Task Each_public_event_names_the_one_before_it_in_its_stream()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "gorenjska.counter.counted.v2");
        using var client = service.Client();
        foreach (var counter in (string[])["a", "b"])
            await client.PostAsync($"/gorenjska/counter/{counter}", "member", new { label = "x" });
        for (var i = 0; i < 3; i++)
        {
            // Each is stored with a private event before it.
            await CountAsync(client, "a");
            await CountAsync(client, "b");
        }

        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n == 8);
        var heard = integrator.Messages.Select(Events.Read).ToList();
        var page = (await client.GetAsync("/gorenjska/counter/events?type=kki.counter.counted.v2&pageSize=3", "integrator")).Body!["items"]!.AsArray();
        foreach (var stream in heard.GroupBy(e => e.Subject))
            Assert.Equal([null, .. stream.Select(e => e.Id).SkipLast(1)], stream.Select(e => (string?)e["kkiprevious"]));
        Assert.Equal(heard.Take(3).Select(e => (string?)e["kkiprevious"]), page.Select(e => (string?)e!["kkiprevious"]));
        Assert.Equal(heard.Take(3).Select(e => (string?)e["kkiposition"]), page.Select(e => (string?)e!["kkiposition"]));
    }

    private static async Task<List<string>> ParkedAsync(WatcherService watcher)
    {
        using var operators = watcher.Client();
        var page = await operators.GetAsync("/gorenjska/watcher/errors", "operator");
        return [.. page.Body!["items"]!.AsArray().Select(e => (string)e!["id"]!)];
    }

    internal static async Task CountAsync(Client client, string counter) =>
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"/gorenjska/counter/{counter}/count", "member", new { label = "y" })).Status);

    /// <summary>Begins counters, of which each is seen; by then the consumer compares.</summary>
    private static async Task BeginAsync(Client client, WatcherService watcher, params string[] counters)
    {
        await watcher.ComparesAsync();
        foreach (var counter in counters)
        {
            await client.PostAsync($"/gorenjska/counter/{counter}", "member", new { label = "x" });
            await Eventually.Is(() => watcher.SeenAsync(counter), n => n == 1);
        }
    }

    internal static Task<long> RelayedAsync(CounterService service) => Eventually.Is(
        () => service.NumberAsync(
            "select (select coalesce(max(seq_id), 0) from mt_events) - coalesce((select last_seq_id from mt_event_progression where name = 'relay:All'), 0)"),
        behind => behind == 0);

    private static async Task<string> PositionAsync(Client client) =>
        (string)(await client.GetAsync("/gorenjska/counter/events", "integrator")).Body!["until"]!;

    // As if the binding had been lost: the broker confirms, and nobody gets it.
    internal static async Task UnbindAsync(Place place, string queue, string key)
    {
        using var management = place.Management();
        var bindings = await management.GetFromJsonAsync<JsonArray>($"/api/bindings/{place.Name}/e/kki.events/q/{queue}");
        var ours = bindings!.Where(b => (string?)b!["routing_key"] == key).ToList();
        Assert.NotEmpty(ours);
        foreach (var binding in ours)
        {
            var properties = Uri.EscapeDataString((string)binding!["properties_key"]!);
            (await management.DeleteAsync($"/api/bindings/{place.Name}/e/kki.events/q/{queue}/{properties}")).EnsureSuccessStatusCode();
        }
    }
}
