using System.Globalization;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>What the journal sums up to for a key.</summary>
/// <param name="Key">A row, a source, a municipality, a purpose, a year or a
/// month; empty where it is not stated.</param>
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

/// <summary>What a municipality gave, over the years that were asked for.</summary>
/// <param name="Municipality">Its code.</param>
/// <param name="Called">What it was asked for.</param>
/// <param name="Received">What came in, less what was given back or carried on.</param>
/// <param name="Outstanding">What of the calls was still to come.</param>
/// <param name="Credit">What came beyond the calls.</param>
internal sealed record ContributionFact(string Municipality, Money Called, Money Received, Money Outstanding, Money Credit);

/// <summary>Sums of the journal, and of contributions, as of a day and a moment.</summary>
internal static class Facts
{
    private const int MostFlows = 5000;
    private const int MostMunicipalities = 1000;

    private static readonly string Submitted = PublicEvents.TypeOf(typeof(AnnualPlanSubmitted))!;
    private static readonly string Declined = PublicEvents.TypeOf(typeof(AnnualPlanDeclined))!;

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

    /// <summary>
    /// What municipalities gave, from the events of their contributions. What is outstanding, or credit, is
    /// reckoned for each year from the sums: the postings tell what was so in the order of
    /// recording, which for an earlier day may leave some out.
    /// </summary>
    public static async Task<IReadOnlyList<ContributionFact>> ContributionsAsync(
        this NpgsqlDataSource database, string region, int? fiscalYear, DateOnly day, DateTimeOffset knownAt, CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            $"""
            select municipality, sum(called)::bigint, sum(received)::bigint, sum(greatest(0, called - received))::bigint,
                   sum(greatest(0, received - called))::bigint
            from (
                select c.data ->> 'municipality' as municipality, c.id,
                       -coalesce(sum(p.cents) filter (where p.account = '{ContributionAccount.Called}'), 0) as called,
                       coalesce(sum(p.cents) filter (where p.account = '{ContributionAccount.Received}'), 0) as received
                from mt_doc_contribution c
                join mt_events e on e.tenant_id = c.tenant_id and e.stream_id = c.id
                cross join lateral (
                    select p ->> 'account' as account, (p -> 'amount' ->> 'amount')::bigint as cents from jsonb_array_elements(e.data -> 'postings') p) p
                where c.tenant_id = $1 and ($2::integer is null or (c.data ->> 'year')::integer = $2)
                  and (e.data ->> 'businessDate')::date <= $3 and e.headers ->> 'recordedat' <= $4 collate "C"
                group by 1, 2) each_year
            group by 1
            """);
        await using var reader = await read.AskingEvents(region, fiscalYear, day, knownAt).ExecuteReaderAsync(ct);
        var facts = new List<ContributionFact>();
        while (await reader.ReadAsync(ct))
            facts.Add(new ContributionFact(reader.GetString(0), Eur(1), Eur(2), Eur(3), Eur(4)));
        return facts;

        Money Eur(int column) => Money.Eur(reader.GetInt64(column));
    }

    /// <summary>
    /// What municipalities have declined of annual plans: their shares in the version that was the newest one.
    /// </summary>
    /// <returns>By their codes.</returns>
    public static async Task<IReadOnlyDictionary<string, Money>> DeclinedAsync(
        this NpgsqlDataSource database, string region, int? fiscalYear, DateOnly day, DateTimeOffset knownAt, CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            $"""
            with known as (
                select type, (data ->> 'year')::integer as year, (data ->> 'version')::integer as version, data from mt_events
                where tenant_id = $1 and stream_id like '{LedgerStreams.AnnualPlans}/%' and type in ('{Submitted}', '{Declined}')
                  and ($2::integer is null or (data ->> 'year')::integer = $2)
                  and (data ->> 'businessDate')::date <= $3 and headers ->> 'recordedat' <= $4 collate "C")
            select d.data ->> 'municipality', sum((d.data -> 'amount' ->> 'amount')::bigint)::bigint from known d
            where d.type = '{Declined}'
              and d.version = (select max(s.version) from known s where s.type = '{Submitted}' and s.year = d.year)
            group by 1
            """);
        await using var reader = await read.AskingEvents(region, fiscalYear, day, knownAt).ExecuteReaderAsync(ct);
        var declined = new Dictionary<string, Money>();
        while (await reader.ReadAsync(ct))
            declined[reader.GetString(0)] = Money.Eur(reader.GetInt64(1));
        return declined;
    }

    /// <summary>When grants, by their ids, were last changed by a transaction or a paper.</summary>
    public static async Task<IReadOnlyDictionary<string, DateTimeOffset>> ChangedAsync(
        this NpgsqlDataSource database, string region, IReadOnlyList<string> grants, CancellationToken ct)
    {
        await using var read = database.CreateCommand("select id, mt_last_modified from mt_doc_grant where tenant_id = $1 and id = any($2)");
        read.Parameters.AddWithValue(region);
        read.Parameters.AddWithValue(grants.ToArray());
        await using var reader = await read.ExecuteReaderAsync(ct);
        var changed = new Dictionary<string, DateTimeOffset>();
        while (await reader.ReadAsync(ct))
            changed[reader.GetString(0)] = await reader.GetFieldValueAsync<DateTimeOffset>(1, ct);
        return changed;
    }

    /// <summary>What the municipalities are called, by their codes.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> MunicipalitiesAsync(IQuerySession session, CancellationToken ct) =>
        (await session.Query<KnownMunicipality>().Take(MostMunicipalities).ToListAsync(ct)).ToDictionary(m => m.Id, m => m.Name);

    // Hashes cover the moment as this text, to the tick; the database's own time would round it.
    private static NpgsqlCommand AskingEvents(
        this NpgsqlCommand read, string region, int? fiscalYear, DateOnly day, DateTimeOffset knownAt)
    {
        var moment = knownAt.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);
        foreach (var value in (object[])[region, fiscalYear ?? (object)DBNull.Value, day, moment])
            read.Parameters.AddWithValue(value);
        return read;
    }

    private static NpgsqlCommand Asking(this NpgsqlCommand read, string region, int? fiscalYear, DateOnly day, DateTimeOffset knownAt)
    {
        foreach (var value in (object[])[region, fiscalYear ?? (object)DBNull.Value, day, knownAt.ToUniversalTime()])
            read.Parameters.AddWithValue(value);
        return read;
    }
}
