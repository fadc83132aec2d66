using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>What a transaction did to the money of a row in a year from a source.</summary>
/// <param name="Row">The row.</param>
/// <param name="Version">The transaction's number on the row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Source">The source.</param>
/// <param name="TransactionId">The transaction.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
/// <param name="RecordedAt">When it was recorded.</param>
/// <param name="ReservationId">The reservation that it is about; null where it is about the plan.</param>
/// <param name="CommitmentId">The commitment that it is about; null where it is about none.</param>
/// <param name="Change">What it added to each account.</param>
/// <param name="After">What each account had then.</param>
internal sealed record JournalLine(
    string Row,
    long Version,
    int FiscalYear,
    FundingSource Source,
    Guid TransactionId,
    DateOnly BusinessDate,
    DateTimeOffset RecordedAt,
    Guid? ReservationId,
    Guid? CommitmentId,
    Balance Change,
    Balance After)
{
    /// <summary>Whether it was recorded after the day that it counts for.</summary>
    public bool IsLate => BusinessDate < ServiceDefaults.BusinessDate.Of(RecordedAt);
}

/// <summary>
/// The journal: a line for each transaction and fund, with what the accounts had after it. So a balance at any
/// moment of the past is one line, found by its time, and the late entries after it; it costs the same
/// whatever the row has been through. See docs/adr/0010-journal.md.
/// </summary>
internal static class Journal
{
    /// <summary>Makes the table.</summary>
    public const string Table =
        """
        create table if not exists journal (
            region text, row text, version bigint, fiscal_year integer, source text, transaction_id uuid not null,
            business_date date not null, recorded_at timestamptz not null, is_late boolean not null, reservation_id uuid, commitment_id uuid,
            planned bigint not null, available bigint not null, reserved bigint not null, committed bigint not null, paid bigint not null,
            planned_after bigint not null, available_after bigint not null, reserved_after bigint not null, committed_after bigint not null, paid_after bigint not null,
            primary key (region, row, version, fiscal_year, source));
        create index if not exists journal_recorded on journal (region, row, fiscal_year, source, recorded_at, version);
        create index if not exists journal_late on journal (region, row, fiscal_year, source, business_date) where is_late
        """;

    /// <summary>
    /// Lines that are written when their session is saved, those of all its transactions in one statement.
    /// </summary>
    public static readonly Gathered<JournalLine> Waiting = new(Write);

    // For each fund: what it had when it was last written to before the cut, and what
    // counts for the time before but was recorded after.
    private const string AsOf =
        """
        select f.row, f.fiscal_year, f.source,
               coalesce(b.planned_after, 0) + coalesce(l.planned, 0), coalesce(b.available_after, 0) + coalesce(l.available, 0),
               coalesce(b.reserved_after, 0) + coalesce(l.reserved, 0), coalesce(b.committed_after, 0) + coalesce(l.committed, 0),
               coalesce(b.paid_after, 0) + coalesce(l.paid, 0)
        from unnest($2::text[], $3::integer[], $4::text[]) as f (row, fiscal_year, source)
        left join lateral (
            select * from journal j
            where j.region = $1 and j.row = f.row and j.fiscal_year = f.fiscal_year and j.source = f.source and j.recorded_at < $5
            order by j.recorded_at desc, j.version desc limit 1) b on true
        left join lateral (
            select sum(j.planned)::bigint as planned, sum(j.available)::bigint as available, sum(j.reserved)::bigint as reserved,
                   sum(j.committed)::bigint as committed, sum(j.paid)::bigint as paid
            from journal j
            where j.region = $1 and j.row = f.row and j.fiscal_year = f.fiscal_year and j.source = f.source
              and j.is_late and j.business_date <= $6 and j.recorded_at >= $5 and j.recorded_at < $7) l on true
        """;

