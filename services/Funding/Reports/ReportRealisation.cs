using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>What a report of plan and realisation is by.</summary>
public enum ReportBy
{
    /// <summary>Measure (ukrep).</summary>
    Measure,

    /// <summary>Row of the plan.</summary>
    Row,

    /// <summary>Holder (nosilec), as printed.</summary>
    Holder,

    /// <summary>Source of the money.</summary>
    Source,

    /// <summary>The beneficiary's municipality.</summary>
    Municipality,

    /// <summary>The purpose of systemic money (policy, measure 4).</summary>
    Purpose,

    /// <summary>Budget year.</summary>
    Year,

    /// <summary>The month that transactions count for.</summary>
    Month,
}

/// <summary>A line of plan and realisation.</summary>
/// <param name="Key">What it is about: a number, an id, a code, a word; empty where it is not stated.</param>
/// <param name="Name">The same as people read it.</param>
/// <param name="Planned">What the plan gives; null where the plan does not say it by this.</param>
/// <param name="Available">What nobody has asked for; null where that cannot be told by this.</param>
/// <param name="Reserved">What is set aside; null where that cannot be told by this.</param>
/// <param name="Committed">What is promised.</param>
/// <param name="Paid">What is paid.</param>
/// <param name="PaidShare">Paid of planned, 0 to 1, to four places; null where nothing is planned.</param>
public sealed record RealisationLine(
    string Key, string Name, Money? Planned, Money? Available, Money? Reserved, Money Committed, Money Paid, decimal? PaidShare);

internal static class ReportRealisation
{
    private static readonly IReadOnlyList<Column<RealisationLine>> Columns =
    [
        new("Oznaka", "Key", l => l.Key),
        new("Naziv", "Name", l => l.Name),
        new("Načrtovano (EUR)", "Planned (EUR)", l => l.Planned),
        new("Na voljo (EUR)", "Available (EUR)", l => l.Available),
        new("Rezervirano (EUR)", "Reserved (EUR)", l => l.Reserved),
        new("Obveznosti (EUR)", "Committed (EUR)", l => l.Committed),
        new("Plačano (EUR)", "Paid (EUR)", l => l.Paid),
        new("Delež plačanega", "Share paid", l => l.PaidShare),
    ];

    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/reports/realisation", Show)
        .WithSummary("Reports the plan against what became of it: by measure, row, holder, source, beneficiary's municipality, purpose, year or month; as JSON, CSV or XLSX")
        .ProducesReport<RealisationLine>();

    private static async Task<IResult> Show(
        string region, Choice<ReportBy>? by, [AsParameters] ReportQuery query, IDocumentStore store, NpgsqlDataSource database,
        SettledTime settled, TimeProvider time, CancellationToken ct)
    {
        if (query.Fault() is { } fault)
            return Problems.Of(fault);
        var dimension = by?.Value ?? ReportBy.Measure;
        var (day, knownAt) = await query.MomentAsync(settled, time, region, ct);
        var facts = await database.FactsAsync(region, dimension, query.FiscalYear, day, knownAt, ct);
        await using var session = store.QuerySession(region);
        var name = await NamerAsync(session, dimension, query.IsSlovene, ct);
        var lines = facts.GroupBy(f => name(f.Key)).Select(g => Line(g.Key, dimension, g.Aggregate(Balance.Zero, (sum, f) => sum + f.Balance)));
        return Reports.Of(
            query, $"realisation-by-{dimension}".ToLowerInvariant(), new Report<RealisationLine>(query.FiscalYear, day, knownAt, [.. lines.OrderBy(l => l.Key, StringComparer.Ordinal)]), Columns);
    }

    // The plan knows neither beneficiaries nor purposes, and what is planned or at
    // hand is so in no month more than in another.
    private static RealisationLine Line((string Key, string Name) of, ReportBy by, Balance b)
    {
        var isOfPlan = by is not (ReportBy.Municipality or ReportBy.Purpose or ReportBy.Month);
        return new RealisationLine(
            of.Key, of.Name,
            isOfPlan ? b.Planned : null, isOfPlan ? b.Available : null, by == ReportBy.Municipality ? null : b.Reserved, b.Committed, b.Paid,
            isOfPlan && b.Planned.Amount > 0 ? Math.Round((decimal)b.Paid.Amount / b.Planned.Amount, 4) : null);
    }

    // As it is written everywhere else.
    private static string Word(string name) => JsonNamingPolicy.KebabCaseLower.ConvertName(name);

    // What a fact's key belongs to, and what that is called.
    private static async Task<Func<string, (string Key, string Name)>> NamerAsync(IQuerySession session, ReportBy by, bool inSlovene, CancellationToken ct)
    {
        switch (by)
        {
            case ReportBy.Measure or ReportBy.Row or ReportBy.Holder:
                var rows = (await session.Query<PlanRow>().Take(ActionPlan.MostRows).ToListAsync(ct)).ToDictionary(r => r.Id);
                return key => by switch
                {
                    ReportBy.Measure => ($"{rows[key].Measure}", Names.OfMeasure(rows[key].Measure, inSlovene)),
                    ReportBy.Row => (key, rows[key].Title),
                    _ => (rows[key].Holder, rows[key].Holder),
                };
            case ReportBy.Municipality:
                var municipalities = await Facts.MunicipalitiesAsync(session, ct);
                return key => (key, key.Length == 0 ? Names.Unstated(inSlovene) : municipalities.GetValueOrDefault(key, key));
            case ReportBy.Source:
                return key => (Word(key), Names.Of(Enum.Parse<FundingSource>(key), inSlovene));
            case ReportBy.Purpose:
                return key => (Word(key), Names.Of(Enum.TryParse<ExpenditurePurpose>(key, out var purpose) ? purpose : null, inSlovene));
            default:
                return key => (key, key);
        }
    }
}
