using System.Diagnostics;
using Marten;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// What a reaction works with: the event that it answers is its cause, and whatever it decides is saved together with the
/// inbox record, in one transaction.
/// </summary>
public sealed class Reaction
{
    private readonly Cause _cause;
    private readonly CancellationToken _ct;
    private readonly TimeProvider _time;

    internal Reaction(IDocumentSession session, CloudEvent e, string name, TimeProvider time, CancellationToken ct, bool isSuperseded = false)
    {
        IsSuperseded = isSuperseded;
        (Session, Event, _time, _ct) = (session, e, time, ct);
        _cause = new Cause(e.Region!, name, ServiceDefaults.Cause.Service, e.Id, e.CorrelationId);
    }

    /// <summary>The transaction; for documents of the service's own read models.</summary>
    public IDocumentSession Session { get; }

    /// <summary>The event as it came.</summary>
    public CloudEvent Event { get; }

    /// <summary>
    /// Whether the picture knew a newer event of this stream already: this one comes late (it was parked and sent back, or a
    /// rebuild has read on past it), and what it says may hold no more. Never where the service learns nothing of the stream.
    /// </summary>
    public bool IsSuperseded { get; }

    /// <summary>Now, UTC.</summary>
    public DateTimeOffset Now => _time.GetUtcNow();

    /// <summary>The day that the event counts for, in Europe/Ljubljana.</summary>
    public DateOnly Date => BusinessDate.Of(Event.Time ?? Now);

    /// <summary>Given up: the service stops, or the delivery goes back to the queue.</summary>
    public CancellationToken Cancelled => _ct;

    /// <summary>
    /// Waits until no other reaction of this region decides alone, and keeps the others waiting until this transaction ends.
    /// For who decides on the whole picture: of two side by side, neither would see what the other one learns.
    /// </summary>
    public Task AloneAsync() => Session.TakeTurnsAsync(["picture/alone"], _ct);

    /// <summary>Decides on a stream. A refusal parks the event in the error queue with the refusal's reason.</summary>
    /// <param name="stream">Its key.</param>
    /// <param name="decide">What happens.</param>
    /// <param name="orElse">What happens where there is no such stream; by default the event is parked.</param>
    /// <param name="thread">The thread that it belongs to, where that is not the event's.</param>
    public async Task On<T>(object stream, Func<T, Decision> decide, Func<Decision>? orElse = null, string? thread = null)
        where T : class, IAggregate<T> =>
        Accept(await Session.DecideAsync(
            stream.ToString()!, (T? state) => state is null ? orElse?.Invoke() ?? Refusal.NotFound<T>(stream, Event.Region!) : decide(state), Cause(thread), _time, _ct));

    /// <summary>The same on a stream and a part of it, which is null where there is none yet.</summary>
    public async Task On<T, TPart>(object stream, object part, Func<T, TPart?, Decision> decide, Func<Decision>? orElse = null, string? thread = null)
        where T : class, IAggregate<T>
        where TPart : class, IPart<TPart> =>
        Accept(await Session.DecideAsync<T, TPart>(
            stream.ToString()!,
            part.ToString()!,
            (state, of) => state is null ? orElse?.Invoke() ?? Refusal.NotFound<T>(stream, Event.Region!) : decide(state, of),
            Cause(thread),
            _time,
            _ct));

    /// <summary>The same on two parts of different kinds.</summary>
    public async Task On<T, TPart, TOther>(object stream, object part, object other, Func<T, TPart?, TOther?, Decision> decide)
        where T : class, IAggregate<T>
        where TPart : class, IPart<TPart>
        where TOther : class, IPart<TOther> =>
        Accept(await Session.DecideAsync<T, TPart, TOther>(
            stream.ToString()!,
            part.ToString()!,
            other.ToString()!,
            (state, of, beside) => state is null ? Refusal.NotFound<T>(stream, Event.Region!) : decide(state, of, beside),
            _cause,
            _time,
            _ct));

    private Cause Cause(string? thread) => thread is null ? _cause : _cause with { CorrelationId = thread };

    private static void Accept(Decision decision)
    {
        if (decision.Refusal is { } refusal)
            throw new ReactionRefusedException(refusal.Reason);
    }
}

/// <summary>A reaction cannot be carried out as things are: an operator has to look.</summary>
/// <param name="message">Why; it travels in a header of the parked event, so a long one is cut.</param>
public sealed class ReactionRefusedException(string message) : Exception(message.Length > 1000 ? message[..1000] + "…" : message);

