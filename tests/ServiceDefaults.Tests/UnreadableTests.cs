using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;
using RabbitMQ.Client;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>What comes and is no event: an operator sees each, and none blocks the others.</summary>
public sealed class UnreadableTests(TestServers servers)
{
    private const string Errors = "/gorenjska/counter/errors";

    private static readonly byte[][] Bodies =
    [
        [], [0], [0xFF, 0xFE, 0xFD], "no event"u8.ToArray(), "null"u8.ToArray(), "{}"u8.ToArray(), "[]"u8.ToArray(),
        "{"u8.ToArray(), "\"\\ud800\""u8.ToArray(), [.. Enumerable.Repeat((byte)'[', 5000)],
        """{"messageType":["urn:message:X"],"message":{}}"""u8.ToArray(),
        """{"specversion":"1.0","specversion":"1.0"}"""u8.ToArray(),
        """{"specversion":"0.3","id":"1","source":"/x","type":"x","kkiregion":"gorenjska","data":{}}"""u8.ToArray(),
        """{"specversion":"1.0","id":"2","source":"/x","type":"x","kkiregion":"Gorenjska","data":{}}"""u8.ToArray(),
        """{"specversion":"1.0","id":"3","source":"/x","type":"kki.x.y.v1","kkiregion":"gorenjska"}"""u8.ToArray(),
        Events.Write("unknown", "kki.foreign.unknown.v1", "left", new { }),
        Events.Write("none", "nobody's type", "left", new { }),
        Events.Write("data", "kki.foreign.heard.v1", "left", "no record"),
        Events.Write("request", Reconciler.Request, "left", "no request"),
        Events.Write("nulls", Reconciler.Request, "left", new object?[] { null }),
    ];

    private static readonly BasicProperties[] Headers =
    [
        new(),
        new() { ContentType = "application/cloudevents+json", Persistent = true },
        new() { ContentType = "application/vnd.masstransit+json", ContentEncoding = "nonsense", Type = "nonsense" },
        new()
        {
            ContentType = "nonsense; charset=\"",
            Expiration = "600000",
            Headers = new Dictionary<string, object?> { ["MT-Host"] = 7 },
        },
    ];

    [Fact]
    public async Task Whatever_comes_and_is_no_event_is_shown_once_and_no_queue_has_it_besides()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        using var client = service.Client();

        await PublishAsync(service.Place);
        await integrator.PublishAsync("gorenjska.foreign.heard.v1", Events.Heard("good", "right", 1));

        Assert.Equal([1], await Eventually.Is(() => service.NumbersAsync("right"), n => n.Count > 0));
        var shown = await Eventually.Is(
            () => client.GetAsync($"{Errors}?pageSize=100", "operator"), a => (int?)a.Body?["total"] == Bodies.Length);
        Assert.All(shown.Body!["items"]!.AsArray(), i => Assert.NotEmpty((string)i!["reason"]!));
        Assert.Equal([("counter", 0), (integrator.Queue, 0)], await QueuesAsync(service.Place));
    }

    // Each to the queue itself and to the exchange, with every kind of headers.
    private static async Task PublishAsync(Place place)
    {
        await using var connection = await new ConnectionFactory { Uri = place.RabbitMq }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        foreach (var (body, headers) in Bodies.SelectMany(b => Headers.Select(h => (b, h))))
        {
            await channel.BasicPublishAsync("", "counter", mandatory: true, headers, body);
            await channel.BasicPublishAsync("kki.events", "gorenjska.foreign.heard.v1", mandatory: true, headers, body);
        }
    }

    // All that the broker has there, each with the messages that wait.
    private static async Task<List<(string, int)>> QueuesAsync(Place place)
    {
        using var management = place.Management();
        var queues = await management.GetFromJsonAsync<JsonNode[]>($"/api/queues/{place.Name}?disable_stats=true");
        await using var connection = await new ConnectionFactory { Uri = place.RabbitMq }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        var there = new List<(string, int)>();
        foreach (var name in queues!.Select(q => (string)q["name"]!).OrderBy(n => n == "counter" ? 0 : 1))
            there.Add((name, name == "counter" ? (int)(await channel.QueueDeclarePassiveAsync(name)).MessageCount : 0));
        return there;
    }
}
