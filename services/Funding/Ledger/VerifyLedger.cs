using System.Data;
using System.Globalization;
using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>Something in the ledger that is not as it was recorded, or that breaks a rule.</summary>
/// <param name="Row">The row, or another stream of the ledger: a decision on a finding, the seals.</param>
/// <param name="Transaction">The transaction's number on it; null where it is its state.</param>
/// <param name="What">What is wrong.</param>
public sealed record LedgerFault(string Row, long? Transaction, string What);

/// <summary>
/// How far a verification is; one line for the seals, one after each row, and the last one is the result.
/// </summary>
/// <param name="Row">The row that was just looked at, or the seals; null in the result.</param>
/// <param name="Rows">How many rows were looked at.</param>
/// <param name="OfRows">How many there are.</param>
/// <param name="Transactions">How many transactions were looked at.</param>
/// <param name="Faults">What is wrong: with the row, or, in the result, with the first rows that have faults.</param>
/// <param name="IsIntact">In the result: whether everything is as it was recorded, and balanced.</param>
public sealed record VerificationLine(string? Row, int Rows, int OfRows, long Transactions, IReadOnlyList<LedgerFault> Faults, bool? IsIntact = null);

internal static class VerifyLedger
{
    private const int MostFaults = 100;

    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/verification", Handle)
        .WithSummary("Walks the chains of all rows, checks every rule, makes each balance anew from the transactions alone and compares; a JSON line after each row, the result last. "
            + "A seal that was kept elsewhere can be named by its hash")
        .Produces<VerificationLine>(contentType: JsonLines.ContentType)
        .For(Roles.Auditor, Roles.Treasurer);

    private static async Task Handle(string region, string? seal, HttpContext http, IDocumentStore store, NpgsqlDataSource database, CancellationToken ct)
    {
        http.Response.ContentType = JsonLines.ContentType;
        var check = new Check(region, store, database, LedgerStreams.TypesOf(store), ct);
        var (faults, transactions) = (new List<LedgerFault>(), 0L);
        var bySeals = (await check.SealsAsync(seal)).ToLookup(f => f.Row);
        var streams = await check.StreamsAsync();
        faults.AddRange(bySeals[SealedLedger.Stream]);
        await http.Response.TellAsync(new VerificationLine(SealedLedger.Stream, 0, streams.Count, 0, faults), ct);
        for (var i = 0; i < streams.Count; i++)
        {
            var (walked, read) = await check.DoAsync(streams[i]);
            IReadOnlyList<LedgerFault> found = [.. bySeals[streams[i]], .. walked];
            transactions += read;
            faults.AddRange(found.Take(MostFaults - faults.Count));
            await http.Response.TellAsync(new VerificationLine(streams[i], i + 1, streams.Count, transactions, [.. found.Take(MostFaults)]), ct);
        }

        await http.Response.TellAsync(new VerificationLine(null, streams.Count, streams.Count, transactions, faults, faults.Count == 0), ct);
    }

