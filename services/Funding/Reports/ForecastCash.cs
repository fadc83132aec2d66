using System.Globalization;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>What is expected to come and go in a month.</summary>
/// <param name="Month">The month, yyyy-MM: this one takes what is overdue, too. Null: no day is known.</param>
/// <param name="In">What municipalities still owe by then.</param>
/// <param name="Out">What is promised and expected to be paid.</param>
/// <param name="Net">In less out, of this month and those before it.</param>
public sealed record CashLine(string? Month, Money In, Money Out, Money Net);

internal static class ForecastCash
{
    private const int Most = 10_000;

    private static readonly IReadOnlyList<Column<CashLine>> Columns =
    [
        new("Mesec", "Month", l => l.Month),
        new("Pričakovani prilivi (EUR)", "Expected in (EUR)", l => l.In),
        new("Pričakovani odlivi (EUR)", "Expected out (EUR)", l => l.Out),
        new("Neto, skupaj do tedaj (EUR)", "Net, up to then (EUR)", l => l.Net),
    ];

    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/reports/cash-forecast", Show)
        .WithSummary("Forecasts by month what is to be paid of commitments, and what municipalities still owe; as it is now; as JSON, CSV or XLSX")
        .ProducesReport<CashLine>();

    private static async Task<IResult> Show(string region, [AsParameters] ReportQuery query, IDocumentStore store, TimeProvider time, CancellationToken ct)
    {
        if (query is { AsOf: not null } or { KnownAt: not null })
            return Problems.Of(Refusal.Invalid(query.AsOf is null ? "knownAt" : "asOf", "A forecast is made from what is promised now."));
        var now = time.GetUtcNow();
        await using var session = store.QuerySession(region);
        var owed = await session.Query<Contribution>().Where(c => query.FiscalYear == null || c.Year == query.FiscalYear).Take(Most).ToListAsync(ct);
        var promised = await session.Query<Grant>().Where(g => g.Outstanding.Amount > 0 && (query.FiscalYear == null || g.FiscalYear == query.FiscalYear)).Take(Most).ToListAsync(ct);
        var lines = Forecast(
            [.. owed.Where(c => c.Outstanding.Amount > 0).Select(c => ((DateOnly?)c.DueOn, c.Outstanding.Amount))],
            [.. promised.Select(g => (g.DueOn, g.Outstanding.Amount))],
            BusinessDate.Of(now));
        return Reports.Of(query, "cash-forecast", new Report<CashLine>(query.FiscalYear, BusinessDate.Of(now), now, lines), Columns);
    }

    /// <summary>By month, what has no day last.</summary>
    internal static IReadOnlyList<CashLine> Forecast(IReadOnlyList<(DateOnly? On, long Cents)> comes, IReadOnlyList<(DateOnly? On, long Cents)> goes, DateOnly today)
    {
        var (income, outgo) = (comes.ToLookup(m => Month(m.On), m => m.Cents), goes.ToLookup(m => Month(m.On), m => m.Cents));
        var (lines, net) = (new List<CashLine>(), 0L);
        foreach (var month in income.Select(g => g.Key).Union(outgo.Select(g => g.Key)).OrderBy(m => m ?? "9999-99", StringComparer.Ordinal))
        {
            net = checked(net + income[month].Sum() - outgo[month].Sum());
            lines.Add(new CashLine(month, Money.Eur(income[month].Sum()), Money.Eur(outgo[month].Sum()), Money.Eur(net)));
        }

        return lines;

        string? Month(DateOnly? on) => (on < today ? today : on)?.ToString("yyyy-MM", CultureInfo.InvariantCulture);
    }
}
