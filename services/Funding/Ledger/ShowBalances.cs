using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>What a row had.</summary>
/// <param name="Row">The row.</param>
/// <param name="Funds">The money, by year and source.</param>
public sealed record RowBalance(string Row, IReadOnlyList<Fund> Funds);

/// <summary>What all rows had on a day, as it was known at a moment.</summary>
/// <param name="AsOf">The day; what counts for it is in.</param>
/// <param name="KnownAt">The moment; what was recorded later is not in.</param>
/// <param name="Rows">The rows that have money.</param>
/// <param name="Total">Over all of them.</param>
public sealed record Balances(DateOnly AsOf, DateTimeOffset KnownAt, IReadOnlyList<RowBalance> Rows, Balance Total);

/// <summary>A moment of the past, in both times.</summary>
/// <param name="AsOf">What counts for this day and the days before; by default all days until the moment.</param>
/// <param name="KnownAt">What was recorded until this moment; by default now.</param>
internal sealed record Moment(DateOnly? AsOf, DateTimeOffset? KnownAt)
{
    private static readonly DateOnly Last = new(2100, 12, 31);

    /// <summary>What is wrong with it; null where nothing is.</summary>
    public Refusal? Fault() =>
        AsOf > Last ? Refusal.Invalid("asOf", $"The last day that can be asked for is {Last:yyyy-MM-dd}.")
        : KnownAt?.Year > Last.Year ? Refusal.Invalid("knownAt", $"The last moment that can be asked for is in {Last.Year}.")
        : null;

    /// <summary>
    /// The moment, with now for what is not said; what was known then is settled, and its answer never changes.
    /// </summary>
    public async Task<(DateOnly Day, DateTimeOffset KnownAt)> SettleAsync(SettledTime settled, TimeProvider time, string region, CancellationToken ct) =>
        (AsOf ?? BusinessDate.Of(KnownAt ?? time.GetUtcNow()), await settled.SettleAsync(region, KnownAt, ct));
}

internal static class ShowBalances
{
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/balances", Show)
        .WithSummary("Shows what rows had on a day (asOf), as it was known at a moment (knownAt); of one row, or one year, or all")
        .Produces<Balances>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(422);

    internal static async Task<IResult> Show(
        string region, string? row, int? fiscalYear, [AsParameters] Moment moment,
        IDocumentStore store, NpgsqlDataSource database, SettledTime settled, TimeProvider time, CancellationToken ct)
    {
        if (moment.Fault() is { } fault)
            return Problems.Of(fault);
        var (day, knownAt) = await moment.SettleAsync(settled, time, region, ct);
        await using var session = store.QuerySession(region);
        IQueryable<PlanRow> asked = session.Query<PlanRow>();
        if (row is not null)
            asked = asked.Where(r => r.Id == row);
        var rows = await asked.OrderBy(r => r.Id).Take(ActionPlan.MostRows).ToListAsync(ct);
        if (row is not null && rows.Count == 0)
            return Problems.Of(Refusal.NotFound($"The plan of {region} has no row {row}."));
        IReadOnlyList<FundKey> funds =
            [.. rows.SelectMany(r => r.Funds.Where(f => fiscalYear is null || f.FiscalYear == fiscalYear).Select(f => new FundKey(r.Id, f.FiscalYear, f.Source)))];
        var balances = await database.AsOfAsync(region, funds, day, knownAt, ct);
        return Results.Ok(new Balances(
            day,
            knownAt,
            [.. funds.GroupBy(f => f.Row).Select(r => new RowBalance(r.Key, [.. r.Select(f => new Fund(f.FiscalYear, f.Source, balances[f]))]))],
            balances.Values.Aggregate(Balance.Zero, (sum, b) => sum + b)));
    }
}
