using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>A transaction of the ledger as it was recorded.</summary>
/// <param name="Sequence">Its number on the row.</param>
/// <param name="Id">The event's id.</param>
/// <param name="Type">What happened.</param>
/// <param name="At">When it was recorded.</param>
/// <param name="CorrelationId">The thread that it belongs to.</param>
/// <param name="Hash">The hash over it and all before it on the row.</param>
/// <param name="Data">The event, with its postings; null where it moves nothing
/// and is private: a paper of a grant.</param>
public sealed record LedgerTransaction(long Sequence, Guid Id, string Type, DateTimeOffset At, string? CorrelationId, string? Hash, object? Data);

internal static class ListTransactions
{
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/rows/{row}/transactions", List)
        .WithSummary("Lists the transactions of a row, the oldest first, with their postings")
        .Produces<Page<LedgerTransaction>>().ProducesProblem(400).ProducesProblem(404);

    private static async Task<IResult> List(string region, string row, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.Events.FetchStreamStateAsync(row, ct) is { } stream
            ? Results.Ok(await PageAsync(session, row, stream.Version, paging, ct))
            : Problems.Of(Refusal.NotFound($"The plan of {region} has no row {row}."));
    }

    /// <summary>A page of a stream's transactions.</summary>
    internal static async Task<Page<LedgerTransaction>> PageAsync(IQuerySession session, string stream, long version, Paging paging, CancellationToken ct)
    {
        var (number, size) = paging.Bounded();
        return new Page<LedgerTransaction>(await ReadAsync(session, stream, (long)(number - 1) * size, size, ct), number, size, version);
    }

    /// <summary>
    /// The transactions of a stream that follow one, so many at the most. Of private ones it tells only that they are.
    /// </summary>
    internal static async Task<IReadOnlyList<LedgerTransaction>> ReadAsync(IQuerySession session, string stream, long after, int most, CancellationToken ct)
    {
        // A stream's versions count from 1 without a gap: no need to count or skip in the database.
        var events = await session.Events.QueryAllRawEvents()
            .Where(e => e.StreamKey == stream && e.Version > after && e.Version <= after + most).OrderBy(e => e.Version).ToListAsync(ct);
        return [.. events.Select(e => new LedgerTransaction(
            e.Version, e.Id, e.EventTypeName, Chain.RecordedOf(e), e.CorrelationId, Chain.HashOf(e), PublicEvents.TypeOf(e.EventType) is null ? null : e.Data))];
    }
}
