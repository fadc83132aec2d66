using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>How far a rebuilding is; one line after each stream, and the last one is the result.</summary>
/// <param name="Row">The row, or other stream, that was just made anew; null in the result.</param>
/// <param name="Rows">How many were.</param>
/// <param name="OfRows">How many there are.</param>
/// <param name="Transactions">How many transactions they were made from.</param>
/// <param name="Mended">What was not as the transactions give it, and is now: states, reservations, and lines of the journal.</param>
public sealed record RebuildLine(string? Row, int Rows, int OfRows, long Transactions, long Mended);

/// <summary>
/// Makes the ledger's states, reservations and journal anew from the transactions, stream by stream. Nearly all of it is done beside
/// the commands; a stream's own wait only while the newest transactions are taken and what differs is stored.
/// </summary>
internal static class RebuildLedger
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/ledger/rebuild", Handle)
        .WithSummary("Makes all rows, reservations and the journal anew from the transactions alone, while commands go on; a JSON line after each row, the result last")
        .Produces<RebuildLine>(contentType: JsonLines.ContentType)
        .For(Roles.Operator);

    private static async Task Handle(string region, HttpContext http, IDocumentStore store, NpgsqlDataSource database, CancellationToken ct)
    {
        http.Response.ContentType = JsonLines.ContentType;
        var rebuild = new LedgerRebuild(region, store, database, ct);
        var streams = await rebuild.StreamsAsync();
        var (transactions, mended) = (0L, 0L);
        for (var i = 0; i < streams.Count; i++)
        {
            var done = await rebuild.DoAsync(streams[i]);
            (transactions, mended) = (transactions + done.Transactions, mended + done.Mended);
            await http.Response.TellAsync(new RebuildLine(streams[i], i + 1, streams.Count, transactions, mended), ct);
        }

        await http.Response.TellAsync(new RebuildLine(null, streams.Count, streams.Count, transactions, mended), ct);
    }
}

/// <summary>One rebuilding of a region's ledger.</summary>
internal sealed class LedgerRebuild(string region, IDocumentStore store, NpgsqlDataSource database, CancellationToken ct)
    : IStreamWork<(long Transactions, long Mended)>
{
    private readonly IReadOnlyDictionary<string, Type> _types = LedgerStreams.TypesOf(store);
    private long _mended;

    public Task<IReadOnlyList<string>> StreamsAsync() => database.StreamsAsync(LedgerStreams.Ids, region, ct);

    public async Task<(long Transactions, long Mended)> DoAsync<T>(string stream)
        where T : class, IAggregate<T>
    {
        _mended = 0;
        await using var connection = await database.OpenConnectionAsync(ct);
        var walk = new Walk<T>(region, stream, _types, (version, what) => throw new InvalidOperationException(
            $"{stream}, transaction {version}: {what} It is not made anew from what is not sound; ./mesh ledger verify tells all."));
        await walk.ReadOnAsync(connection, (page, lines) => MendJournalAsync(connection, stream, page, lines), ct);
        var suspects = await SuspectsAsync(walk.Parts);

        // From here on nobody else writes to the stream.
        await using var session = store.LightweightSession(region);
        await session.TakeTurnsAsync([stream], ct);
        await walk.ReadOnAsync(connection, (page, lines) => MendJournalAsync(connection, stream, page, lines), ct);
        if (walk.State is { } state && !Stored.Same(await session.LoadAsync<T>(stream, ct), state))
        {
            session.Store(state);
            _mended++;
        }

        foreach (var (parts, keys) in suspects)
        {
            foreach (var key in await parts.DifferingAsync(session, keys.Union(parts.Touched()), ct))
            {
                parts.Mend(session, key);
                _mended++;
            }
        }

        await session.SaveChangesAsync(ct);
        return (walk.Version, _mended);
    }

    // Compared beside the commands: what they change meanwhile is looked at again in the stream's turn.
    private async Task<IReadOnlyDictionary<IPartsWalk, HashSet<string>>> SuspectsAsync(IReadOnlyList<IPartsWalk> walks)
    {
        await using var session = store.QuerySession(region);
        var suspects = new Dictionary<IPartsWalk, HashSet<string>>();
        foreach (var parts in walks)
        {
            suspects[parts] = [.. await parts.DifferingAsync(session, parts.Keys, ct), .. await parts.UnknownAsync(session, ct)];
            _ = parts.Touched();
        }

        return suspects;
    }

    // What is written of a transaction never changes: it can be compared, and mended, beside the commands.
    private async Task<bool> MendJournalAsync(
        NpgsqlConnection connection, string stream, IReadOnlyList<ChainedEvent> page, IReadOnlyList<JournalLine> lines)
    {
        var stored = await Journal.ReadAsync(connection, region, stream, page[0].Version, page[^1].Version, ct);
        if (stored.SequenceEqual(lines))
            return true;
        await using var session = store.LightweightSession(region);
        session.Forget(stream, page[0].Version, page[^1].Version);
        session.Write(lines);
        await session.SaveChangesAsync(ct);
        _mended += lines.Except(stored).Count() + stored.Except(lines).Count();
        return true;
    }
}
