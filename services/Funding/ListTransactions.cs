using KkiMesh.ServiceDefaults;
using Marten;
using Marten.Linq;

namespace KkiMesh.Funding;

/// <summary>A transaction of the ledger as it was recorded.</summary>
/// <param name="Sequence">Its number on the row.</param>
/// <param name="Id">The event's id.</param>
/// <param name="Type">What happened.</param>
/// <param name="At">When it was recorded.</param>
/// <param name="CorrelationId">The thread that it belongs to.</param>
/// <param name="Data">The event, with its postings.</param>
public sealed record LedgerTransaction(long Sequence, Guid Id, string Type, DateTimeOffset At, string? CorrelationId, object Data);

internal static class ListTransactions
{
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/rows/{row}/transactions", List)
        .WithSummary("Lists the transactions of a row, the oldest first, with their postings");

    private static async Task<Page<LedgerTransaction>> List(
        string region, string row, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        var page = await paging.Of(session.Events.QueryAllRawEvents().Where(e => e.StreamKey == row).OrderBy(e => e.Version), ct);
        return new Page<LedgerTransaction>(
            [.. page.Items.Select(e => new LedgerTransaction(e.Version, e.Id, e.EventTypeName, e.Timestamp, e.CorrelationId, e.Data))],
            page.Number, page.Size, page.Total);
    }
}
