using System.Diagnostics;
using JasperFx.Events;
using KkiMesh.Contracts;
using Marten;

namespace KkiMesh.ServiceDefaults;

/// <summary>Why something happens. It is stored with every event, so that a whole thread can be read back.</summary>
/// <param name="Region">The tenant.</param>
/// <param name="Actor">The subject of the token, or the reaction's name. Private metadata.</param>
/// <param name="ActorRole">As what they act; the public event says this much.</param>
/// <param name="CausationId">The id of the event that is answered, or of the command.</param>
/// <param name="CorrelationId">The thread; null: that of the aggregate.</param>
internal sealed record Cause(string Region, string Actor, string ActorRole, string CausationId, string? CorrelationId)
{
    /// <summary>What a service does by itself, not for anybody.</summary>
    public const string Service = "service";

    /// <summary>The trace that it is part of.</summary>
    public string? TraceParent { get; } = Activity.Current?.Id;
}

/// <summary>A part of an aggregate in a transaction.</summary>
/// <param name="key">Its key.</param>
/// <param name="stored">Its state; null where there is none yet.</param>
internal sealed class OpenPart<TPart>(string key, TPart? stored)
    where TPart : class, IPart<TPart>
{
    /// <summary>The state after what was decided so far.</summary>
    public TPart? State { get; private set; } = stored;

    /// <summary>Takes what was decided; it is saved with the transaction.</summary>
    public void Apply(IDocumentSession session, Decision decision)
    {
        foreach (var e in decision.Events.Where(e => TPart.KeyOf(e) is not null))
        {
            if (TPart.KeyOf(e) != key)
                throw new InvalidOperationException($"{e.GetType().Name} is about another {typeof(TPart).Name} than {key}.");
            State = TPart.Apply(State, e);
        }

        if (decision.Events.Count > 0 && State is not null)
            Parts.Waiting.Add(session, (typeof(TPart), key, State));
    }
}

/// <summary>A stream in a transaction: several decisions may follow one another on it.</summary>
/// <param name="writing">Takes the events.</param>
internal sealed class OpenStream<T>(IEventStream<T> writing)
    where T : class, IAggregate<T>
{
    private long _version = writing.StartingVersion ?? 0;

    /// <summary>The state after what was decided so far; null before the first event.</summary>
    public T? State { get; private set; } = writing.Aggregate;

    /// <summary>Decides; the events are saved with the transaction.</summary>
    public Decision Decide(IDocumentSession session, Func<T?, Decision> decide, Cause cause, DateTimeOffset recordedAt)
    {
        var decision = decide(State);
        if (decision.Refusal is not null || decision.Events.Count == 0)
            return decision;
        // All of it first: what cannot be applied must leave nothing behind.
        var states = Foresee(decision);
        var (stream, head, thread) = (writing.Key!, (State as IChained)?.Head, cause.CorrelationId);
        foreach (var (data, state) in decision.Events.Zip(states))
        {
            State = state;
            var e = Envelope(session, data, thread ??= State?.Thread ?? stream, cause, recordedAt);
            _version++;
            if (Chain.Holds<T>())
            {
                head = Chain.Append(head, session.TenantId, stream, _version, e, session.DocumentStore.Options.Serializer().ToJson(data), recordedAt);
                State = Chain.Headed(State, e);
            }

            (State as IJournaled)?.Journal(session, e, _version);
            writing.AppendOne(e);
        }

        return decision;
    }

    /// <summary>The states after each event of a decision; nothing is changed yet.</summary>
    public IReadOnlyList<T?> Foresee(Decision decision)
    {
        var (states, state) = (new List<T?>(), State);
        foreach (var e in decision.Events)
            states.Add(state = T.Apply(state, writing.Key!, e));
        return states;
    }

    // One transaction holds what several people decide in several threads: each event says its own.
    // UUIDv7 sorts by time wherever an integrator stores it.
    private static IEvent Envelope(IDocumentSession session, object data, string thread, Cause cause, DateTimeOffset recordedAt)
    {
        var e = session.Events.BuildEvent(data);
        // It would be published, and be missing in the history.
        if (PublicEvents.TypeOf(data.GetType()) is { } type && e.EventTypeName != type)
        {
            throw new InvalidOperationException(
                $"{type} is a public event that the service does not know: say .ContractsOf(its assembly).");
        }

        e.Id = Guid.CreateVersion7(recordedAt);
        e.CorrelationId = thread;
        e.CausationId = cause.CausationId;
        e.UserName = cause.Actor;
        e.SetHeader(Deciding.ActorRole, cause.ActorRole);
        if (cause.TraceParent is { } traceParent)
            e.SetHeader(Deciding.TraceParent, traceParent);
        RecordedTime.Waiting.Add(session, (e, recordedAt));
        return e;
    }
}

internal static class Deciding
{
    public const string TraceParent = "traceparent";
    public const string ActorRole = "actorrole";

    /// <summary>
    /// Waits for its turn at a stream, loads it, lets a pure function decide, and puts the
    /// events into the session, which is not yet saved.
    /// </summary>
    public static async Task<Decision> DecideAsync<T>(
        this IDocumentSession session, string stream, Func<T?, Decision> decide, Cause cause, TimeProvider time, CancellationToken ct)
        where T : class, IAggregate<T>
    {
        var turns = await session.TakeTurnsToWriteAsync([stream], waits: true, time, ct);
        return new OpenStream<T>(await session.Events.FetchForWriting<T>(stream, ct)).Decide(session, decide, cause, turns.RecordedAt);
    }

    /// <summary>The same on a stream and a part of it.</summary>
    public static async Task<Decision> DecideAsync<T, TPart>(
        this IDocumentSession session, string stream, string part, Func<T?, TPart?, Decision> decide, Cause cause, TimeProvider time, CancellationToken ct)
        where T : class, IAggregate<T>
        where TPart : class, IPart<TPart>
    {
        var turns = await session.TakeTurnsToWriteAsync([stream], waits: true, time, ct);
        var open = new OpenPart<TPart>(part, await session.LoadAsync<TPart>(part, ct));
        var writing = new OpenStream<T>(await session.Events.FetchForWriting<T>(stream, ct));
        var decision = writing.Decide(session, state => decide(state, open.State), cause, turns.RecordedAt);
        open.Apply(session, decision);
        return decision;
    }

    /// <summary>The same on a stream and two parts of it.</summary>
    public static async Task<Decision> DecideAsync<T, TPart, TOther>(
        this IDocumentSession session,
        string stream,
        string part,
        string other,
        Func<T?, TPart?, TOther?, Decision> decide,
        Cause cause,
        TimeProvider time,
        CancellationToken ct)
        where T : class, IAggregate<T>
        where TPart : class, IPart<TPart>
        where TOther : class, IPart<TOther>
    {
        var turns = await session.TakeTurnsToWriteAsync([stream], waits: true, time, ct);
        var open = new OpenPart<TPart>(part, await session.LoadAsync<TPart>(part, ct));
        var beside = new OpenPart<TOther>(other, await session.LoadAsync<TOther>(other, ct));
        var writing = new OpenStream<T>(await session.Events.FetchForWriting<T>(stream, ct));
        var decision = writing.Decide(session, state => decide(state, open.State, beside.State), cause, turns.RecordedAt);
        open.Apply(session, decision);
        beside.Apply(session, decision);
        return decision;
    }
}
