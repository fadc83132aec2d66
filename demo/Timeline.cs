using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Spectre.Console;

namespace KkiMesh.Demo;

/// <summary>Listens as any integrator would, with an AMQP client alone, and shows each event as it comes.</summary>
internal sealed class Timeline : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly Dictionary<string, string> Colors = new()
    {
        ["registry"] = "mediumpurple1",
        ["challenges"] = "deepskyblue1",
        ["matchmaking"] = "springgreen2",
        ["helpdesk"] = "orange1",
        ["funding"] = "gold1",
    };

    private readonly ConcurrentDictionary<string, JsonNode> _events = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly IConnection _connection;
    private readonly IChannel _channel;

    private Timeline(IConnection connection, IChannel channel) => (_connection, _channel) = (connection, channel);

    /// <summary>How many events of a type came for a challenge.</summary>
    public int Count(string type, string challenge) => Count(type, OfChallenge(challenge));

    /// <summary>The ids of a thread's events.</summary>
    public HashSet<string> Thread(string correlation) =>
        _events.Values.Where(e => (string?)e["correlationid"] == correlation).Select(e => (string)e["id"]!).ToHashSet(StringComparer.Ordinal);

    public static async Task<Timeline> ListenAsync(Uri address)
    {
        var connection = await new ConnectionFactory { Uri = address }.CreateConnectionAsync();
        var timeline = new Timeline(connection, await connection.CreateChannelAsync());
        var queue = $"{Uri.UnescapeDataString(address.UserInfo).Split(':')[0]}.demo-{Guid.NewGuid():N}";
        await timeline._channel.QueueDeclareAsync(queue, durable: false, exclusive: true, autoDelete: true);
        await timeline._channel.QueueBindAsync(queue, "kki.events", "gorenjska.#");
        var consumer = new AsyncEventingBasicConsumer(timeline._channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            timeline.Take(JsonNode.Parse(delivery.Body.Span)!);
            return Task.CompletedTask;
        };
        await timeline._channel.BasicConsumeAsync(queue, autoAck: true, consumer);
        return timeline;
    }

    /// <summary>Waits until so many events of a type came for a challenge.</summary>
    public Task Expect(string type, string challenge, int count = 1) => Expect(type, OfChallenge(challenge), count);

    /// <summary>Waits until so many events of a type came whose data are these.</summary>
    public async Task Expect(string type, Func<JsonNode, bool> these, int count = 1)
    {
        using var timeout = new CancellationTokenSource(Patience);
        while (Count(type, these) < count)
        {
            try
            {
                await _arrived.WaitAsync(timeout.Token);
            }
            catch (OperationCanceledException)
            {
                throw new DemoException($"{count} × {type} did not come within {Patience.TotalSeconds} s.");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _channel.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private static Func<JsonNode, bool> OfChallenge(string challenge) => data => (string?)data["challengeId"] == challenge;

    private static string Name(JsonNode e) => ((string)e["type"]!).Split('.')[2];

    private int Count(string type, Func<JsonNode, bool> these) => _events.Values.Count(e => Name(e) == type && these(e["data"]!));

    private void Take(JsonNode e)
    {
        // At least once is the promise; the id says what was seen before.
        if (!_events.TryAdd((string)e["id"]!, e))
            return;
        var service = ((string)e["type"]!).Split('.')[1];
        var cause = _events.TryGetValue((string?)e["causationid"] ?? "", out var by) ? Name(by) : "a command";
        var figure = e["data"]?["amount"]?["amount"] is { } cents ? $"{(long)cents / 100m:N2} EUR" : e["data"]?["score"] is { } score ? $"score {score}" : "";
        var color = Colors.GetValueOrDefault(service, "white");
        AnsiConsole.MarkupLine(
            $"  [grey]{DateTimeOffset.Parse((string)e["time"]!, System.Globalization.CultureInfo.InvariantCulture):HH:mm:ss.fff}[/] [{color}]{service,-11}[/] [bold]{Name(e),-28}[/] {Short((string)e["subject"]!),-9} {figure,14}  [grey]because of {cause}[/]");
        _arrived.Release();
    }

    private static string Short(string subject) => subject.Length > 9 ? "…" + subject[^8..] : subject;
}
