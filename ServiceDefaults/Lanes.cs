using System.Runtime.CompilerServices;
using MassTransit;
using MassTransit.RabbitMqTransport;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Keeps deliveries of one stream in the order of the queue while streams go side by side. A broker hands deliveries to
/// parallel workers, and which worker is first here is chance; the delivery tags, which count up without a gap on a
/// channel, are not.
/// </summary>
/// <param name="closed">
/// Cancelled when the channel is gone: its deliveries come again on another one, and one that never came here would else
/// keep those behind it for ever.
/// </param>
internal sealed class Lanes(CancellationToken closed)
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<ulong, (string Key, TaskCompletionSource<Lane> Entered)> _early = [];
    private readonly Dictionary<string, Task> _tails = [];
    private ulong _next = 1;

    /// <summary>Whatever is done for a delivery ends with its channel.</summary>
    public CancellationToken Closed => closed;

    /// <summary>Waits for its turn. Dispose what is returned when the work is done.</summary>
    /// <param name="tag">The delivery tag: 1, 2, 3… on this channel, each entered exactly once.</param>
    /// <param name="key">The stream.</param>
    /// <param name="ct">Gives up this delivery.</param>
    public async Task<IDisposable> EnterAsync(ulong tag, string key, CancellationToken ct = default)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct, closed);
        var entered = new TaskCompletionSource<Lane>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _early.Add(tag, (key, entered));
            while (_early.Remove(_next, out var first))
            {
                first.Entered.SetResult(Append(first.Key));
                _next++;
            }
        }

        try
        {
            var lane = await entered.Task.WaitAsync(patience.Token);
            await lane.Before.WaitAsync(patience.Token);
            return lane;
        }
        catch (OperationCanceledException)
        {
            _ = LeaveInTurnAsync(entered.Task);
            throw;
        }
    }

    private async Task LeaveInTurnAsync(Task<Lane> entered)
    {
        var lane = await entered;
        await lane.Before;
        Leave(lane);
    }

    private Lane Append(string key)
    {
        var lane = new Lane(this, key, _tails.GetValueOrDefault(key, Task.CompletedTask));
        _tails[key] = lane.Done.Task;
        return lane;
    }

    private void Leave(Lane lane)
    {
        lock (_lock)
        {
            if (_tails.TryGetValue(lane.Key, out var tail) && tail == lane.Done.Task)
                _tails.Remove(lane.Key);
        }

        lane.Done.TrySetResult();
    }

    private sealed class Lane(Lanes lanes, string key, Task before) : IDisposable
    {
        public string Key => key;

        public Task Before => before;

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Dispose() => lanes.Leave(this);
    }
}

/// <summary>Reads each delivery once, and lets it into its stream's lane before anything else works on it.</summary>
internal sealed class InOrder : IFilter<ReceiveContext>
{
    private readonly ConditionalWeakTable<ChannelContext, Lanes> _channels = [];

    public async Task Send(ReceiveContext context, IPipe<ReceiveContext> next)
    {
        var (e, fault) = Read(context);
        var lanes = _channels.GetValue(context.GetPayload<ChannelContext>(), LanesOf);
        var tag = context.GetPayload<RabbitMqBasicConsumeContext>().DeliveryTag;
        using var lane = await lanes.EnterAsync(tag, e is null ? "" : $"{e.Source}\n{e.Subject}", context.CancellationToken);
        context.AddOrUpdatePayload(() => lanes, _ => lanes);
        if (e is not null)
            context.AddOrUpdatePayload(() => e, _ => e);
        else
            context.AddOrUpdatePayload(() => fault!, _ => fault!);
        await next.Send(context);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("in-order");

    private static Lanes LanesOf(ChannelContext context)
    {
        var closed = new CancellationTokenSource();
        context.Channel.ChannelShutdownAsync += (_, _) => closed.CancelAsync();
        if (!context.Channel.IsOpen)
            closed.Cancel();
        return new Lanes(closed.Token);
    }

    // Whatever is wrong with a body, its delivery enters: a tag that is left out would stop the channel.
    private static (CloudEvent? Event, InvalidCloudEventException? Fault) Read(ReceiveContext context)
    {
        try
        {
            return (CloudEvent.Parse(context.Body.GetBytes()), null);
        }
        catch (InvalidCloudEventException fault)
        {
            return (null, fault);
        }
        catch (Exception e)
        {
            return (null, new InvalidCloudEventException($"The body cannot be read: {e.Message}", e));
        }
    }
}