    /// <summary>What funds had on a day, as it was known at a moment.</summary>
    /// <param name="database">The ledger's.</param>
    /// <param name="region">The tenant.</param>
    /// <param name="funds">Which ones.</param>
    /// <param name="day">What counts for it and for the days before.</param>
    /// <param name="knownAt">What was recorded until then; with it.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<IReadOnlyDictionary<FundKey, Balance>> AsOfAsync(
        this NpgsqlDataSource database, string region, IReadOnlyList<FundKey> funds, DateOnly day, DateTimeOffset knownAt, CancellationToken ct)
    {
        // The first moment that is not known any more; the database counts microseconds.
        var until = knownAt.ToUniversalTime().AddMicroseconds(1);
        var cut = BusinessDate.BeginOf(day.AddDays(1)) is var next && next < until ? next : until;
        await using var read = database.CreateCommand(AsOf);
        foreach (var value in (object[])[region, funds.Select(f => f.Row).ToArray(), funds.Select(f => f.FiscalYear).ToArray(), funds.Select(f => f.Source.ToString()).ToArray(), cut, day, until])
            read.Parameters.AddWithValue(value);
        await using var reader = await read.ExecuteReaderAsync(ct);
        var balances = new Dictionary<FundKey, Balance>();
        while (await reader.ReadAsync(ct))
        {
            balances[new FundKey(reader.GetString(0), reader.GetInt32(1), Enum.Parse<FundingSource>(reader.GetString(2)))] =
                new Balance(Eur(3), Eur(4), Eur(5), Eur(6), Eur(7));
        }

        return balances;

        Money Eur(int column) => Money.Eur(reader.GetInt64(column));
    }

    /// <summary>The lines of some transactions of a row, in their order.</summary>
    public static async Task<IReadOnlyList<JournalLine>> ReadAsync(NpgsqlConnection connection, string region, string row, long from, long to, CancellationToken ct)
    {
        const string lines =
            """
            select version, fiscal_year, source, transaction_id, business_date, recorded_at, reservation_id, commitment_id, planned, available, reserved, committed, paid,
                   planned_after, available_after, reserved_after, committed_after, paid_after
            from journal where region = $1 and row = $2 and version between $3 and $4
            """;
        await using var read = new NpgsqlCommand(lines, connection);
        foreach (var value in (object[])[region, row, from, to])
            read.Parameters.AddWithValue(value);
        await using var reader = await read.ExecuteReaderAsync(ct);
        var found = new List<JournalLine>();
        while (await reader.ReadAsync(ct))
        {
            found.Add(new JournalLine(
                row, reader.GetInt64(0), reader.GetInt32(1), Enum.Parse<FundingSource>(reader.GetString(2)), reader.GetGuid(3),
                await reader.GetFieldValueAsync<DateOnly>(4, ct), await reader.GetFieldValueAsync<DateTimeOffset>(5, ct), Id(6), Id(7), Balance(8), Balance(13)));
        }

        return [.. found.InOrder()];

        Guid? Id(int column) => reader.IsDBNull(column) ? null : reader.GetGuid(column);

        Balance Balance(int first) => new(Eur(first), Eur(first + 1), Eur(first + 2), Eur(first + 3), Eur(first + 4));

        Money Eur(int column) => Money.Eur(reader.GetInt64(column));
    }

    /// <summary>Lines in the order of their transactions, years and sources.</summary>
    public static IEnumerable<JournalLine> InOrder(this IEnumerable<JournalLine> lines) => lines.OrderBy(l => (l.Version, l.FiscalYear, l.Source));

    /// <summary>Forgets the lines of some transactions of a row, or of all after them.</summary>
    public static void Forget(this IDocumentOperations session, string row, long from, long to) =>
        session.QueueSqlCommand("delete from journal where region = ? and row = ? and version between ? and ?", session.TenantId, row, from, to);

    /// <summary>Writes lines with the session.</summary>
    public static void Write(this IDocumentOperations session, IReadOnlyList<JournalLine> lines)
    {
        if (lines.Count == 0)
            return;
        session.QueueSqlCommand(
            """
            insert into journal select ?, * from unnest(
                ?::text[], ?::bigint[], ?::integer[], ?::text[], ?::uuid[], ?::date[], ?::timestamptz[], ?::boolean[], ?::uuid[], ?::uuid[],
                ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[])
            """,
            [
                session.TenantId,
                Of(l => l.Row), Of(l => l.Version), Of(l => l.FiscalYear), Of(l => l.Source.ToString()), Of(l => l.TransactionId), Of(l => l.BusinessDate),
                Of(l => l.RecordedAt), Of(l => l.IsLate), Of(l => l.ReservationId), Of(l => l.CommitmentId),
                Of(l => l.Change.Planned.Amount), Of(l => l.Change.Available.Amount), Of(l => l.Change.Reserved.Amount), Of(l => l.Change.Committed.Amount), Of(l => l.Change.Paid.Amount),
                Of(l => l.After.Planned.Amount), Of(l => l.After.Available.Amount), Of(l => l.After.Reserved.Amount), Of(l => l.After.Committed.Amount), Of(l => l.After.Paid.Amount),
            ]);

        T[] Of<T>(Func<JournalLine, T> column) => [.. lines.Select(column)];
    }
}
