using JasperFx.Events;
using Marten;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>Makes an aggregate's state from all of its stream's events.</summary>
internal abstract class SnapshotRebuild
{
    /// <summary>Stores the state, where the stream holds this aggregate.</summary>
    public abstract void Store(IDocumentSession session, string stream, IReadOnlyList<IEvent> events);
}

/// <inheritdoc />
internal sealed class SnapshotRebuild<T> : SnapshotRebuild
    where T : class, IAggregate<T>
{
    public override void Store(IDocumentSession session, string stream, IReadOnlyList<IEvent> events)
    {
        if (events.Aggregate((T?)null, (state, e) => Chain.Headed(T.Apply(state, stream, e.Data), e)) is { } state)
            session.Store(state);
    }
}

/// <summary>
/// Rebuilds the states of all aggregates from their events, a stream a transaction. A stream
/// that cannot be read is closed, and the others go on.
/// </summary>
internal sealed class SnapshotUpgrade(
    MeshService service, NpgsqlDataSource database, IDocumentStore store, ClosedStreams closed) : IUpgrade
{
    private const int PageSize = 500;

    private const string Page =
        """
        select tenant_id, id from mt_streams
        where (tenant_id, id) > ($1, $2) and id <> 'mt_tombstone' order by tenant_id, id limit $3
        """;

    public async Task RunAsync(CancellationToken ct)
    {
        for (var after = ("", ""); await PageAsync(after, ct) is { Count: > 0 } page; after = page[^1])
        {
            foreach (var (region, stream) in page)
                await RebuildAsync(region, stream, ct);
        }
    }

    private async Task RebuildAsync(string region, string stream, CancellationToken ct)
    {
        try
        {
            await using var session = store.LightweightSession(region);
            await session.EnterUpgradeAsync(ct);
            var events = await session.Events.FetchStreamAsync(stream, token: ct);
            foreach (var snapshot in service.Snapshots)
                snapshot.Store(session, stream, events);
            await session.SaveChangesAsync(ct);
        }
        catch (Exception e) when (ClosedStreams.IsOfTheStream(e))
        {
            await closed.CloseAsync(region, stream, $"Its state could not be made from its events: {e.Message}", ct);
        }
    }

    private async Task<List<(string Region, string Stream)>> PageAsync((string Region, string Stream) after, CancellationToken ct)
    {
        await using var read = database.CreateCommand(Page);
        foreach (var value in (object[])[after.Region, after.Stream, PageSize])
            read.Parameters.AddWithValue(value);
        await using var reader = await read.ExecuteReaderAsync(ct);
        var page = new List<(string, string)>();
        while (await reader.ReadAsync(ct))
            page.Add((reader.GetString(0), reader.GetString(1)));
        return page;
    }
}
