using KkiMesh.Contracts;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>What the journal sums up to for a key.</summary>
/// <param name="Key">A row, a source, a municipality, a purpose, a year or a month; empty where it is not stated.</param>
/// <param name="Balance">The sum.</param>
internal sealed record Fact(string Key, Balance Balance);

/// <summary>Money on its way from a source by a row to somebody.</summary>
/// <param name="Source">The source.</param>
/// <param name="Row">The row.</param>
/// <param name="Recipient">To whom.</param>
/// <param name="Municipality">Their municipality's code; null where it is not stated.</param>
/// <param name="Committed">What is promised and not paid yet.</param>
/// <param name="Paid">What is paid and not given back.</param>
internal sealed record FlowFact(string Source, string Row, string Recipient, string? Municipality, Money Committed, Money Paid);

/// <summary>Sums of the journal, as of a day and a moment.</summary>
internal static class Facts
{
    private const int MostFlows = 5000;
    private const int MostMunicipalities = 1000;

    private const string Until =
        "j.region = $1 and ($2::integer is null or j.fiscal_year = $2) and j.business_date <= $3 and j.recorded_at <= $4";

    public static async Task<IReadOnlyList<Fact>> FactsAsync(
        this NpgsqlDataSource database, string region, ReportBy by, int? fiscalYear, DateOnly day, DateTimeOffset knownAt, CancellationToken ct)
    {
        var key = by switch
        {
            ReportBy.Source => "j.source",
            ReportBy.Municipality => "coalesce(g.data ->> 'municipality', '')",
            ReportBy.Purpose => "coalesce(r.data ->> 'expenditurePurpose', '')",
            ReportBy.Year => "j.fiscal_year::text",
            ReportBy.Month => "to_char(j.business_date, 'YYYY-MM')",
            _ => "j.row",
        };
        await using var read = database.CreateCommand(
            $"""
            select {key}, sum(j.planned)::bigint, sum(j.available)::bigint, sum(j.reserved)::bigint, sum(j.committed)::bigint, sum(j.paid)::bigint
            from journal j
            left join mt_doc_reservation r on {(by == ReportBy.Purpose ? "r.tenant_id = j.region and r.id = j.reservation_id::text" : "false")}
            left join mt_doc_grant g on {(by == ReportBy.Municipality ? "g.tenant_id = j.region and g.id = j.commitment_id::text" : "false")}
            where {Until} group by 1
            """);
        await using var reader = await read.Asking(region, fiscalYear, day, knownAt).ExecuteReaderAsync(ct);
        var facts = new List<Fact>();
        while (await reader.ReadAsync(ct))
            facts.Add(new Fact(reader.GetString(0), new Balance(Eur(1), Eur(2), Eur(3), Eur(4), Eur(5))));
        return facts;

        Money Eur(int column) => Money.Eur(reader.GetInt64(column));
    }

    /// <summary>The largest flows first, at most 5,000; where nothing is left promised or paid there is none.</summary>
    public static async Task<IReadOnlyList<FlowFact>> FlowsAsync(
        this NpgsqlDataSource database, string region, int? fiscalYear, DateOnly day, DateTimeOffset knownAt, CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            $"""
            select j.source, j.row, g.data ->> 'recipient', g.data ->> 'municipality', sum(j.committed)::bigint, sum(j.paid)::bigint
            from journal j join mt_doc_grant g on g.tenant_id = j.region and g.id = j.commitment_id::text
            where {Until} group by 1, 2, 3, 4 having sum(j.committed) + sum(j.paid) <> 0
            order by sum(j.committed) + sum(j.paid) desc, 1, 2, 3 limit {MostFlows}
            """);
        await using var reader = await read.Asking(region, fiscalYear, day, knownAt).ExecuteReaderAsync(ct);
        var flows = new List<FlowFact>();
        while (await reader.ReadAsync(ct))
        {
            flows.Add(new FlowFact(
                reader.GetString(0), reader.GetString(1), reader.GetString(2), await reader.IsDBNullAsync(3, ct) ? null : reader.GetString(3),
                Money.Eur(reader.GetInt64(4)), Money.Eur(reader.GetInt64(5))));
        }

        return flows;
    }

    /// <summary>What the municipalities are called, by their codes.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> MunicipalitiesAsync(IQuerySession session, CancellationToken ct) =>
        (await session.Query<KnownMunicipality>().Take(MostMunicipalities).ToListAsync(ct)).ToDictionary(m => m.Id, m => m.Name);

    private static NpgsqlCommand Asking(this NpgsqlCommand read, string region, int? fiscalYear, DateOnly day, DateTimeOffset knownAt)
    {
        foreach (var value in (object[])[region, fiscalYear ?? (object)DBNull.Value, day, knownAt.ToUniversalTime()])
            read.Parameters.AddWithValue(value);
        return read;
    }
}
