using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>A sum over rows.</summary>
/// <param name="Balance">Planned, available, reserved, committed, paid.</param>
/// <param name="UnknownRows">How many rows of it have an amount that is not known; the sum is without them.</param>
public sealed record Total(Balance Balance, int UnknownRows);

/// <summary>The sums over all rows of the plan.</summary>
/// <param name="Years">By year.</param>
/// <param name="Overall">Over all years.</param>
public sealed record Totals(IReadOnlyDictionary<int, Total> Years, Total Overall);

internal static class ListRows
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/rows", List).WithSummary("Lists the rows of the action plan with their money");
        group.MapGet("/rows/{row}", Get)
            .WithName("showRow")
            .WithSummary("Shows a row of the action plan")
            .Produces<PlanRow>().ProducesProblem(404);
        group.MapGet("/totals", Sum).WithName("showTotals").WithSummary("Sums all rows, by year and overall");
    }

    private static async Task<Page<PlanRow>> List(
        string region, int? measure, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        IQueryable<PlanRow> rows = session.Query<PlanRow>();
        if (measure is not null)
            rows = rows.Where(r => r.Measure == measure);
        return await paging.Of(rows.OrderBy(r => r.Id), ct);
    }

    private static async Task<IResult> Get(string region, string row, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<PlanRow>(row, ct) is { } found
            ? Results.Ok(found)
            : Problems.Of(Refusal.NotFound($"The plan of {region} has no row {row}."));
    }

    private static async Task<Totals> Sum(string region, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        var rows = await session.Query<PlanRow>().OrderBy(r => r.Id).Take(ActionPlan.MostRows).ToListAsync(ct);
        var years = rows.SelectMany(r => r.Years.Select(y => y.FiscalYear).Concat(r.Funds.Select(f => f.FiscalYear))).Distinct().Order()
            .ToDictionary(year => year, year => Of(rows, y => y == year));
        return new Totals(years, Of(rows, _ => true));
    }

    private static Total Of(IReadOnlyList<PlanRow> rows, Func<int, bool> year) => new(
        rows.SelectMany(r => r.Balances).Where(b => year(b.Key)).Aggregate(Balance.Zero, (sum, b) => sum + b.Value),
        rows.Count(r => r.Years.Any(y => year(y.FiscalYear) && y.State == PlannedState.Unknown && !r.Funds.Any(f => f.FiscalYear == y.FiscalYear))));
}