    /// <summary>
    /// One verification. Each stream is read as it was at one moment, so that commands can go on meanwhile.
    /// </summary>
    private sealed class Check(string region, IDocumentStore store, NpgsqlDataSource database, IReadOnlyDictionary<string, Type> types, CancellationToken ct)
        : IStreamWork<(IReadOnlyList<LedgerFault> Faults, long Transactions)>
    {
        // What a seal holds, and the ledger has not as it was; and how long the stream is now.
        private const string Unlike =
            """
            select h.stream, h.sequence, e.version is not null, coalesce((select max(version) from mt_events n where n.tenant_id = $1 and n.stream_id = h.stream), 0),
                   e.headers ->> 'hash' is not distinct from h.hash
            from unnest($2::text[], $3::bigint[], $4::text[]) as h (stream, sequence, hash)
            left join mt_events e on e.tenant_id = $1 and e.stream_id = h.stream and e.version = h.sequence
            where e.headers ->> 'hash' is distinct from h.hash or e.headers ->> 'recordedat' > $5 collate "C"
            """;

        // Of each stream whose end was sealed and is not there: the newest transaction that was, and how many are gone.
        private readonly Dictionary<string, (long Version, long Gone)> _gone = [];

        /// <summary>
        /// The seals: whether the ledger still has all that they hold. However
        /// many there are, a page of them is in memory.
        /// </summary>
        public async Task<IReadOnlyList<LedgerFault>> SealsAsync(string? kept)
        {
            var (faults, isKept, clock) = (new List<LedgerFault>(), kept is null, new RecordingOrder(SealedLedger.Stream));
            await AtOneMoment(
                async (connection, session) =>
                {
                    var walk = new Walk<SealedLedger>(region, SealedLedger.Stream, types, (version, what) => faults.Add(new LedgerFault(SealedLedger.Stream, version, what)));
                    await walk.ReadOnAsync(
                        connection,
                        async (page, _) =>
                        {
                            isKept |= page.Any(e => e.Hash == kept);
                            faults.AddRange(clock.Backwards(page));
                            foreach (var e in page.Where(e => e.Fault is null))
                                await CompareAsync(connection, JsonSerializer.Deserialize<LedgerSealed>(e.Data, ContractJson.Options)!, e.RecordedAt, faults);
                            return faults.Count < MostFaults;
                        },
                        ct);
                    if (!Stored.Same(await Stored.LoadAsync<SealedLedger>(session, SealedLedger.Stream, ct), walk.State))
                        faults.Add(new LedgerFault(SealedLedger.Stream, null, "Its stored state is not what the seals give."));
                });
            faults.AddRange(_gone.Select(g => new LedgerFault(
                g.Key, g.Value.Version, $"It was sealed and is not there: {g.Value.Gone} transactions were removed from the end.")));
            return isKept ? faults : [new LedgerFault(SealedLedger.Stream, null, "No seal of the ledger has the hash that was named."), .. faults];
        }

        // Where there are events, where there is a state, where the list of streams says
        // that there should be some, and where a seal does.
        public async Task<IReadOnlyList<string>> StreamsAsync()
        {
            var streams = await database.StreamsAsync(
                $"""
                {LedgerStreams.Ids}
                union select id from mt_doc_planrow where tenant_id = $1
                union select distinct data ->> 'row' from mt_doc_reservation where tenant_id = $1
                union select distinct data ->> 'row' from mt_doc_grant where tenant_id = $1
                union select distinct data ->> 'row' from mt_doc_payment where tenant_id = $1
                union select distinct data ->> 'row' from mt_doc_paymentapproval where tenant_id = $1
                union select distinct row from journal where region = $1
                """,
                region,
                ct);
            return [.. streams.Union(_gone.Keys).Where(s => s != SealedLedger.Stream).Order(StringComparer.Ordinal)];
        }

        public async Task<(IReadOnlyList<LedgerFault> Faults, long Transactions)> DoAsync<T>(string stream)
            where T : class, IAggregate<T>
        {
            var (faults, read) = (new List<LedgerFault>(), 0L);
            await AtOneMoment(async (connection, session) =>
            {
                var walk = await WalkAsync<T>(stream, connection, session, faults);
                read = walk.Version;
                if (faults.Count < MostFaults)
                    await ComparePartsAsync(stream, walk.Parts, session, faults);
                if ((await Journal.ReadAsync(connection, region, stream, walk.Version + 1, long.MaxValue, ct)).Count > 0)
                    faults.Add(new LedgerFault(stream, null, "The journal has lines of transactions that are not there."));
            });
            return (faults, read);
        }

        // What is missing before a stream's end is found by the walk of its chain.
        private async Task CompareAsync(NpgsqlConnection connection, LedgerSealed seal, DateTimeOffset sealedAt, List<LedgerFault> faults)
        {
            var (heads, at) = (seal.Heads, sealedAt.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
            await using var compare = new NpgsqlCommand(Unlike, connection);
            foreach (var value in (object[])[region, heads.Select(h => h.Stream).ToArray(), heads.Select(h => h.Sequence).ToArray(), heads.Select(h => h.Hash).ToArray(), at])
                compare.Parameters.AddWithValue(value);
            await using var reader = await compare.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
            {
                var (stream, version, isThere, newest) = (reader.GetString(0), reader.GetInt64(1), reader.GetBoolean(2), reader.GetInt64(3));
                if (isThere && reader.GetBoolean(4))
                    faults.Add(new LedgerFault(stream, version, $"It says that it was recorded after {at}, when seal {seal.Number} held it: recorded time ran backwards."));
                else if (isThere)
                    faults.Add(new LedgerFault(stream, version, "It is not what was sealed."));
                else if (version > Math.Max(newest, _gone.GetValueOrDefault(stream).Version))
                    _gone[stream] = (version, version - newest);
            }
        }

        private async Task ComparePartsAsync(string stream, IReadOnlyList<IPartsWalk> walks, IQuerySession session, List<LedgerFault> faults)
        {
            foreach (var parts in walks)
            {
                foreach (var key in await parts.DifferingAsync(session, parts.Keys, ct))
                    faults.Add(new LedgerFault(stream, null, $"The stored {parts.Kind} {key} is not what the transactions give."));
                if (await parts.UnknownAsync(session, ct) is { Count: > 0 } unknown)
                    faults.Add(new LedgerFault(stream, null, $"There are stored {parts.Kind}s that no transaction made: {unknown.Count}."));
            }
        }

        private async Task<Walk<T>> WalkAsync<T>(string stream, NpgsqlConnection connection, IQuerySession session, List<LedgerFault> faults)
            where T : class, IAggregate<T>
        {
            var (walk, clock) = (new Walk<T>(region, stream, types, Found), new RecordingOrder(stream));
            await walk.ReadOnAsync(
                connection,
                async (page, lines) =>
                {
                    faults.AddRange(clock.Backwards(page));
                    // What is before the first event belongs to it, too.
                    var stored = await Journal.ReadAsync(connection, region, stream, page[0].Version == 1 ? long.MinValue : page[0].Version, page[^1].Version, ct);
                    foreach (var version in stored.Except(lines).Concat(lines.Except(stored)).Select(l => l.Version).Distinct().Order())
                        Found(version, "The journal's line of it is not what it gives.");
                    return faults.Count < MostFaults;
                },
                ct);
            if (faults.Count >= MostFaults)
                return walk;
            if (await session.Events.FetchStreamStateAsync(stream, ct) is not { } state || state.Version != walk.Version)
                Found(null, $"{walk.Version} transactions are there, and not as many as were recorded.");
            if (!Stored.Same(await Stored.LoadAsync<T>(session, stream, ct), walk.State))
                Found(null, "Its stored state is not what the transactions give.");
            return walk;

            void Found(long? version, string what) => faults.Add(new LedgerFault(stream, version, what));
        }

        private async Task AtOneMoment(Func<NpgsqlConnection, IQuerySession, Task> read)
        {
            await using var connection = await database.OpenConnectionAsync(ct);
            await using var moment = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
            var options = Marten.Services.SessionOptions.ForTransaction(moment);
            options.TenantId = region;
            await using var session = store.QuerySession(options);
            await read(connection, session);
        }
    }
}

/// <summary>
/// Whether a stream's transactions were recorded one after the other. What is not what was recorded is told elsewhere.
/// </summary>
internal sealed class RecordingOrder(string stream)
{
    private DateTimeOffset _last;

    /// <summary>Those of a page that say that they were recorded before one that they follow.</summary>
    public IEnumerable<LedgerFault> Backwards(IReadOnlyList<ChainedEvent> page)
    {
        foreach (var e in page.Where(e => e.Fault is null))
        {
            if (e.RecordedAt < _last)
                yield return new LedgerFault(stream, e.Version, $"It says that it was recorded at {e.RecordedAt:O}, and follows one of {_last:O}: recorded time ran backwards.");
            else
                _last = e.RecordedAt;
        }
    }
}
