using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;
using Microsoft.Extensions.Logging;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>A stored event that cannot be read is told of, and all others are read, relayed and learnt.</summary>
public sealed class UnreadableHistoryTests(TestServers servers)
{
    private const string History = "/gorenjska/counter/events";
    private const string Counted = "gorenjska.counter.counted.v2";
    private const string Wrong = """{"counter": "secret", "number": "much", "label": "x"}""";

    private static readonly (string, string) ErrorsAreLogged = ("Logging:LogLevel:KkiMesh.ServiceDefaults", "Error");

    /// <summary>What is no event of its record.</summary>
    public static TheoryData<string> Changes { get; } =
    [
        $"data = '{Wrong}'",
        "data = 'null'",
        "data = '[]'",
        "data = '7'",
        "data = '{}'",
        "headers = '7'",
        "headers = '[1]'",
    ];

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_history_goes_on_past_an_event_that_cannot_be_read_and_tells_which_one_it_is(string change)
    {
        await using var service = await CounterService.StartAsync(servers, 1, ErrorsAreLogged);
        var log = Listen(service);
        using var client = service.Client();
        await CountAsync(client, "a", 5);
        var whole = await ReadAsync(client, "?pageSize=2");
        var id = await ChangeAsync(service, change, "a", 3);

        var read = await ReadAsync(client, "?pageSize=2");

        Assert.Equal(whole.Ids.Where(i => !i.StartsWith(id, StringComparison.Ordinal)), read.Ids);
        string[] both = [$"{id} kki.counter.counted.v2", $"{id}.v1 kki.counter.counted.v1"];
        Assert.Equal(both, read.Unreadable);
        Assert.Empty(whole.Unreadable);
        Assert.Equal(both[1..], (await ReadAsync(client, "?type=kki.counter.counted.v1&correlation=a")).Unreadable);
        Assert.Equal(both, (await ReadAsync(client, $"?id={id}")).Unreadable);
        Assert.Empty((await ReadAsync(client, "?correlation=b")).Unreadable);
        Assert.Single(log.Errors, e => e.Contains(id, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_told_of_an_event_that_cannot_be_read_has_its_place_and_nothing_of_its_data()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await CountAsync(client, "a", 2);
        var id = await ChangeAsync(service, $"data = '{Wrong}'", "a", 2);

        var answer = await client.GetAsync($"{History}?type=kki.counter.counted.v2", "integrator");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var told = Assert.Single(answer.Body!["unreadable"]!.AsArray())!.AsObject();
        Assert.Equal(["id", "type", "position"], told.Select(m => m.Key));
        Assert.Equal((string?)answer.Body!["next"], (string?)told["position"]);
        Assert.Equal(id, (string?)told["id"]);
        Assert.DoesNotContain("much", answer.Body.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_that_cannot_be_read_do_not_hide_the_others()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await CountAsync(client, "a", 30);
        await service.DoAsync($"update mt_events set data = '{Wrong}' where (data ->> 'number')::int % 3 = 0");

        var read = await ReadAsync(client, "?type=kki.counter.counted.v2");

        Assert.Equal((20, 10), (read.Ids.Count, read.Unreadable.Count));
    }

    [Fact]
    public async Task A_picture_is_built_past_an_event_that_cannot_be_read_and_counts_it()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await CountAsync(client, "a", 3);
        await CountAsync(client, "b", 1);
        await ChangeAsync(service, $"data = '{Wrong}'", "a", 3);

        await using var watcher = await WatcherService.StartAsync(service);

        Assert.Equal((2, 1), (await watcher.SeenAsync("a"), await watcher.SeenAsync("b")));
        using var operators = watcher.Client();
        var source = (await operators.GetAsync("/gorenjska/watcher/picture", "operator")).Body!["sources"]!["counter"]!;
        Assert.Equal((3, 1), ((int)source["learnt"]!, (int)source["skipped"]!));
    }

    [Fact]
    public async Task What_a_broker_lost_is_taken_past_an_event_that_cannot_be_read()
    {
        await using var service = await CounterService.StartAsync(servers, 1, ErrorsAreLogged);
        await using var watcher = await WatcherService.StartAsync(service);
        var log = new Heard();
        watcher.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);
        using var client = service.Client();
        await CountAsync(client, "a", 1);
        await Eventually.Is(() => watcher.SeenAsync("a"), n => n == 1);
        await watcher.ComparesAsync();
        await ReconcileTests.UnbindAsync(service.Place, "watcher", "*.counter.counted.v2");
        await CountAsync(client, "b", 3);
        await ReconcileTests.RelayedAsync(service);
        var id = await ChangeAsync(service, $"data = '{Wrong}'", "b", 2);

        service.Time.Advance(TimeSpan.FromSeconds(61));

        await watcher.VerifiedAsync(service);
        Assert.Equal(3, await watcher.SeenAsync("b"));
        Assert.Single(log.Errors, e => e.Contains(id, StringComparison.Ordinal));
    }

    [Fact]
    public async Task History_is_published_again_past_an_event_that_cannot_be_read()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await CountAsync(client, "a", 3);
        await ChangeAsync(service, $"data = '{Wrong}'", "a", 2);

        var lines = await RepublishTests.RepublishAsync(service, "?type=kki.counter.counted.v2");

        Assert.Equal(2, (int)lines[^1]["published"]!);
        Assert.Equal(1, (int)lines[^1]["unreadable"]!);
        Assert.True((bool)lines[^1]["isDone"]!);
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task The_relay_passes_an_event_that_cannot_be_read_and_says_so(string change)
    {
        await using var service = await CounterService.StartAsync(servers, 1, ErrorsAreLogged);
        var log = Listen(service);
        using var passed = new Passed();
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, Counted);
        using var client = service.Client();
        await ChangeAtOnceAsync(service, change, "new.stream_id = 'a' and new.version = 3");

        await CountAsync(client, "a", 3);
        await CountAsync(client, "b", 1);

        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n == 3);
        var came = integrator.Messages.Select(Events.Read).ToList();
        Assert.Equal(["a", "a", "b"], came.Select(e => e.Subject));
        Assert.Equal(await IdAsync(service, "a", 3), (string?)came[1]["kkiprevious"]);
        var number = await service.NumberAsync(
            "select seq_id from mt_events where stream_id = 'a' and version = 3");
        Assert.Contains($"number {number} ", Assert.Single(log.Errors), StringComparison.Ordinal);
        Assert.Equal(1, passed.Count);
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task The_relay_passes_a_private_event_that_cannot_be_read(string change)
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, Counted);
        using var client = service.Client();
        await ChangeAtOnceAsync(service, change, "new.stream_id = 'a' and new.version = 2");

        await CountAsync(client, "a", 3);

        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n == 3);
        Assert.Equal([1, 2, 3], integrator.Messages.Select(m => (int)JsonNode.Parse(m.Body)!["data"]!["number"]!));
    }

    // The first is of its own, each later one has a private event before it: versions 1, 3, 5, …
    private static async Task CountAsync(Client client, string counter, int times)
    {
        await client.PostAsync($"/gorenjska/counter/{counter}", "member", new { label = "x" });
        for (var n = 1; n < times; n++)
            await ReconcileTests.CountAsync(client, counter);
    }

    // The nth public event of a counter; returns its id.
    private static async Task<string> ChangeAsync(CounterService service, string change, string counter, int nth)
    {
        await ReconcileTests.RelayedAsync(service);
        var version = (2 * nth) - 1;
        await service.DoAsync($"update mt_events set {change} where stream_id = '{counter}' and version = {version}");
        return await IdAsync(service, counter, version);
    }

    // Changes what is stored while it is stored, so that the relay has not seen it before.
    private static Task ChangeAtOnceAsync(CounterService service, string change, string where) => service.DoAsync(
        $"""
        create function change() returns trigger language plpgsql as $$ begin new.{change}; return new; end $$;
        create trigger change before insert on mt_events for each row when ({where}) execute function change();
        """);

    private static Task<string> IdAsync(CounterService service, string counter, int version) =>
        service.TextAsync($"select id::text from mt_events where stream_id = '{counter}' and version = {version}");

    private static async Task<(List<string> Ids, List<string> Unreadable)> ReadAsync(Client client, string query)
    {
        var (ids, unreadable) = (new List<string>(), new List<string>());
        for (var (next, until) = ("0", ""); next != until;)
        {
            var answer = await client.GetAsync($"{History}{query}&after={next}", "integrator");
            Assert.Equal(HttpStatusCode.OK, answer.Status);
            ids.AddRange(answer.Body!["items"]!.AsArray().Select(e => (string)e!["id"]!));
            unreadable.AddRange((answer.Body["unreadable"] as JsonArray ?? []).Select(e => $"{e!["id"]} {e["type"]}"));
            (next, until) = ((string)answer.Body["next"]!, (string)answer.Body["until"]!);
        }

        return (ids, unreadable);
    }

    /// <summary>Counts the events that relays passed since they cannot be read.</summary>
    private sealed class Passed : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _count;

        public Passed()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "mesh.relay.unreadable")
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, more, _, _) => Interlocked.Add(ref _count, more));
            _listener.Start();
        }

        public long Count => Interlocked.Read(ref _count);

        public void Dispose() => _listener.Dispose();
    }

    private static Heard Listen(CounterService service)
    {
        var heard = new Heard();
        service.Services().GetRequiredService<ILoggerFactory>().AddProvider(heard);
        return heard;
    }

    /// <summary>The errors that a service logs.</summary>
    private sealed class Heard : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Errors { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (logLevel >= LogLevel.Error)
                Errors.Enqueue(formatter(state, exception));
        }

        public void Dispose()
        {
        }
    }
}
