using Marten;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>Loads what a service starts with: each thing once, whoever of several replicas is first.</summary>
public sealed class Loader(IDocumentStore store, TimeProvider time)
{
    private const int MaxAttempts = 10;

    /// <summary>Loads, in one transaction.</summary>
    /// <param name="region">The tenant.</param>
    /// <param name="actor">What loads, for the metadata.</param>
    /// <param name="load">Decides what there is to load; it may be called again.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>How many streams were begun.</returns>
    public Task<int> LoadAsync(string region, string actor, Func<Load, Task> load, CancellationToken ct) => Faults.DecidingAnew(
        async () =>
        {
            await using var session = store.LightweightSession(region);
            await TakeTurnAsync(session, ct);
            var cause = new Cause(region, actor, Cause.Service, Guid.CreateVersion7(time.GetUtcNow()).ToString(), null);
            var loading = new Load(session, cause, time, ct);
            await load(loading);
            await session.SaveChangesAsync(ct);
            return loading.Begun;
        },
        MaxAttempts,
        () => { },
        ct);

    // One replica after the other, however long it takes; whoever comes later finds all of it.
    private static async Task TakeTurnAsync(IDocumentSession session, CancellationToken ct)
    {
        await session.BeginTransactionAsync(ct);
        await using var take = new NpgsqlCommand("select pg_advisory_xact_lock(hashtextextended($1, 0))") { CommandTimeout = 120 };
        take.Parameters.AddWithValue($"{session.TenantId}/load");
        await session.ExecuteAsync(take, ct);
        await session.EnterFormatAsync(ct);
    }
}

/// <summary>One loading.</summary>
public sealed class Load
{
    private readonly Cause _cause;
    private readonly TimeProvider _time;
    private readonly CancellationToken _ct;

    internal Load(IDocumentSession session, Cause cause, TimeProvider time, CancellationToken ct) =>
        (Session, _cause, _time, _ct) = (session, cause, time, ct);

    /// <summary>The transaction; for documents of the service's own.</summary>
    public IDocumentSession Session { get; }

    internal int Begun { get; private set; }

    /// <summary>Begins a stream where there is none.</summary>
    public async Task Once<T>(string stream, Func<Decision> decide)
        where T : class, IAggregate<T>
    {
        try
        {
            var decision = await Session.DecideAsync(stream, (T? state) => state is null ? decide() : [], _cause, _time, _ct);
            Begun += decision.Events.Count > 0 ? 1 : 0;
        }
        catch (RefusedException)
        {
            // A stream that is closed until it is mended is there already.
        }
    }
}
