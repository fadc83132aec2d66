using System.Runtime.CompilerServices;
using MassTransit;
using MassTransit.RabbitMqTransport;
using Microsoft.Extensions.Hosting;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Keeps deliveries of one stream in the order of the queue while streams go side by side. A broker hands deliveries to
/// parallel workers, and which worker is first here is chance; the delivery tags, which count up without a gap on a
/// channel, are not.
/// </summary>
/// <param name="closed">
/// Cancelled when the channel is gone: its deliveries come again on another
/// one, and one that never came here would else
/// keep those behind it for ever.
/// </param>
internal sealed class Lanes(CancellationToken closed)
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<ulong, (string Key, string? Id, TaskCompletionSource<Lane> Entered)> _early = [];
    private readonly Dictionary<string, Line> _lines = [];
    private readonly HashSet<string> _inHand = new(StringComparer.Ordinal);
    private ulong _next = 1;

    /// <summary>Whatever is done for a delivery ends with its channel.</summary>
    public CancellationToken Closed => closed;

    /// <summary>What has entered and is not done, by <see cref="NameOf"/>.</summary>
    public IReadOnlySet<string> InHand()
    {
        lock (_lock)
            return new HashSet<string>(_inHand, StringComparer.Ordinal);
    }

    /// <summary>An event's name among those in hand: its source and id.</summary>
    public static string NameOf(CloudEvent e) => $"{e.Source}\n{e.Id}";

    /// <summary>Waits for its turn. Dispose what is returned when the work is done.</summary>
    /// <param name="tag">The delivery tag: 1, 2, 3… on this channel, each entered exactly once.</param>
    /// <param name="key">The stream.</param>
    /// <param name="name">The event's name; null if it cannot be read.</param>
    /// <param name="ct">Gives up this delivery.</param>
    public async Task<Lane> EnterAsync(ulong tag, string key, string? name = null, CancellationToken ct = default)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct, closed);
        var entered = new TaskCompletionSource<Lane>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _early.Add(tag, (key, name, entered));
            while (_early.Remove(_next, out var first))
            {
                first.Entered.SetResult(Append(first.Key, first.Id));
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

    private Lane Append(string key, string? name)
    {
        if (!_lines.TryGetValue(key, out var line))
            _lines[key] = line = new Line();
        var lane = new Lane(this, key, name, line, line.Tail);
        line.Tail = lane.Done.Task;
        if (name is not null)
            _inHand.Add(name);
        return lane;
    }

    private void Leave(Lane lane)
    {
        lock (_lock)
        {
            if (_lines.TryGetValue(lane.Key, out var line) && line.Tail == lane.Done.Task)
                _lines.Remove(lane.Key);
            if (lane.Name is not null)
                _inHand.Remove(lane.Name);
        }

        lane.Done.TrySetResult();
    }

    /// <summary>A stream with deliveries in hand.</summary>
    internal sealed class Line
    {
        public Task Tail { get; set; } = Task.CompletedTask;

        public bool HasParked { get; set; }
    }

    /// <summary>A delivery's place in its stream.</summary>
    internal sealed class Lane(Lanes lanes, string key, string? name, Line line, Task before) : IDisposable
    {
        public string Key => key;

        public string? Name => name;

        public Task Before => before;

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Whether the delivery before it was parked. Who is first sets it for the next one.</summary>
        public bool HasParked
        {
            get => line.HasParked;
            set => line.HasParked = value;
        }

        public void Dispose() => lanes.Leave(this);
    }
}

/// <summary>
/// Takes each delivery in its stream's order. All that the broker hands out is let in, so that a
/// stream's backlog occupies one worker and other streams pass it. What cannot be taken now goes back
/// with its whole channel, so that the queue's order holds.
/// </summary>
internal sealed class InOrder(Inbox inbox, Reconciler reconciler) : IFilter<ReceiveContext>, IHostedService
{
    /// <summary>
    /// How many deliveries the broker hands out at once: the longest backlog of a stream that others pass.
    /// </summary>
    public const ushort MostInHand = 2048;

