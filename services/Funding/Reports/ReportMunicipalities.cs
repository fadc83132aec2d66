using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>What a municipality gave, and what came back to it.</summary>
/// <param name="Code">Its code; empty: beneficiaries whose municipality is not stated.</param>
/// <param name="Name">Its name.</param>
/// <param name="Declined">What it declined of the annual plan as it was submitted last.</param>
/// <param name="Called">What it was asked for.</param>
/// <param name="Gave">What came in from it, less what was given back or carried to another year.</param>
/// <param name="Outstanding">What of the calls is still to come.</param>
/// <param name="Credit">What came from it beyond the calls, and was not given back or carried on.</param>
/// <param name="Promised">What beneficiaries there are promised and not paid yet.</param>
/// <param name="CameBack">What beneficiaries there were paid.</param>
public sealed record MunicipalityLine(
    string Code, string Name, Money Declined, Money Called, Money Gave, Money Outstanding, Money Credit, Money Promised, Money CameBack);

internal static class ReportMunicipalities
{
    private static readonly IReadOnlyList<Column<MunicipalityLine>> Columns =
    [
        new("Šifra", "Code", l => l.Code),
        new("Občina", "Municipality", l => l.Name),
        new("Zavrnila v letnem načrtu (EUR)", "Declined of the annual plan (EUR)", l => l.Declined),
        new("Pozvana (EUR)", "Called (EUR)", l => l.Called),
        new("Prispevala (EUR)", "Gave (EUR)", l => l.Gave),
        new("Še odprto (EUR)", "Outstanding (EUR)", l => l.Outstanding),
        new("Preplačilo (EUR)", "Credit (EUR)", l => l.Credit),
        new("Obveznosti do prejemnikov v občini (EUR)", "Promised to beneficiaries there (EUR)", l => l.Promised),
        new("Plačano prejemnikom v občini (EUR)", "Paid to beneficiaries there (EUR)", l => l.CameBack),
    ];

    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/reports/municipalities", Show)
        .WithSummary("Reports for each municipality what it gave, and what came back to beneficiaries there; as JSON, CSV or XLSX")
        .ProducesReport<MunicipalityLine>();

    private static async Task<IResult> Show(
        string region, [AsParameters] ReportQuery query, IDocumentStore store, NpgsqlDataSource database,
        SettledTime settled, TimeProvider time, CancellationToken ct)
    {
        if (query.Fault() is { } fault)
            return Problems.Of(fault);
        var (day, knownAt) = await query.MomentAsync(settled, time, region, ct);
        await using var session = store.QuerySession(region);
        var names = await Facts.MunicipalitiesAsync(session, ct);
        var given = (await database.ContributionsAsync(region, query.FiscalYear, day, knownAt, ct)).ToDictionary(c => c.Municipality);
        var declined = await database.DeclinedAsync(region, query.FiscalYear, day, knownAt, ct);
        var back = (await database.FactsAsync(region, ReportBy.Municipality, query.FiscalYear, day, knownAt, ct)).ToDictionary(f => f.Key, f => f.Balance);
        var nothing = new ContributionFact("", Money.Eur(0), Money.Eur(0), Money.Eur(0), Money.Eur(0));
        var lines = names.Keys.Union(given.Keys).Union(declined.Keys).Union(back.Keys).Order(StringComparer.Ordinal).Select(code =>
        {
            var (gave, came) = (given.GetValueOrDefault(code, nothing), back.GetValueOrDefault(code, Balance.Zero));
            return new MunicipalityLine(
                code,
                code.Length == 0 ? Names.Unstated(query.IsSlovene) : names.GetValueOrDefault(code, code),
                declined.GetValueOrDefault(code, Money.Eur(0)),
                gave.Called,
                gave.Received,
                gave.Outstanding,
                gave.Credit,
                came.Committed,
                came.Paid);
        });
        // Without a municipality there is only what came back to somebody, if anything did.
        return Reports.Of(
            query, "municipalities", new Report<MunicipalityLine>(query.FiscalYear, day, knownAt, [.. lines.Where(l => l.Code.Length > 0 || l.Promised.Amount + l.CameBack.Amount != 0)]), Columns);
    }
}
