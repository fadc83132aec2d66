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
        .Produces<VerificationLine>(contentType: JsonLines.ContentType)
        .For(Roles.Auditor, Roles.Treasurer);

    private static async Task Handle(string region, string? seal, HttpContext http, IDocumentStore store, NpgsqlDataSource database, CancellationToken ct)
    {
        http.Response.ContentType = JsonLines.ContentType;
        var check = new Check(region, store, database, LedgerStreams.TypesOf(store), ct);
        var (faults, transactions) = (new List<LedgerFault>(), 0L);
        faults.AddRange(await check.SealsAsync(seal));
        var streams = await check.StreamsAsync();
        for (var i = 0; i < streams.Count; i++)
        {
            var (found, read) = await check.DoAsync(streams[i]);
            transactions += read;
            faults.AddRange(found.Take(MostFaults - faults.Count));
            await http.Response.TellAsync(new VerificationLine(streams[i], i + 1, streams.Count, transactions, [.. found.Take(MostFaults)]), ct);
        }

        await http.Response.TellAsync(new VerificationLine(null, streams.Count, streams.Count, transactions, faults, faults.Count == 0), ct);
    }

    /// <summary>One verification. Each stream is read as it was at one moment, so that commands can go on meanwhile.</summary>
    private sealed class Check(string region, IDocumentStore store, NpgsqlDataSource database, IReadOnlyDictionary<string, Type> types, CancellationToken ct)
        : IStreamWork<(IReadOnlyList<LedgerFault> Faults, long Transactions)>
    {
        private readonly Dictionary<(string Stream, long Version), SealedHead> _sealed = [];

        /// <summary>The seals first: what they hold is what the streams are compared with.</summary>
        public async Task<IReadOnlyList<LedgerFault>> SealsAsync(string? kept)
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
                });
            return isKept ? faults : [new LedgerFault(SealedLedger.Stream, null, "No seal of the ledger has the hash that was named."), .. faults];
        }

        // Where there are events, where there is a state, where the list of streams says that there should be some, and where a seal does.
        public async Task<IReadOnlyList<string>> StreamsAsync()
        {
            await using var command = database.CreateCommand(
                $"""
                {LedgerStreams.Ids}
                union select id from mt_doc_planrow where tenant_id = $1
                union select distinct data ->> 'row' from mt_doc_reservation where tenant_id = $1
                union select distinct data ->> 'row' from mt_doc_grant where tenant_id = $1
                union select distinct row from journal where region = $1
                union select unnest($2)
                """);
            command.Parameters.AddWithValue(region);
            command.Parameters.AddWithValue(_sealed.Keys.Select(k => k.Stream).Distinct().ToArray());
            await using var reader = await command.ExecuteReaderAsync(ct);
            var streams = new List<string>();
            while (await reader.ReadAsync(ct))
                streams.Add(reader.GetString(0));
            return [.. streams.Where(s => s != SealedLedger.Stream).Order(StringComparer.Ordinal)];
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