    private static readonly TimeSpan LongestClose = TimeSpan.FromSeconds(5);

    private readonly ConditionalWeakTable<ChannelContext, Opened> _channels = [];
    private volatile bool _isStopped;

    private sealed record Opened(Lanes Lanes, CancellationTokenSource Closed);

    /// <summary>
    /// What has entered on open channels and is not done: source and id of each, with a line break between.
    /// </summary>
    public IReadOnlySet<string> InHand() => _channels
        .Where(c => !c.Value.Closed.IsCancellationRequested)
        .SelectMany(c => c.Value.Lanes.InHand())
        .ToHashSet(StringComparer.Ordinal);

    public async Task Send(ReceiveContext context, IPipe<ReceiveContext> next)
    {
        var (e, fault) = Read(context);
        var channel = context.GetPayload<ChannelContext>();
        var opened = _channels.GetValue(channel, Open);
        if (_isStopped)
        {
            // The bus has come back before it was stopped: another replica takes what it gets.
            await DisconnectAsync(channel, opened);
            throw new OperationCanceledException("The service stops.");
        }

        var lanes = opened.Lanes;
        var tag = context.GetPayload<RabbitMqBasicConsumeContext>().DeliveryTag;
        var (stream, name) = e is null ? ("", null) : ($"{e.Source}\n{e.Subject}", Lanes.NameOf(e));
        using var lane = await lanes.EnterAsync(tag, stream, name, context.CancellationToken);
        using var given = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lanes.Closed);
        try
        {
            var request = e?.Type == Reconciler.Request ? Reconciler.Read(e, out fault) : null;
            if (request is not null)
            {
                await reconciler.HandleAsync(request, lanes.InHand(), given.Token);
                return;
            }

            var taken = fault is not null
                ? await inbox.ParkAsync(context.Body.GetBytes(), fault, given.Token)
                : await inbox.HandleAsync(e!, context.Body.GetBytes, isBrief: lane.HasParked, given.Token);
            lane.HasParked = taken == TakenAs.Parked;
        }
        catch
        {
            await CloseAsync(channel, opened.Closed);
            throw;
        }
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("in-order");

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Gives back what is in hand before the bus stops: it would first let another replica have what comes after that.
    /// The connection goes with it: on an open one the bus would begin to consume again, and not stop.
    /// </summary>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        _isStopped = true;
        return Task.WhenAll(_channels.Select(c => DisconnectAsync(c.Key, c.Value)));
    }

    private static Task DisconnectAsync(ChannelContext context, Opened opened) => CloseAsync(
        opened.Closed, () => context.ConnectionContext.Connection.CloseAsync(200, "stopped", LongestClose, abort: true));

    private static Task CloseAsync(ChannelContext context, CancellationTokenSource closed) =>
        CloseAsync(closed, () => context.Channel.CloseAsync(200, "given back", abort: true));

    // Not awaited itself: it may wait for the deliveries that wait for it.
    private static async Task CloseAsync(CancellationTokenSource closed, Func<Task> close)
    {
        if (closed.IsCancellationRequested)
            return;
        _ = Task.Run(close);
        await Task.Delay(LongestClose, closed.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await closed.CancelAsync();
    }

    private static Opened Open(ChannelContext context)
    {
        var closed = new CancellationTokenSource();
        context.Channel.ChannelShutdownAsync += (_, _) => closed.CancelAsync();
        if (!context.Channel.IsOpen)
            closed.Cancel();
        return new Opened(new Lanes(closed.Token), closed);
    }

    // Whatever is wrong with a body, its delivery enters: a tag that is left out would stop the channel.
    private static (CloudEvent? Event, string? Fault) Read(ReceiveContext context)
    {
        try
        {
            return (CloudEvent.Parse(context.Body.GetBytes()), null);
        }
        catch (InvalidCloudEventException fault)
        {
            return (null, fault.Message);
        }
        catch (Exception e)
        {
            return (null, $"The body cannot be read: {e.Message}");
        }
    }
}
