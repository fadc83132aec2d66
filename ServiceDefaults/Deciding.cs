using System.Diagnostics;
using JasperFx.Events;
using Marten;
using Npgsql;

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
}

internal static class Deciding
{
    public const string TraceParent = "traceparent";
    public const string ActorRole = "actorrole";

    /// <summary>Loads a stream, lets a pure function decide, and puts the events into the session, which is not yet saved.</summary>
    /// <returns>The decision, and the state after it.</returns>
    public static async Task<(Decision Decision, T? State)> DecideAsync<T>(
        this IDocumentSession session, string stream, Func<T?, Decision> decide, Cause cause, TimeProvider time, CancellationToken ct)
        where T : class, IAggregate<T>
    {
        if (T.IsContended)
            await session.QueueForAsync(stream, ct);
        return session.Decide(await session.Events.FetchForWriting<T>(stream, ct), decide, cause, time);
    }

    /// <summary>The same for a stream that has been loaded, in its queue.</summary>
    public static (Decision Decision, T? State) Decide<T>(
        this IDocumentSession session, IEventStream<T> writing, Func<T?, Decision> decide, Cause cause, TimeProvider time)
        where T : class, IAggregate<T>
    {
        var stream = writing.Key!;
        var before = writing.Aggregate;
        var decision = decide(before);
        if (decision.Refusal is not null || decision.Events.Count == 0)
            return (decision, before);

        var after = decision.Events.Aggregate(before, (state, e) => T.Apply(state, stream, e));
        session.CausationId = cause.CausationId;
        session.LastModifiedBy = cause.Actor;
        session.SetHeader(ActorRole, cause.ActorRole);
        if (Activity.Current?.Id is { } traceParent)
            session.SetHeader(TraceParent, traceParent);
        var thread = cause.CorrelationId ?? after?.Thread ?? stream;
        writing.AppendMany(decision.Events.Select(e => Envelope(session, e, thread, time)).ToArray());
        return (decision, after);
    }

    // The lock is the transaction's: it ends with it, also when this program does.
    public static async Task QueueForAsync(this IDocumentSession session, string stream, CancellationToken ct)
    {
        await session.BeginTransactionAsync(ct);
        await using var take = new NpgsqlCommand("select pg_advisory_xact_lock(hashtextextended($1, 0))");
        take.Parameters.AddWithValue($"{session.TenantId}/{stream}");
        await session.ExecuteAsync(take, ct);
    }

    // UUIDv7 sorts by time wherever an integrator stores it. The thread is the event's own: one transaction may write to several.
    private static object Envelope(IDocumentSession session, object data, string thread, TimeProvider time)
    {
        var e = session.Events.BuildEvent(data);
        e.Id = Guid.CreateVersion7(time.GetUtcNow());
        e.CorrelationId = thread;
        return e;
    }
}
