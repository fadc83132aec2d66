using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace KkiMesh.ServiceDefaults;

/// <summary>The mesh's own traces and metrics; what libraries measure comes from themselves.</summary>
internal static class MeshTelemetry
{
    public const string Name = "KkiMesh";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);

    private static readonly Counter<long> Commands =
        Meter.CreateCounter<long>("mesh.commands", description: "Commands by operation and outcome: done, replayed, refused.");

    private static readonly UpDownCounter<long> WaitingCommands =
        Meter.CreateUpDownCounter<long>("mesh.commands.waiting", description: "Commands that wait to be saved with the next group.");

    private static readonly Counter<long> Duplicates =
        Meter.CreateCounter<long>("mesh.inbox.duplicates", description: "Deliveries that had taken effect before.");

    private static readonly Counter<long> Failures =
        Meter.CreateCounter<long>("mesh.consumer.failures", description: "Attempts of a reaction that failed, by event type and kind.");

    private static readonly Counter<long> Missed =
        Meter.CreateCounter<long>("mesh.reconcile.taken", description: "Events that had not come and were taken from their publisher's history.");

    private static readonly Counter<long> Obsolete =
        Meter.CreateCounter<long>("mesh.inbox.obsolete", description: "Deliveries that a restore of their publisher's database took back.");

    private static readonly Counter<long> Published =
        Meter.CreateCounter<long>("mesh.relay.published", description: "Events confirmed by the broker.");

    private static readonly Histogram<double> Delay =
        Meter.CreateHistogram<double>("mesh.relay.delay", "s", "From the commit of an event to the broker's confirm.");

    private static readonly Counter<long> SkippedHoles = Meter.CreateCounter<long>(
        "mesh.relay.holes", description: "Ranges of sequence numbers that the relay passed, since the transactions that had drawn them were rolled back.");

    private static readonly Counter<long> Unread = Meter.CreateCounter<long>(
        "mesh.relay.unreadable", description: "Stored events that the relay passed since they cannot be read.");

    private static long _lag;
    private static long _closed;
    private static double _held;
    private static double _clockAhead;

    static MeshTelemetry()
    {
        Meter.CreateObservableGauge(
            "mesh.relay.lag", () => Interlocked.Read(ref _lag), description: "Stored events that the relay has not yet passed.");
        Meter.CreateObservableGauge(
            "mesh.streams.closed", () => Interlocked.Read(ref _closed), description: "Streams that are closed until an operator has mended them.");
        Meter.CreateObservableGauge(
            "mesh.clock.ahead", () => Volatile.Read(ref _clockAhead), "s", "How far this replica's clock is ahead of the database's; below 0, behind.");
        Meter.CreateObservableGauge(
            "mesh.retention.held", () => Volatile.Read(ref _held), "s", "How far the database's clock is ahead of the time up to which things are forgotten.");
    }

    public static void Command(string operation, string outcome) =>
        Commands.Add(1, new("operation", operation), new KeyValuePair<string, object?>("outcome", outcome));

    public static void Waiting(int more) => WaitingCommands.Add(more);

    public static void Duplicate(string type) => Duplicates.Add(1, new KeyValuePair<string, object?>("type", type));

    public static void Failure(string type, string kind) =>
        Failures.Add(1, new("type", type), new KeyValuePair<string, object?>("kind", kind));

    public static void Reconciled(string publisher, long events) => Missed.Add(events, new KeyValuePair<string, object?>("publisher", publisher));

    public static void ObsoleteDelivery(string type) => Obsolete.Add(1, new KeyValuePair<string, object?>("type", type));

    public static void Relayed(TimeSpan delay)
    {
        Published.Add(1);
        Delay.Record(delay.TotalSeconds);
    }

    public static void ClockAhead(TimeSpan ahead) => Volatile.Write(ref _clockAhead, ahead.TotalSeconds);

    public static void Held(TimeSpan ahead) => Volatile.Write(ref _held, ahead.TotalSeconds);

    public static void HolePassed() => SkippedHoles.Add(1);

    public static void Unreadable() => Unread.Add(1);

    public static void Closed(long streams) => Interlocked.Exchange(ref _closed, streams);

    public static void Lag(long events) => Interlocked.Exchange(ref _lag, events);

    /// <summary>A transaction of several commands, which belongs to the traces of all of them.</summary>
    public static Activity? Group(IReadOnlyList<WaitingCommand> commands) => Source.StartActivity(
        "commands", ActivityKind.Internal, default(ActivityContext), links: commands.SelectMany(c => Link(c.Cause.TraceParent)));

    private static IEnumerable<ActivityLink> Link(string? traceParent) =>
        ActivityContext.TryParse(traceParent, null, out var context) ? [new ActivityLink(context)] : [];

    /// <summary>Continues the trace that an event carries.</summary>
    public static Activity? Continue(string name, ActivityKind kind, string? traceParent) =>
        Source.StartActivity(
            name, kind, ActivityContext.TryParse(traceParent, null, isRemote: true, out var parent) ? parent : default);
}
