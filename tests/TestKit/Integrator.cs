using System.Collections.Concurrent;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace KkiMesh.TestKit;

/// <summary>A message as it came.</summary>
/// <param name="RoutingKey">Its routing key.</param>
/// <param name="ContentType">Its content type.</param>
/// <param name="Headers">Its headers.</param>
/// <param name="Body">Its bytes.</param>
public sealed record Received(string RoutingKey, string? ContentType, IReadOnlyDictionary<string, object?> Headers, byte[] Body);

/// <summary>
/// A program of somebody else, written with RabbitMQ.Client alone: it reads by a pattern, and publishes.
/// </summary>
public sealed class Integrator : IAsyncDisposable
{
    private readonly IConnection _connection;
    private readonly IChannel _channel;

    private Integrator(IConnection connection, IChannel channel) => (_connection, _channel) = (connection, channel);

    /// <summary>Its queue's name.</summary>
    public string Queue { get; private set; } = "";

    /// <summary>What came so far, in order.</summary>
    public ConcurrentQueue<Received> Messages { get; } = new();

    /// <summary>Listens.</summary>
    public static async Task<Integrator> ListenAsync(Uri address, string pattern)
    {
        var connection = await new ConnectionFactory { Uri = address }.CreateConnectionAsync();
        var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        var integrator = new Integrator(connection, channel);
        await channel.ExchangeDeclareAsync("kki.events", "topic", durable: true);
        var queue = await channel.QueueDeclareAsync();
        integrator.Queue = queue.QueueName;
        await channel.QueueBindAsync(queue.QueueName, "kki.events", pattern);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, d) =>
        {
            integrator.Messages.Enqueue(new Received(
                d.RoutingKey, d.BasicProperties.ContentType, d.BasicProperties.Headers?.ToDictionary() ?? [], d.Body.ToArray()));
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(queue.QueueName, autoAck: true, consumer);
        return integrator;
    }

    /// <summary>Publishes to the mesh's exchange, confirmed.</summary>
    public ValueTask PublishAsync(string routingKey, byte[] body) => _channel.BasicPublishAsync(
        "kki.events", routingKey, mandatory: true, new BasicProperties { ContentType = "application/cloudevents+json", Persistent = true }, body);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _channel.DisposeAsync();
        await _connection.DisposeAsync();
    }
}
