using System.Text.Json.Nodes;
using KkiMesh.AppHost;
using RabbitMQ.Client;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// A program of somebody else with a durable queue, who reads it late. It compares nothing with anybody's history: what the
/// mesh says was confirmed has to be in its queue, or it was lost.
/// </summary>
internal sealed class Outsider(Servers servers)
{
    private const int WaitSeconds = 120;
    private readonly string _queue = $"outsider.{Guid.NewGuid():N}";

    /// <summary>Begins to keep what is published.</summary>
    public async Task BeginAsync()
    {
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.ExchangeDeclareAsync("kki.events", "topic", durable: true);
        await channel.QueueDeclareAsync(_queue, durable: true, exclusive: false, autoDelete: false);
        await channel.QueueBindAsync(_queue, "kki.events", "gorenjska.#");
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

    /// <summary>Takes its queue away.</summary>
    public async Task EndAsync()
    {
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.QueueDeleteAsync(_queue);
    }

    private Task<IConnection> ConnectAsync() => new ConnectionFactory { Uri = servers.RabbitMq }.CreateConnectionAsync();
}
