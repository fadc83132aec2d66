using System.Net;
using KkiMesh.TestKit;
using Microsoft.Extensions.Logging;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>What a service says of its health.</summary>
public sealed class HealthTests(TestServers servers)
{
    [Fact]
    public async Task Without_a_broker_it_is_degraded_and_takes_commands()
    {
        await using var service = await CounterService.StartAsync(servers, place => place with { RabbitMq = new Uri("amqp://guest:guest@127.0.0.1:1/") }, replicas: 1);
        using var client = service.Client();

        var health = await Eventually.Is(() => client.GetAsync("/health"), a => (string?)a.Body!["checks"]!["broker"] == "degraded");
        var begun = await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });

        Assert.Equal((HttpStatusCode.OK, "degraded"), (health.Status, (string?)health.Body!["status"]));
        Assert.Equal(("ready", "ready"), ((string?)health.Body["checks"]!["database"], (string?)health.Body["checks"]!["relay"]));
        Assert.Equal(HttpStatusCode.Created, begun.Status);
    }

    [Fact]
    public async Task An_event_that_has_waited_for_30_seconds_is_told_with_the_lag()
    {
        await using var service = await CounterService.StartAsync(servers, place => place with { RabbitMq = new Uri("amqp://guest:guest@127.0.0.1:1/") }, replicas: 1);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" });

        service.Time.Advance(TimeSpan.FromSeconds(29));
        var before = await client.GetAsync("/health");
        service.Time.Advance(TimeSpan.FromSeconds(2));
        var after = await client.GetAsync("/health");

        Assert.Equal("ready", (string?)before.Body!["checks"]!["relay"]);
        Assert.Equal((HttpStatusCode.OK, "degraded", "degraded"), (after.Status, (string?)after.Body!["status"], (string?)after.Body["checks"]!["relay"]));
        Assert.Equal((3, 31), ((long)after.Body["relay"]!["events"]!, (long)after.Body["relay"]!["waitedSeconds"]!));
    }

    [Fact]
    public async Task Once_all_is_relayed_it_is_ready_again()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });

        service.Time.Advance(TimeSpan.FromMinutes(5));
        var health = await Eventually.Is(() => client.GetAsync("/health"), a => a.IsReady);

        Assert.Equal((0, 0), ((long)health.Body!["relay"]!["events"]!, (long)health.Body["relay"]!["waitedSeconds"]!));
    }

    [Fact]
    public void A_hole_that_the_relay_passes_is_no_warning_and_what_else_the_daemon_warns_of_stays_one()
    {
        var log = new Lines();
        var daemon = new DaemonLog(log);

        daemon.LogWarning("Daemon high water detection is skipping the event sequence range ({Mark}, {Target}] after the gap above {Mark2} was stuck", 1, 2, 1);
        daemon.LogWarning("Daemon high water detection is skipping the sequence gap above {Mark} DESPITE evidence of a live transaction", 1);

        Assert.Equal([LogLevel.Debug, LogLevel.Warning], log.Levels);
    }

    private sealed class Lines : ILogger
    {
        public List<LogLevel> Levels { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Levels.Add(logLevel);
    }
}
