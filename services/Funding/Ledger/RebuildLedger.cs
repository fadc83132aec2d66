using System.Text.Json;
using KkiMesh.Contracts;
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
        .Produces<RebuildLine>(contentType: "application/x-ndjson")
        .For(Roles.Operator);

    private static async Task Handle(string region, HttpContext http, IDocumentStore store, NpgsqlDataSource database, CancellationToken ct)
    {
        http.Response.ContentType = "application/x-ndjson";
        var rebuild = new Rebuild(region, store, database, LedgerStreams.TypesOf(store));
        var streams = await rebuild.StreamsAsync(ct);
        var (transactions, mended) = (0L, 0L);
        for (var i = 0; i < streams.Count; i++)
        {
            var done = await rebuild.StreamAsync(streams[i], ct);
            (transactions, mended) = (transactions + done.Transactions, mended + done.Mended);
            await Tell(new RebuildLine(streams[i], i + 1, streams.Count, transactions, mended));
        }

        await Tell(new RebuildLine(null, streams.Count, streams.Count, transactions, mended));

        async Task Tell(RebuildLine line)
        {
            await http.Response.WriteAsync(JsonSerializer.Serialize(line, ContractJson.Options) + "\n", ct);
            await http.Response.Body.FlushAsync(ct);
        }
    }

    private sealed class Rebuild(string region, IDocumentStore store, NpgsqlDataSource database, IReadOnlyDictionary<string, Type> types)
    {
        private long _mended;

        public async Task<IReadOnlyList<string>> StreamsAsync(CancellationToken ct)
        {
            await using var read = database.CreateCommand("select distinct stream_id from mt_events where tenant_id = $1 order by 1");
            read.Parameters.AddWithValue(region);
            await using var reader = await read.ExecuteReaderAsync(ct);
            var streams = new List<string>();
            while (await reader.ReadAsync(ct))
                streams.Add(reader.GetString(0));
            return [.. streams.Where(s => s != LedgerStreams.Tombstones)];
        }

        public async Task<(long Transactions, long Mended)> StreamAsync(string stream, CancellationToken ct)
        {
            _mended = 0;
            var transactions = await (LedgerStreams.KindOf(stream) switch
            {
                SealedLedger.Stream => MakeAsync<SealedLedger>(stream, ct),
                LedgerStreams.Findings => MakeAsync<FindingDecision>(stream, ct),
                LedgerStreams.Missing => MakeAsync<MissingRow>(stream, ct),
                LedgerStreams.Keys => MakeAsync<ContributionKey>(stream, ct),
                LedgerStreams.AnnualPlans => MakeAsync<AnnualPlan>(stream, ct),
                LedgerStreams.Contributions => MakeAsync<Contribution>(stream, ct),
                LedgerStreams.MemoLines => MakeAsync<MemoLine>(stream, ct),
                _ => MakeAsync<PlanRow>(stream, ct),
            });
            return (transactions, _mended);
        }

        private async Task<long> MakeAsync<T>(string stream, CancellationToken ct)
            where T : class, IAggregate<T>
        {
            await using var connection = await database.OpenConnectionAsync(ct);
            var walk = new Walk<T>(region, stream, types, (version, what) => throw new InvalidOperationException(
                $"{stream}, transaction {version}: {what} It is not made anew from what is not sound; ./mesh ledger verify tells all."));
            await walk.ReadOnAsync(connection, (page, lines) => MendJournalAsync(connection, stream, page, lines, ct), ct);
            await using var beside = store.QuerySession(region);
            var suspects = new HashSet<string>(await walk.Reservations.DifferingAsync(beside, walk.Reservations.Made.Keys, ct));
            suspects.UnionWith(await walk.Reservations.UnknownAsync(beside, ct));
            _ = walk.Reservations.Touched();

            // From here on nobody else writes to the stream.
            await using var session = store.LightweightSession(region);
            await session.TakeTurnsAsync([stream], ct);
            await walk.ReadOnAsync(connection, (page, lines) => MendJournalAsync(connection, stream, page, lines, ct), ct);
            suspects.UnionWith(walk.Reservations.Touched());
            await MendStatesAsync(session, stream, walk, suspects, ct);
            await session.SaveChangesAsync(ct);
            return walk.Version;
        }

        private async Task MendStatesAsync<T>(IDocumentSession session, string stream, Walk<T> walk, HashSet<string> suspects, CancellationToken ct)
            where T : class, IAggregate<T>
        {
            if (walk.State is { } state && !Stored.Same(await session.LoadAsync<T>(stream, ct), state))
            {
                session.Store(state);
                _mended++;
            }

            foreach (var key in await walk.Reservations.DifferingAsync(session, suspects, ct))
            {
                if (walk.Reservations.Made.TryGetValue(key, out var part))
                    session.Store(part);
                else
                    session.Delete<Reservation>(key);
                _mended++;
            }
        }

        // What is written of a transaction never changes: it can be compared, and mended, beside the commands.
        private async Task<bool> MendJournalAsync(
            NpgsqlConnection connection, string stream, IReadOnlyList<ChainedEvent> page, IReadOnlyList<JournalLine> lines, CancellationToken ct)
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
}
