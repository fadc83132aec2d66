using System.Diagnostics.Metrics;
using System.Net;
using KkiMesh.TestKit;
using Npgsql;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>
/// Whatever the database's operator has to mend is waited for: nothing is parked, and nobody gets a 500.
/// </summary>
public sealed class OutageTests(TestServers servers)
{
    private const string Path = "/gorenjska/counter/a";

    [Fact]
    public async Task A_read_only_database_parks_nothing_and_what_came_meanwhile_takes_effect_once()
    {
        await using var service = await CounterService.StartAsync(servers);
        var name = new NpgsqlConnectionStringBuilder(await service.Place.DatabaseAsync("counter")).Database;
        await GoesThroughAsync(
            service,
            servers.Servers.Postgres,
            $"""alter database "{name}" set default_transaction_read_only = on""",
            $"""alter database "{name}" reset default_transaction_read_only""");
    }

    [Fact]
    public async Task A_rejected_role_parks_nothing_and_what_came_meanwhile_takes_effect_once()
    {
        await using var role = new OwnRole(servers.Servers.Postgres);
        await using var service = await CounterService.StartAsync(servers, prepare: role.CreateAsync);
        await GoesThroughAsync(service, servers.Servers.Postgres, $"alter role {role.Name} nologin", $"alter role {role.Name} login");
    }

    [Fact]
    public async Task A_privilege_that_was_taken_away_parks_nothing_and_what_came_meanwhile_takes_effect_once()
    {
        await using var role = new OwnRole(servers.Servers.Postgres);
        await using var service = await CounterService.StartAsync(servers, prepare: role.CreateAsync);
        await GoesThroughAsync(
            service,
            await service.Place.DatabaseAsync("counter"),
            $"revoke all on all tables in schema public from {role.Name}",
            $"grant all on all tables in schema public to {role.Name}");
    }

    // Events flow and commands come before, while and after the database is broken.
    private static async Task GoesThroughAsync(CounterService service, string administrator, string breaks, string mends)
    {
        const int Ears = 4, Each = 10;
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        using var client = service.Client();
        using var outages = new Outages();
        Assert.Equal(HttpStatusCode.Created, (await client.PostAsync(Path, "member", new { label = "x" })).Status);
        await PublishAsync(0, Each);

        await DoAndDisconnectAsync(service, administrator, breaks);
        await PublishAsync(Each, 2 * Each);
        var refused = await Task.WhenAll(Enumerable.Range(0, 5).Select(n => client.PostAsync($"{Path}/count", "member", new { label = "x" }, $"key-{n}")));
        await Eventually.Is(() => Task.FromResult(outages.Count), n => n >= 10);
        // What stops commands is told.
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/health")).Status);
        Assert.All(refused, answer => Assert.Equal((HttpStatusCode.ServiceUnavailable, true), (answer.Status, answer.Headers.RetryAfter is not null)));

        await DoAndDisconnectAsync(service, administrator, mends);
        await PublishAsync(2 * Each, 3 * Each);
        for (var ear = 0; ear < Ears; ear++)
            Assert.Equal(Enumerable.Range(0, 3 * Each), await Eventually.Is(() => service.NumbersAsync($"ear{ear}"), n => n.Count >= 3 * Each, 60));
        for (var n = 0; n < 5; n++)
        {
            await Eventually.Is(() => client.PostAsync($"{Path}/count", "member", new { label = "x" }, $"key-{n}"), a => a.Status == HttpStatusCode.OK);
            Assert.Equal(n + 2, (int)(await client.PostAsync($"{Path}/count", "member", new { label = "x" }, $"key-{n}")).Body!["count"]!);
        }

        Assert.Equal(0, await service.NumberAsync("select count(*) from parked_events"));

        async Task PublishAsync(int from, int to)
        {
            for (var number = from; number < to; number++)
            {
                for (var ear = 0; ear < Ears; ear++)
                    await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Heard($"{ear}-{number}", $"ear{ear}", number));
            }
        }
    }

    // Sessions that are open keep what they had: they are ended.
    private static async Task DoAndDisconnectAsync(CounterService service, string administrator, string sql)
    {
        var name = new NpgsqlConnectionStringBuilder(await service.Place.DatabaseAsync("counter")).Database;
        await ExecuteAsync(administrator, sql);
        await ExecuteAsync(service.Place.Servers.Postgres, $"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
    }

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { Pooling = false });
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>A role that owns the service's database; gone when it is disposed, after the database.</summary>
    private sealed class OwnRole(string administrator) : IAsyncDisposable
    {
        public string Name { get; } = $"r{Guid.NewGuid():N}";

        public async Task<string?> CreateAsync(Place place)
        {
            var settings = new NpgsqlConnectionStringBuilder(await place.DatabaseAsync("counter"));
            await ExecuteAsync(administrator, $"""create role {Name} login password 'of a test'; alter database "{settings.Database}" owner to {Name}""");
            await ExecuteAsync(settings.ConnectionString, $"alter schema public owner to {Name}");
            settings.Username = Name;
            settings.Password = "of a test";
            return settings.ConnectionString;
        }

        public async ValueTask DisposeAsync() => await ExecuteAsync(administrator, $"drop role {Name}");
    }

    /// <summary>Counts attempts that met an outage, as operators see them in the metric.</summary>
    private sealed class Outages : IDisposable
    {
        private readonly MeterListener _listener = new();
        private int _count;

        public Outages()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "mesh.consumer.failures")
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
            {
                foreach (var tag in tags)
                {
                    if (tag is { Key: "kind", Value: "outage" })
                        Interlocked.Increment(ref _count);
                }
            });
            _listener.Start();
        }

        public int Count => Volatile.Read(ref _count);

        public void Dispose() => _listener.Dispose();
    }
}
