using System.Net;
using KkiMesh.TestKit;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>Whatever is marked as a public event is one, wherever it is declared.</summary>
public sealed class PublicEventTests(TestServers servers)
{
    [Fact]
    public async Task A_public_event_is_published_and_in_the_history_in_whatever_assembly_it_is_declared()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "gorenjska.counter.#");
        using var client = service.Client();

        await client.PostAsync("/gorenjska/counter/one", "member", new { label = "begins" });
        var counted = await client.PostAsync("/gorenjska/counter/one/count", "member", new { label = "measured" });

        Assert.Equal(HttpStatusCode.OK, counted.Status);
        foreach (var type in (string[])["kki.counter.measured.v1", "kki.counter.weighed.v1"])
        {
            await Eventually.Is(
                () => client.GetAsync($"/gorenjska/counter/events?after=0&type={type}", "integrator"),
                a => a.Body?["items"]?.AsArray() is [var one] && (string?)one!["type"] == type, 10);
            var key = $"gorenjska.{type["kki.".Length..]}";
            await Eventually.Is(
                () => Task.FromResult(integrator.Messages.Count(m => m.RoutingKey == key)), n => n == 1, 10);
        }
    }
}
