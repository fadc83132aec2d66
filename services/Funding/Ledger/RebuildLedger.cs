using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>How far a rebuilding is; one line after each stream, and the last one is the result.</summary>
/// <param name="Row">The row, or other stream, that was just looked at; null in the result.</param>
/// <param name="Rows">How many were.</param>
/// <param name="OfRows">How many there are.</param>
/// <param name="Transactions">How many transactions they were made from.</param>
/// <param name="Mended">What was not as the transactions give it, and is now: states,
/// reservations, and lines of the journal.</param>
/// <param name="Fault">Why the row is left as it is; null where it was rebuilt.</param>
/// <param name="Left">How many are left as they are.</param>
public sealed record RebuildLine(string? Row, int Rows, int OfRows, long Transactions, long Mended, string? Fault = null, int Left = 0);

/// <summary>
/// Makes the ledger's states, reservations and journal anew from the transactions, stream by
/// stream. Nearly all of it is done beside the commands; a stream's own wait only while the
/// newest transactions are taken and what differs is stored.
/// </summary>
internal static class RebuildLedger
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/ledger/rebuild", Handle)
        .WithSummary("Makes all rows, reservations and the journal anew from the transactions alone, while commands go on; a JSON line after each row, the result last")
        .Produces<RebuildLine>(contentType: JsonLines.ContentType)
        .For(Roles.Operator)
        .DecidesOnNobody("the books");

    private static async Task Handle(string region, HttpContext http, IDocumentStore store, NpgsqlDataSource database, CancellationToken ct)
    {
        http.Response.ContentType = JsonLines.ContentType;
        var rebuild = new LedgerRebuild(region, store, database, ct);
        var streams = await rebuild.StreamsAsync();
        var done = new RebuildLine(null, 0, streams.Count, 0, 0);
        foreach (var stream in streams)
        {
            done = await OneAsync(rebuild, stream, done with { Rows = done.Rows + 1, Fault = null });
            await http.Response.TellAsync(done with { Row = stream }, ct);
        }

        await http.Response.TellAsync(done with { Fault = null }, ct);
    }

    // What is not sound is left as it is, and verification tells all of it.
    private static async Task<RebuildLine> OneAsync(LedgerRebuild rebuild, string stream, RebuildLine before)
    {
        try
        {
            var (transactions, mended) = await rebuild.DoAsync(stream);
            return before with { Transactions = before.Transactions + transactions, Mended = before.Mended + mended };
        }
        catch (Exception e) when (ClosedStreams.IsOfTheStream(e))
        {
            return before with { Fault = e.Message, Left = before.Left + 1 };
        }
    }
}

/// <summary>A stream is not as it was recorded: nothing is made of it.</summary>
internal sealed class UnsoundStreamException(string message) : Exception(message);

/// <summary>One rebuilding of a region's ledger.</summary>
internal sealed class LedgerRebuild(string region, IDocumentStore store, NpgsqlDataSource database, CancellationToken ct, bool isUpgrade = false)
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
        var walk = new Walk<T>(region, stream, _types, (version, what) => throw new UnsoundStreamException(
            $"{stream}, transaction {version}: {what} Nothing is made of what is not sound; ./mesh ledger verify tells all."));
        await walk.ReadOnAsync(connection, (page, lines) => MendJournalAsync(connection, stream, page, lines), ct);
        var suspects = await SuspectsAsync(walk.Parts);

        // From here on nobody else writes to the stream.
        await using var session = store.LightweightSession(region);
        await EnterAsync(session);
        await session.TakeTurnsAsync([stream], ct, mends: true);
        await walk.ReadOnAsync(connection, (page, lines) => MendJournalAsync(connection, stream, page, lines), ct);
        if (walk.State is { } state && !Stored.Same(await Stored.LoadAsync<T>(session, stream, ct), state))
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

        ClosedStreams.Open(session, stream);
        await session.SaveChangesAsync(ct);
        return (walk.Version, _mended);
    }

    private Task EnterAsync(IDocumentSession session) => isUpgrade ? session.EnterUpgradeAsync(ct) : session.EnterFormatAsync(ct);

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
        await EnterAsync(session);
        session.Forget(stream, page[0].Version, page[^1].Version);
        session.Write(lines);
        await session.SaveChangesAsync(ct);
        _mended += lines.Except(stored).Count() + stored.Except(lines).Count();
        return true;
    }
}
