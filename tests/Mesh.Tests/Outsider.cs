using System.Text.Json.Nodes;
using KkiMesh.AppHost;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// A program of somebody else with a durable queue, who reads it late. It compares nothing with anybody's history: what
/// the mesh says was confirmed has to be in its queue, or it was lost.
/// </summary>
internal sealed class Outsider : IAsyncDisposable
{
    private const int WaitSeconds = 120;
    private readonly Servers _servers;
    private readonly string _queue = $"outsider.{Guid.NewGuid():N}";

    private Outsider(Servers servers) => _servers = servers;

    /// <summary>Begins to keep what is published.</summary>
    public static async Task<Outsider> BeginAsync(Servers servers)
    {
        var outsider = new Outsider(servers);
        await using var connection = await outsider.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.ExchangeDeclareAsync("kki.events", "topic", durable: true);
        await channel.QueueDeclareAsync(outsider._queue, durable: true, exclusive: false, autoDelete: false);
        await channel.QueueBindAsync(outsider._queue, "kki.events", "gorenjska.#");
        return outsider;
    }

    /// <summary>Reads until these events have come.</summary>
    /// <returns>Those that did not.</returns>
    public async Task<IReadOnlyList<string>> ReadAsync(IReadOnlyCollection<string> expected)
    {
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        var end = TimeProvider.System.GetUtcNow().AddSeconds(WaitSeconds);
        var missing = expected.ToHashSet(StringComparer.Ordinal);
        while (missing.Count > 0 && TimeProvider.System.GetUtcNow() < end)
        {
            if (await channel.BasicGetAsync(_queue, autoAck: true) is { } message)
                missing.Remove((string)JsonNode.Parse(message.Body.Span)!["id"]!);
            else
                await Task.Delay(100);
        }

        return [.. missing];
    }

    /// <summary>Takes its queue away; a broker that does not answer has failed the test already.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await using var connection = await ConnectAsync();
            await using var channel = await connection.CreateChannelAsync();
            await channel.QueueDeleteAsync(_queue);
        }
        catch (BrokerUnreachableException)
        {
            // The queue goes with the broker's folder.
        }
    }

    private Task<IConnection> ConnectAsync() => new ConnectionFactory { Uri = _servers.RabbitMq }.CreateConnectionAsync();
}
