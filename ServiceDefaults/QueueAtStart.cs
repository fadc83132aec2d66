using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Where queues are quorum queues: asks the broker for its version, makes the queue, and reads back that it never drops
/// an event for having been delivered often. A service whose queue would does not start.
/// </summary>
internal sealed class QueueAtStart(ServiceQueue queue, Func<CancellationToken, Task<IConnection>> connect, Uri broker, ILogger<QueueAtStart> log)
    : IHostedService
{
    private const int MaxAttempts = 60;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!queue.IsQuorum || !queue.Exists)
            return;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await PrepareAsync(cancellationToken);
                return;
            }
            catch (Exception e) when (attempt < MaxAttempts && e is not (QueueRefusedException or OperationCanceledException))
            {
                log.LogWarning("The broker is not there yet ({Attempt} of {MaxAttempts}): {Reason}", attempt, MaxAttempts, e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            }
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task PrepareAsync(CancellationToken ct)
    {
        await using var connection = await connect(ct);
        await queue.DeclareAsync(connection, ct);
        var virtualHost = broker.AbsolutePath is "/" or "" ? "/" : Uri.UnescapeDataString(broker.AbsolutePath[1..]);
        if (await queue.LimitAsync(virtualHost, ct) is { } fault)
            throw new QueueRefusedException(fault);
    }
}

/// <summary>A queue would drop events: the service does not run with it.</summary>
internal sealed class QueueRefusedException(string message) : Exception(message);
