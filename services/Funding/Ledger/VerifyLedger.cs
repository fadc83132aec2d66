using System.Data;
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

/// <summary>How far a verification is; one line after each row, and the last one is the result.</summary>
/// <param name="Row">The row that was just looked at; null in the result.</param>
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
        .Produces<VerificationLine>(contentType: "application/x-ndjson")
        .For(Roles.Auditor, Roles.Treasurer);

    private static async Task Handle(string region, string? seal, HttpContext http, IDocumentStore store, NpgsqlDataSource database, CancellationToken ct)
    {
        http.Response.ContentType = "application/x-ndjson";
        var check = new Check(region, store, database, LedgerStreams.TypesOf(store));
        var (faults, transactions) = (new List<LedgerFault>(), 0L);
        faults.AddRange(await check.SealsAsync(seal, ct));
        var streams = await check.StreamsAsync(ct);
        for (var i = 0; i < streams.Count; i++)
        {
            var (found, read) = await check.StreamAsync(streams[i], ct);
            transactions += read;
            faults.AddRange(found.Take(MostFaults - faults.Count));
            await Tell(new VerificationLine(streams[i], i + 1, streams.Count, transactions, [.. found.Take(MostFaults)]));
        }

        await Tell(new VerificationLine(null, streams.Count, streams.Count, transactions, faults, faults.Count == 0));

        async Task Tell(VerificationLine line)
        {
            await http.Response.WriteAsync(JsonSerializer.Serialize(line, ContractJson.Options) + "\n", ct);
            await http.Response.Body.FlushAsync(ct);
        }
    }

    /// <summary>One verification. Each stream is read as it was at one moment, so that commands can go on meanwhile.</summary>
    private sealed class Check(string region, IDocumentStore store, NpgsqlDataSource database, IReadOnlyDictionary<string, Type> types)
    {
        private readonly Dictionary<(string Stream, long Version), SealedHead> _sealed = [];

        /// <summary>The seals first: what they hold is what the streams are compared with.</summary>
        public async Task<IReadOnlyList<LedgerFault>> SealsAsync(string? kept, CancellationToken ct)
        {
            var (faults, isKept) = (new List<LedgerFault>(), kept is null);
            await AtOneMoment(
                async (connection, session) =>
                {
                    var walk = new Walk<SealedLedger>(region, SealedLedger.Stream, types, (version, what) => faults.Add(new LedgerFault(SealedLedger.Stream, version, what)));
                    await walk.ReadOnAsync(
                        connection,
                        (page, _) =>
                        {
                            isKept |= page.Any(e => e.Hash == kept);
                            foreach (var head in page.Where(e => e.Fault is null).SelectMany(e => JsonSerializer.Deserialize<LedgerSealed>(e.Data, ContractJson.Options)!.Heads))
                                _sealed[(head.Stream, head.Sequence)] = head;
                            return Task.FromResult(faults.Count < MostFaults);
                        },
                        ct);
                    if (!Stored.Same(await session.LoadAsync<SealedLedger>(SealedLedger.Stream, ct), walk.State))
                        faults.Add(new LedgerFault(SealedLedger.Stream, null, "Its stored state is not what the seals give."));
                },
                ct);
            return isKept ? faults : [new LedgerFault(SealedLedger.Stream, null, "No seal of the ledger has the hash that was named."), .. faults];
        }

        // Where there are events, where there is a state, where the list of streams says that there should be some, and where a seal does.
        public async Task<IReadOnlyList<string>> StreamsAsync(CancellationToken ct)
        {
            await using var command = database.CreateCommand(
                """
                select id from mt_streams where tenant_id = $1
                union select id from mt_doc_planrow where tenant_id = $1
                union select id from mt_doc_contribution where tenant_id = $1
                union select distinct data ->> 'row' from mt_doc_reservation where tenant_id = $1
                union select distinct row from journal where region = $1
                union select distinct stream_id from mt_events where tenant_id = $1
                union select unnest($2)
                """);
            command.Parameters.AddWithValue(region);
            command.Parameters.AddWithValue(_sealed.Keys.Select(k => k.Stream).Distinct().ToArray());
            await using var reader = await command.ExecuteReaderAsync(ct);
            var streams = new List<string>();
            while (await reader.ReadAsync(ct))
                streams.Add(reader.GetString(0));
            return [.. streams.Where(s => s is not (SealedLedger.Stream or LedgerStreams.Tombstones)).Order(StringComparer.Ordinal)];
        }

        public async Task<(IReadOnlyList<LedgerFault> Faults, long Transactions)> StreamAsync(string stream, CancellationToken ct)
        {
            var (faults, read) = (new List<LedgerFault>(), 0L);
            await AtOneMoment(
                async (connection, session) => read = await (LedgerStreams.KindOf(stream) switch
                {
                    LedgerStreams.Findings => CompareAsync<FindingDecision>(stream, connection, session, faults, ct),
                    LedgerStreams.Missing => CompareAsync<MissingRow>(stream, connection, session, faults, ct),
                    LedgerStreams.Keys => CompareAsync<ContributionKey>(stream, connection, session, faults, ct),
                    LedgerStreams.AnnualPlans => CompareAsync<AnnualPlan>(stream, connection, session, faults, ct),
                    LedgerStreams.Contributions => CompareAsync<Contribution>(stream, connection, session, faults, ct),
                    LedgerStreams.MemoLines => CompareAsync<MemoLine>(stream, connection, session, faults, ct),
                    _ => CompareRowAsync(stream, connection, session, faults, ct),
                }),
                ct);
            return (faults, read);
        }

        private async Task<long> CompareRowAsync(string row, NpgsqlConnection connection, IQuerySession session, List<LedgerFault> faults, CancellationToken ct)
        {
            var walk = await WalkAsync<PlanRow>(row, connection, session, faults, ct);
            if (faults.Count >= MostFaults)
                return walk.Version;
            foreach (var key in await walk.Reservations.DifferingAsync(session, walk.Reservations.Made.Keys, ct))
                faults.Add(new LedgerFault(row, null, $"The stored reservation {key} is not what the transactions give."));
            if (await walk.Reservations.UnknownAsync(session, ct) is { Count: > 0 } unknown)
                faults.Add(new LedgerFault(row, null, $"There are stored reservations that no transaction made: {unknown.Count}."));
            if ((await Journal.ReadAsync(connection, region, row, walk.Version + 1, long.MaxValue, ct)).Count > 0)
                faults.Add(new LedgerFault(row, null, "The journal has lines of transactions that are not there."));
            return walk.Version;
        }

        private async Task<long> CompareAsync<T>(string stream, NpgsqlConnection connection, IQuerySession session, List<LedgerFault> faults, CancellationToken ct)
            where T : class, IAggregate<T> =>
            (await WalkAsync<T>(stream, connection, session, faults, ct)).Version;

        private async Task<Walk<T>> WalkAsync<T>(string stream, NpgsqlConnection connection, IQuerySession session, List<LedgerFault> faults, CancellationToken ct)
            where T : class, IAggregate<T>
        {
            var walk = new Walk<T>(region, stream, types, Found);
            await walk.ReadOnAsync(
                connection,
                async (page, lines) =>
                {
                    foreach (var e in page.Where(e => _sealed.TryGetValue((stream, e.Version), out var head) && head.Hash != e.Hash))
                        Found(e.Version, "It is not what was sealed.");
                    // What is before the first event belongs to it, too.
                    var stored = await Journal.ReadAsync(connection, region, stream, page[0].Version == 1 ? long.MinValue : page[0].Version, page[^1].Version, ct);
                    foreach (var version in stored.Except(lines).Concat(lines.Except(stored)).Select(l => l.Version).Distinct().Order())
                        Found(version, "The journal's line of it is not what it gives.");
                    return faults.Count < MostFaults;
                },
                ct);
            if (faults.Count >= MostFaults)
                return walk;
            foreach (var (_, version) in _sealed.Keys.Where(k => k.Stream == stream && k.Version > walk.Version).OrderBy(k => k.Version).TakeLast(1))
                Found(version, $"It was sealed and is not there: {version - walk.Version} transactions were removed from the end.");
            if (await session.Events.FetchStreamStateAsync(stream, ct) is not { } state || state.Version != walk.Version)
                Found(null, $"{walk.Version} transactions are there, and not as many as were recorded.");
            if (!Stored.Same(await session.LoadAsync<T>(stream, ct), walk.State))
                Found(null, "Its stored balance is not what the transactions give.");
            return walk;

            void Found(long? version, string what) => faults.Add(new LedgerFault(stream, version, what));
        }

        private async Task AtOneMoment(Func<NpgsqlConnection, IQuerySession, Task> read, CancellationToken ct)
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
