using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>A transaction on a statement.</summary>
/// <param name="Date">The day that it counts for.</param>
/// <param name="Sequence">Its number on the row.</param>
/// <param name="TransactionId">Its id.</param>
/// <param name="Type">What happened.</param>
/// <param name="RecordedAt">When it was recorded.</param>
/// <param name="Source">The source.</param>
/// <param name="ReservationId">The reservation; null where it is about the plan.</param>
/// <param name="CommitmentId">The commitment; null where it is about none.</param>
/// <param name="Change">What it added to each account; negative: took away.</param>
public sealed record StatementLine(
    DateOnly Date, long Sequence, Guid TransactionId, string Type, DateTimeOffset RecordedAt, FundingSource Source, Guid? ReservationId, Guid? CommitmentId, Balance Change);

/// <summary>A row's money in a year, from one day to another.</summary>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="From">The first day.</param>
/// <param name="To">The last day.</param>
/// <param name="KnownAt">What was recorded later is not in.</param>
/// <param name="Opening">What the row had before the first day.</param>
/// <param name="Lines">What happened, by day; a page of it.</param>
/// <param name="Closing">What the row had at the end of the last day.</param>
public sealed record Statement(
    string Row, int FiscalYear, DateOnly From, DateOnly To, DateTimeOffset KnownAt, Balance Opening, Page<StatementLine> Lines, Balance Closing);

internal static class ShowStatement
{
    private const string Lines =
        """
        select j.business_date, j.version, j.transaction_id, e.type, j.recorded_at, j.source, j.reservation_id, j.commitment_id,
               j.planned, j.available, j.reserved, j.committed, j.paid, count(*) over ()
        from journal j join mt_events e on e.tenant_id = j.region and e.stream_id = j.row and e.version = j.version
        where j.region = $1 and j.row = $2 and j.fiscal_year = $3 and j.business_date between $4 and $5 and j.recorded_at <= $6
        order by j.business_date, j.version, j.source offset $7 limit $8
        """;

    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/rows/{row}/statement", Show)
        .Explains("from", "The first day; by default that of the oldest transaction.")
        .Explains("to", "The last day; by default today.")
        .Explains("knownAt", "What was recorded until this moment; by default now.")
        .WithSummary("Shows a row's statement for a year: what it had, what happened from one day to another, and what it had then")
        .Produces<Statement>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(422);

    private static async Task<IResult> Show(
        string region, string row, [Required] int fiscalYear, DateOnly? from, DateOnly? to, DateTimeOffset? knownAt, [AsParameters] Paging paging,
        IDocumentStore store, NpgsqlDataSource database, SettledTime settled, TimeProvider time, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        if (await session.LoadAsync<PlanRow>(row, ct) is not { } plan)
            return Problems.Of(Refusal.NotFound($"The plan of {region} has no row {row}."));
        var first = from ?? Dates.First;
        if ((Dates.Fault(first, to ?? BusinessDate.Of(knownAt ?? time.GetUtcNow()), "from") ?? new Moment(to, null).Fault()) is { } fault)
            return Problems.Of(fault);
        var (last, known) = await new Moment(to, knownAt).SettleAsync(settled, time, region, ct);
        IReadOnlyList<FundKey> funds = [.. plan.Funds.Where(f => f.FiscalYear == fiscalYear).Select(f => new FundKey(row, fiscalYear, f.Source))];
        return Results.Ok(new Statement(
            row, fiscalYear, first, last, known,
            Sum(await database.AsOfAsync(region, funds, first.AddDays(-1), known, ct)),
            await LinesAsync(database, paging, [region, row, fiscalYear, first, last, known.ToUniversalTime()], ct),
            Sum(await database.AsOfAsync(region, funds, last, known, ct))));
    }

    private static Balance Sum(IReadOnlyDictionary<FundKey, Balance> balances) => balances.Values.Aggregate(Balance.Zero, (sum, b) => sum + b);

    private static async Task<Page<StatementLine>> LinesAsync(NpgsqlDataSource database, Paging paging, object[] which, CancellationToken ct)
    {
        var (number, size) = paging.Bounded();
        await using var read = database.CreateCommand(Lines);
        foreach (var value in (object[])[.. which, (long)(number - 1) * size, size])
            read.Parameters.AddWithValue(value);
        await using var reader = await read.ExecuteReaderAsync(ct);
        var (lines, total) = (new List<StatementLine>(), 0L);
        while (await reader.ReadAsync(ct))
        {
            total = reader.GetInt64(13);
            lines.Add(new StatementLine(
                await reader.GetFieldValueAsync<DateOnly>(0, ct), reader.GetInt64(1), reader.GetGuid(2), reader.GetString(3),
                await reader.GetFieldValueAsync<DateTimeOffset>(4, ct), Enum.Parse<FundingSource>(reader.GetString(5)), Id(6), Id(7),
                new Balance(Eur(8), Eur(9), Eur(10), Eur(11), Eur(12))));
        }

        return new Page<StatementLine>(lines, number, size, total);

        Guid? Id(int column) => reader.IsDBNull(column) ? null : reader.GetGuid(column);

        Money Eur(int column) => Money.Eur(reader.GetInt64(column));
    }
}
