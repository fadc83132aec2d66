using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;

namespace KkiMesh.ServiceDefaults.Tests;

public sealed class RepublishTests(TestServers servers)
{
    private const string Path = "/gorenjska/counter/events/republish";

    [Fact]
    public async Task History_is_published_again_to_all_or_to_one_queue_with_progress_and_in_the_access_log()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "gorenjska.counter.counted.v2");
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        for (var i = 0; i < 4; i++)
            await ReconcileTests.CountAsync(client, "a");
        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n == 5);
        var first = integrator.Messages.Select(Events.Read).ToList();
        await using var other = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");

        var lines = await RepublishAsync(service, "?type=kki.counter.counted.v2&perSecond=5");
        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n == 10);
        Assert.Equal(first.Select(e => e.Id), integrator.Messages.Skip(5).Select(Events.Read).Select(e => e.Id));
        Assert.Equal([1, 2, 3, 4, 5], lines.Select(l => (int)l["published"]!));
        Assert.Equal([false, false, false, false, true], lines.Select(l => (bool)l["isDone"]!));

        // After a position, and to one queue only; under its older contract it is another event.
        await RepublishAsync(service, $"?after={(string)first[2]["kkiposition"]!}&to={other.Queue}");
        await Eventually.Is(() => Task.FromResult(other.Messages.Count), n => n == 4);
        Assert.Equal([.. first.Skip(3).SelectMany(e => (string[])[e.Id!, e.Id + ".v1"])], other.Messages.Select(Events.Read).Select(e => e.Id!));
        Assert.Equal(10, integrator.Messages.Count);
        var log = await client.GetAsync("/gorenjska/counter/access-log", "auditor");
        Assert.Equal(2, log.Body!["items"]!.AsArray().Count(a => (string?)a!["path"] == Path));
    }

    [Theory]
    [InlineData("?to=nobody-has-it", 404, "to")]
    [InlineData("?to=", 400, "to")]
    [InlineData("?perSecond=0", 400, "perSecond")]
    [InlineData("?perSecond=5001", 400, "perSecond")]
    [InlineData("?after=x", 400, "after")]
    public async Task What_cannot_be_published_again_is_refused(string query, int status, string field)
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();

        var refused = await client.SendAsync(HttpMethod.Post, Path + query, "operator");

        Assert.Equal(status, (int)refused.Status);
        Assert.NotNull(refused.Body!["errors"]![field]);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.SendAsync(HttpMethod.Post, Path, "integrator")).Status);
        Assert.Equal(HttpStatusCode.Gone, (await client.SendAsync(HttpMethod.Post, $"{Path}?after=221", "operator")).Status);
    }

    internal static async Task<List<JsonNode>> RepublishAsync(CounterService service, string query)
    {
        using var http = new HttpClient { BaseAddress = new Uri(service.Address) };
        using var request = new HttpRequestMessage(HttpMethod.Post, Path + query);
        request.Headers.Authorization = new("Bearer", service.Place.Issuer.Token("operator", "gorenjska"));
        using var answer = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var text = await answer.Content.ReadAsStringAsync();
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
    }
}
