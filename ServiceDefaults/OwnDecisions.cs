using Marten;

namespace KkiMesh.ServiceDefaults;

/// <summary>What a service decides by itself and for nobody, for instance that a day has passed.</summary>
public sealed class OwnDecisions(IDocumentStore store, TimeProvider time)
{
    private const int MaxAttempts = 5;

    /// <summary>Decides on a stream and a part of it that are there, in a transaction of their own.</summary>
    /// <param name="region">The tenant.</param>
    /// <param name="actor">What decides, for the metadata.</param>
    /// <param name="stream">The stream's key.</param>
    /// <param name="part">The part's key.</param>
    /// <param name="decide">What happens. Pure: it may be called again on newer state.</param>
    /// <param name="ct">Gives up.</param>
    public Task<bool> On<T, TPart>(string region, string actor, string stream, string part, Func<T, TPart, Decision> decide, CancellationToken ct)
        where T : class, IAggregate<T>
        where TPart : class, IPart<TPart> => InOne(
        region,
        actor,
        part,
        (session, cause) => session.DecideAsync<T, TPart>(stream, part, (state, of) => state is not null && of is not null ? decide(state, of) : [], cause, time, ct),
        ct);

    /// <summary>Decides on a stream that may still have to begin, in a transaction of its own.</summary>
    /// <param name="region">The tenant.</param>
    /// <param name="actor">What decides, for the metadata.</param>
    /// <param name="stream">The stream's key.</param>
    /// <param name="decide">What happens; null: nothing has happened yet. Pure: it
    /// may be called again on newer state.</param>
    /// <param name="ct">Gives up.</param>
    public Task<bool> On<T>(string region, string actor, string stream, Func<T?, Decision> decide, CancellationToken ct)
        where T : class, IAggregate<T> =>
        InOne(region, actor, thread: null, (session, cause) => session.DecideAsync(stream, decide, cause, time, ct), ct);

    private Task<bool> InOne(string region, string actor, string? thread, Func<IDocumentSession, Cause, Task<Decision>> decide, CancellationToken ct) => Faults.DecidingAnew(
        async () =>
        {
            await using var session = store.LightweightSession(region);
            var decision = await decide(session, new Cause(region, actor, Cause.Service, Guid.CreateVersion7(time.GetUtcNow()).ToString(), thread));
            await session.SaveChangesAsync(ct);
            return decision.Events.Count > 0;
        },
        MaxAttempts,
        () => { },
        ct);
}
