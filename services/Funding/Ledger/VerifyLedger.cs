using System.Data;
using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>Something in the ledger that is not as it was recorded, or that breaks a rule.</summary>
/// <param name="Row">The row.</param>
/// <param name="Transaction">The transaction's number on the row; null where it is the row's state.</param>
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
    private const int PartsAtOnce = 500;

    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/verification", Handle)
        .WithSummary("Walks the chains of all rows, checks every rule, makes each balance anew from the transactions alone and compares; a JSON line after each row, the result last")
        .Produces<VerificationLine>(contentType: "application/x-ndjson")
        .For(Roles.Auditor, Roles.Treasurer);

    private static async Task Handle(string region, HttpContext http, IDocumentStore store, NpgsqlDataSource database, CancellationToken ct)
    {
        http.Response.ContentType = "application/x-ndjson";
        var rows = await RowsAsync(database, region, ct);
        var (faults, transactions) = (new List<LedgerFault>(), 0L);
        for (var i = 0; i < rows.Count; i++)
        {
            var (found, read) = await WalkAsync(region, rows[i], store, database, ct);
            transactions += read;
            faults.AddRange(found.Take(MostFaults - faults.Count));
            await Tell(new VerificationLine(rows[i], i + 1, rows.Count, transactions, [.. found.Take(MostFaults)]));
        }

        await Tell(new VerificationLine(null, rows.Count, rows.Count, transactions, faults, faults.Count == 0));

        async Task Tell(VerificationLine line)
        {
            await http.Response.WriteAsync(JsonSerializer.Serialize(line, ContractJson.Options) + "\n", ct);
            await http.Response.Body.FlushAsync(ct);
        }
    }

    // All of a row is read as it was at one moment, so that commands can go on meanwhile.
    private static async Task<(IReadOnlyList<LedgerFault> Faults, long Transactions)> WalkAsync(
        string region, string row, IDocumentStore store, NpgsqlDataSource database, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var moment = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        var options = Marten.Services.SessionOptions.ForTransaction(moment);
        options.TenantId = region;
        await using var session = store.QuerySession(options);
        return await new Walk(session, connection, region, row).RunAsync(ct);
    }

    // Where there are events, where there is a state, and where the list of streams says that there should be some. What is no row
    // has a name with a slash.
    private static async Task<IReadOnlyList<string>> RowsAsync(NpgsqlDataSource database, string region, CancellationToken ct)
    {
        await using var command = database.CreateCommand(
            """
            select id from mt_streams where tenant_id = $1 and id not like '%/%'
            union select id from mt_doc_planrow where tenant_id = $1
            union select distinct data ->> 'row' from mt_doc_reservation where tenant_id = $1
            union select distinct data ->> 'row' from mt_doc_grant where tenant_id = $1
            union select distinct stream_id from mt_events where tenant_id = $1 and stream_id not like '%/%' order by 1
            """);
        command.Parameters.AddWithValue(region);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var rows = new List<string>();
        while (await reader.ReadAsync(ct))
            rows.Add(reader.GetString(0));
        return rows;
    }

    /// <summary>One row, from its first transaction to its state.</summary>
    private sealed class Walk(IQuerySession session, NpgsqlConnection connection, string region, string id)
    {
        private static readonly Dictionary<string, Type> Types = PublicEvents.In(typeof(PublicEventAttribute).Assembly).Concat(Papers.Events).ToDictionary();
        private readonly Dictionary<string, Reservation> _reservations = [];
        private readonly Dictionary<string, Grant> _grants = [];
        private readonly List<LedgerFault> _faults = [];
        private PlanRow? _row;
        private string? _head;

        public async Task<(IReadOnlyList<LedgerFault> Faults, long Transactions)> RunAsync(CancellationToken ct)
        {
            var version = 0L;
            await foreach (var e in Chain.ReadAsync(connection, region, id, ct))
            {
                (version, _head) = (e.Version, e.Hash);
                if (e.Fault is { } fault)
                    Found(e.Version, fault);
                Take(e);
                if (_faults.Count >= MostFaults)
                    return (_faults, version);
            }

            await CompareAsync(version, ct);
            return (_faults, version);
        }

        private void Found(long? transaction, string what) => _faults.Add(new LedgerFault(id, transaction, what));

        private void Take(ChainedEvent e)
        {
            try
            {
                var data = JsonSerializer.Deserialize(e.Data, Types[e.Type], ContractJson.Options)!;
                _row = PlanRow.Apply(_row, id, data);
                Fold(_reservations, data);
                Fold(_grants, data);
                if (_row?.Funds.Any(f => f.Balance.Planned != f.Balance.Available.Plus(f.Balance.Reserved).Plus(f.Balance.Committed).Plus(f.Balance.Paid)) == true)
                    Found(e.Version, "Planned is not available + reserved + committed + paid after it.");
                if (_row?.Funds.Any(f => ((Money[])[f.Balance.Available, f.Balance.Reserved, f.Balance.Committed, f.Balance.Paid]).Any(m => m.Amount < 0)) == true)
                    Found(e.Version, "An account is below zero after it.");
            }
            catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException or OverflowException)
            {
                Found(e.Version, $"It cannot be applied: {problem.Message}");
            }
        }

        private async Task CompareAsync(long version, CancellationToken ct)
        {
            if (await session.Events.FetchStreamStateAsync(id, ct) is not { } state || state.Version != version)
                Found(null, $"{version} transactions are there, and not as many as were recorded.");
            var stored = await session.LoadAsync<PlanRow>(id, ct);
            if (!Same(stored, _row is null || _head is null ? _row : (PlanRow)_row.WithHead(_head)))
                Found(null, "Its stored balance is not what the transactions give.");
            await CompareAsync(_reservations, "reservation", await session.Query<Reservation>().CountAsync(r => r.Row == id, ct), ct);
            await CompareAsync(_grants, "grant", await session.Query<Grant>().CountAsync(g => g.Row == id, ct), ct);
        }

        private async Task CompareAsync<TPart>(Dictionary<string, TPart> made, string what, int stored, CancellationToken ct)
            where TPart : class, IPart<TPart>
        {
            foreach (var ids in made.Keys.Chunk(PartsAtOnce))
            {
                var parts = (await session.LoadManyAsync<TPart>(ct, ids)).ToDictionary(p => p.Id);
                foreach (var key in ids.Where(key => !Same(parts.GetValueOrDefault(key), made[key])))
                    Found(null, $"The stored {what} {key} is not what the transactions give.");
            }

            if (stored > made.Count)
                Found(null, $"There are stored {what}s that no transaction made: {stored - made.Count}.");
        }

        private static void Fold<TPart>(Dictionary<string, TPart> parts, object data)
            where TPart : class, IPart<TPart>
        {
            if (TPart.KeyOf(data) is { } key && TPart.Apply(parts.GetValueOrDefault(key), data) is { } part)
                parts[key] = part;
        }

        private static bool Same<T>(T? stored, T? made) => JsonSerializer.Serialize(stored, ContractJson.Options) == JsonSerializer.Serialize(made, ContractJson.Options);
    }
}
