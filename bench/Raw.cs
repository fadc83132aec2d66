using System.Collections.Concurrent;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace KkiMesh.Bench;

/// <summary>
/// RabbitMQ.Client alone: a durable queue that is read and acknowledged, and bytes that are published and confirmed.
/// </summary>
internal sealed class RawRabbit : IAsyncDisposable
{
    private const string Exchange = "kki.events";
    private const string Queue = "bench.raw";
    private readonly IConnection _reading;
    private readonly IConnection _writing;
    private readonly IChannel _reader;
    private readonly IChannel _writer;
    private readonly Countdown _countdown = new();
    private ConcurrentQueue<byte[]>? _keep;

    private RawRabbit(IConnection reading, IConnection writing, IChannel reader, IChannel writer) =>
        (_reading, _writing, _reader, _writer) = (reading, writing, reader, writer);

    /// <summary>Binds the queue.</summary>
    /// <param name="address">The virtual host's address.</param>
    /// <param name="pattern">What it is bound with.</param>
    /// <param name="reads">Whether it is read, too; else it only keeps what comes.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<RawRabbit> StartAsync(Uri address, string pattern, bool reads, CancellationToken ct)
    {
        var factory = new ConnectionFactory { Uri = address };
        var reading = await factory.CreateConnectionAsync(ct);
        var writing = await factory.CreateConnectionAsync(ct);
        var rabbit = new RawRabbit(
            reading,
            writing,
            await reading.CreateChannelAsync(cancellationToken: ct),
            await writing.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), ct));
        await rabbit._reader.ExchangeDeclareAsync(Exchange, "topic", durable: true, cancellationToken: ct);
        await rabbit._reader.QueueDeclareAsync(Queue, durable: true, exclusive: false, autoDelete: false, cancellationToken: ct);
        await rabbit._reader.QueueBindAsync(Queue, Exchange, pattern, cancellationToken: ct);
        await rabbit._reader.BasicQosAsync(0, 500, false, ct);
        var consumer = new AsyncEventingBasicConsumer(rabbit._reader);
        consumer.ReceivedAsync += rabbit.Take;
        if (reads)
            await rabbit._reader.BasicConsumeAsync(Queue, autoAck: false, consumer, ct);
        return rabbit;
    }

    /// <summary>Throws away what the queue has kept.</summary>
    public Task EmptyAsync(CancellationToken ct) => _reader.QueuePurgeAsync(Queue, ct);

    /// <summary>Ends when this many more messages were read and acknowledged.</summary>
    public Task<Passage> HasReadAsync(int messages) => _countdown.BeginAsync(messages);

    /// <summary>Keeps the bodies that come from now on.</summary>
    public ConcurrentQueue<byte[]> Keep() => _keep = [];

    /// <summary>Publishes bodies, pipelined, and ends when each is confirmed.</summary>
    public Task PublishAsync(IEnumerable<byte[]> bodies, string routingKey, CancellationToken ct)
    {
        var properties = new BasicProperties { Persistent = true, ContentType = "application/cloudevents+json" };
        return Task.WhenAll(bodies.Select(body => _writer.BasicPublishAsync(Exchange, routingKey, mandatory: false, properties, body, ct).AsTask()));
    }

    public async ValueTask DisposeAsync()
    {
        await _reader.DisposeAsync();
        await _writer.DisposeAsync();
        await _reading.DisposeAsync();
        await _writing.DisposeAsync();
    }

    private async Task Take(object sender, BasicDeliverEventArgs delivery)
    {
        _keep?.Enqueue(delivery.Body.ToArray());
        await _reader.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        _countdown.One();
    }
}

/// <summary>Npgsql alone: one row a transaction.</summary>
internal sealed class RawPostgres : IAsyncDisposable
{
    private readonly List<(NpgsqlConnection Connection, NpgsqlCommand Insert)> _writers = [];

    public static async Task<RawPostgres> StartAsync(string database, int writers, CancellationToken ct)
    {
        var postgres = new RawPostgres();
        for (var i = 0; i < writers; i++)
        {
            var connection = new NpgsqlConnection(database);
            await connection.OpenAsync(ct);
            if (i == 0)
            {
                await using var create = new NpgsqlCommand("create table if not exists bench_rows (id uuid primary key, body text not null)", connection);
                await create.ExecuteNonQueryAsync(ct);
            }

            var insert = new NpgsqlCommand("insert into bench_rows values ($1, $2)", connection) { Parameters = { new NpgsqlParameter<Guid>(), new NpgsqlParameter<string>() } };
            await insert.PrepareAsync(ct);
            postgres._writers.Add((connection, insert));
        }

        return postgres;
    }

    /// <summary>Commits a row, on the writer's own connection.</summary>
    public Task CommitAsync(int writer, string body, CancellationToken ct)
    {
        var insert = _writers[writer].Insert;
        ((NpgsqlParameter<Guid>)insert.Parameters[0]).TypedValue = Guid.CreateVersion7();
        ((NpgsqlParameter<string>)insert.Parameters[1]).TypedValue = body;
        return insert.ExecuteNonQueryAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (connection, insert) in _writers)
        {
            await insert.DisposeAsync();
            await connection.DisposeAsync();
        }
    }
}
