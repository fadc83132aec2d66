using System.Net;
using KkiMesh.TestKit;
using Npgsql;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>Who keeps something locked, or hangs, delays what needs it and nothing else.</summary>
public sealed class StuckTests(TestServers servers)
{
    [Fact]
    public async Task A_stream_that_somebody_keeps_delays_its_own_commands_and_no_others()
    {
        const int streams = 16, enough = 40;
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        foreach (var stream in Enumerable.Range(0, streams).Select(n => $"s{n}").Append("kept"))
            await client.PostAsync($"/gorenjska/counter/{stream}", "member", new { label = "x" });
        await using var taken = await service.TakeAsync("gorenjska/kept");
        var kept = client.PostAsync("/gorenjska/counter/kept/count", "member", new { label = "x" });
        await service.IsTakenUpAsync("gorenjska/kept");

        var done = new int[streams];
        await Task.WhenAll(Enumerable.Range(0, streams).Select(async stream =>
        {
            while (done.Max() < enough)
            {
                var answer = await client.PostAsync($"/gorenjska/counter/s{stream}/count", "member", new { label = "x" });
                Assert.Equal(HttpStatusCode.OK, answer.Status);
                done[stream]++;
            }
        }));

        Assert.True(done.Min() >= enough / 4, $"Each stream's commands: {string.Join(", ", done)}.");
        await taken.DisposeAsync();
        // It waits ten seconds at most.
        Assert.Contains((await kept).Status, new[] { HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable });
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/gorenjska/counter/kept/count", "member", new { label = "x" })).Status);
    }

    [Fact]
    public async Task A_session_that_does_nothing_in_its_transaction_is_ended_and_commands_go_on()
    {
        await using var service = await CounterService.StartAsync(servers, settings: ("Mesh:Database:IdleInTransactionSeconds", "1"));
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        await using var idle = await service.Services().GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await idle.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var take = new NpgsqlCommand("select pg_advisory_xact_lock(hashtextextended('gorenjska/a', 0))", idle);
        await take.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        var answer = await Eventually.Is(
            () => client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" }), a => a.Status == HttpStatusCode.OK, 60);

        Assert.Equal(2, (int)answer.Body!["count"]!);
    }

    [Fact]
    public async Task A_replica_that_hangs_in_a_decision_is_ended_by_the_database_and_its_command_may_be_sent_again()
    {
        await using var service = await CounterService.StartAsync(servers, 2, ("Mesh:Database:IdleInTransactionSeconds", "1"));
        using var hanging = service.Client(0);
        using var other = service.Client(1);
        await other.PostAsync("/gorenjska/counter/hang", "member", new { label = "x" });
        var hangs = hanging.PostAsync("/gorenjska/counter/hang/count", "member", new { label = "hang" });
        await Eventually.Is(
            () => service.NumberAsync("select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'"), sessions => sessions > 0);

        var answer = await Eventually.Is(
            () => other.PostAsync("/gorenjska/counter/hang/count", "member", new { label = "x" }), a => a.Status == HttpStatusCode.OK, 60);
        Counter.Goes.Set();

        Assert.Equal(2, (int)answer.Body!["count"]!);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await hangs).Status);
        Assert.Equal(2, await service.NumberAsync("select count(*) from mt_events where stream_id = 'hang' and type = 'kki.counter.counted.v2'"));
    }

    [Fact]
    public async Task A_service_with_few_connections_has_no_more_and_no_errors_but_503()
    {
        const int pool = 8, writers = 48, each = 6;
        await using var service = await CounterService.StartAsync(servers, settings: ("Mesh:Database:PoolSize", $"{pool}"));
        using var client = service.Client();
        var most = 0L;
        // One connection for all of it: the server ends a connection after the client does, and counts it until then.
        await using var watch = await service.ConnectAsync();
        using var done = new CancellationTokenSource();
        var watching = Task.Run(async () =>
        {
            await using var count = new NpgsqlCommand(
                "select count(*) from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()", watch);
            while (!done.IsCancellationRequested)
                most = Math.Max(most, (long)(await count.ExecuteScalarAsync())!);
        });

        var answers = await Task.WhenAll(Enumerable.Range(0, writers).Select(async writer =>
        {
            // What is not there yet cannot be counted.
            await Eventually.Is(
                () => client.PostAsync($"/gorenjska/counter/w{writer}", "member", new { label = "x" }, $"begin-{writer}"),
                begun => begun.Status != HttpStatusCode.ServiceUnavailable,
                120);
            var mine = new List<HttpStatusCode>();
            for (var i = 0; i < each; i++)
                mine.Add((await client.PostAsync($"/gorenjska/counter/w{writer}/count", "member", new { label = "x" })).Status);
            return mine;
        }));
        await done.CancelAsync();
        await watching;

        Assert.All(answers.SelectMany(a => a), s => Assert.Contains(s, new[] { HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable }));
        Assert.Contains(HttpStatusCode.OK, answers.SelectMany(a => a));
        // The pool, and the relay leader's own: docs/operate.md. Those of Place are none, since it creates databases
        // elsewhere.
        Assert.InRange(most, 2, DatabaseSettings.ConnectionsOf(pool));
    }

    [Fact]
    public async Task Events_that_take_long_leave_connections_for_commands()
    {
        using var go = new ManualResetEventSlim();
        await using var service = await CounterService.StartAsync(servers, settings: ("Mesh:Database:PoolSize", "8"));
        using var client = service.Client();
        service.Fault = _ =>
        {
            go.Wait(TimeSpan.FromMinutes(2));
            return null;
        };
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        for (var number = 0; number < 20; number++)
            await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Heard($"e{number}", $"ear-{number}", number));
        await Eventually.Is(
            () => service.NumberAsync("select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'"),
            reactions => reactions >= 4);

        var answer = await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });

        go.Set();
        Assert.Equal(HttpStatusCode.Created, answer.Status);
        await Eventually.Is(() => service.NumberAsync("select count(*) from mt_streams where id like 'ear-%'"), ears => ears == 20);
    }
}