/// <summary>An event that has taken effect here: event and consumer.</summary>
/// <param name="Id">Hash of source and event id; the region is the tenant, the database the consumer.</param>
/// <param name="Type">The event's type, for operators.</param>
/// <param name="At">When; records are kept 30 days.</param>
internal sealed record InboxRecord(string Id, string Type, DateTimeOffset At)
{
    public static readonly TimeSpan Kept = TimeSpan.FromDays(30);
}

/// <summary>Takes a delivery: once, in its stream's order, through outages of the database.</summary>
internal sealed class Inbox(IServiceProvider services, string service)
{
    /// <summary>An operator who sends an event back that is older than the inbox remembers takes the decision that it is new.</summary>
    public const string SentBack = "kki-sent-back";

    // Within the broker's own limit for an unacknowledged delivery (30 minutes).
    private static readonly TimeSpan LongestOutage = TimeSpan.FromMinutes(20);
    private const int MaxAttempts = 5;
    private const int MaxConflicts = 50;

    private readonly IDocumentStore _store = services.GetRequiredService<IDocumentStore>();
    private readonly Picture _picture = services.GetRequiredService<Picture>();
    private readonly TimeProvider _time = services.GetRequiredService<TimeProvider>();
    private readonly ILogger _log = services.GetRequiredService<ILogger<Inbox>>();

    public async Task Consume<T>(ConsumeContext<T> context, Subscription subscription)
        where T : class
    {
        var e = context.ReceiveContext.GetPayload<CloudEvent>();
        using var activity = MeshTelemetry.Continue($"{service} on {e.Type}", ActivityKind.Consumer, e.TraceParent);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, context.ReceiveContext.GetPayload<Lanes>().Closed);
        var started = Stopwatch.GetTimestamp();
        var backoff = new Backoff(TimeSpan.FromMilliseconds(50));

        // Nearly every event is new, and one that is not cannot be saved twice: so it is looked for only when something failed.
        var looks = false;
        for (var faults = 0; ;)
        {
            try
            {
                await Faults.DecidingAnew(() => Take(e, context, subscription, looks, stop.Token), MaxConflicts, Lost, stop.Token);
                return;
            }
            catch (Exception problem) when (!looks && problem is not OperationCanceledException && !Faults.IsOutage(problem))
            {
                looks = true;
                continue;
            }
            catch (Exception problem) when (problem is PictureIsBuiltException || Faults.IsOutage(problem))
            {
                MeshTelemetry.Failure(e.Type, problem is PictureIsBuiltException ? "waits" : "outage");
                _log.LogWarning("{Type} {Id} waits: {Reason}", e.Type, e.Id, problem.Message);
                if (Stopwatch.GetElapsedTime(started) > LongestOutage)
                    throw new OperationCanceledException("Back to the queue: an outage is no fault of the event.", problem);
            }
            catch (Exception problem) when (problem is not (ReactionRefusedException or OperationCanceledException) && ++faults < MaxAttempts)
            {
                MeshTelemetry.Failure(e.Type, "fault");
            }

            looks = true;
            await backoff.WaitAsync(stop.Token);
        }

        void Lost()
        {
            looks = true;
            MeshTelemetry.Failure(e.Type, "conflict");
        }
    }

    /// <returns>Whether it is new here.</returns>
    private async Task<bool> Take<T>(CloudEvent e, ConsumeContext<T> context, Subscription subscription, bool looks, CancellationToken ct)
        where T : class
    {
        await using var session = _store.LightweightSession(e.Region!);
        await _picture.EnterAsync(session, ct);
        var id = CommandEndpoints.Hash($"{e.Source}\n{e.Id}");
        if (looks && await session.LoadAsync<InboxRecord>(id, ct) is not null)
        {
            MeshTelemetry.Duplicate(e.Type);
            return false;
        }

        if (_time.GetUtcNow() - e.Time > InboxRecord.Kept && !context.ReceiveContext.TransportHeaders.TryGetHeader(SentBack, out _))
            throw new ReactionRefusedException($"It is older than the {InboxRecord.Kept.Days} days that this service remembers what it has taken; send it back to have it taken as new.");

        var isNews = await _picture.LearnAsync(session, e, ct);
        await subscription.React(context.Message, new Reaction(session, e, $"{service}.on.{e.Type}", _time, ct, isSuperseded: !isNews));
        session.Insert(new InboxRecord(id, e.Type, _time.GetUtcNow()));
        await session.SaveChangesAsync(ct);
        return true;
    }
}
