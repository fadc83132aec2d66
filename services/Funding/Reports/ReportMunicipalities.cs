using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>What a municipality gave, and what came back to it.</summary>
/// <param name="Code">Its code; empty: beneficiaries whose municipality is not stated.</param>
/// <param name="Name">Its name.</param>
/// <param name="Called">What it was asked for.</param>
/// <param name="Gave">What came in from it, less what was given back or carried to another year.</param>
/// <param name="Outstanding">What of the calls is still to come.</param>
/// <param name="Promised">What beneficiaries there are promised and not paid yet.</param>
/// <param name="CameBack">What beneficiaries there were paid.</param>
public sealed record MunicipalityLine(string Code, string Name, Money Called, Money Gave, Money Outstanding, Money Promised, Money CameBack);

internal static class ReportMunicipalities
{
    private static readonly IReadOnlyList<Column<MunicipalityLine>> Columns =
    [
        new("Šifra", "Code", l => l.Code),
        new("Občina", "Municipality", l => l.Name),
        new("Pozvana (EUR)", "Called (EUR)", l => l.Called),
        new("Prispevala (EUR)", "Gave (EUR)", l => l.Gave),
        new("Še odprto (EUR)", "Outstanding (EUR)", l => l.Outstanding),
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
        var back = (await database.FactsAsync(region, ReportBy.Municipality, query.FiscalYear, day, knownAt, ct)).ToDictionary(f => f.Key, f => f.Balance);
        var lines = names.Keys.Union(given.Keys).Union(back.Keys).Order(StringComparer.Ordinal).Select(code => new MunicipalityLine(
            code,
            code.Length == 0 ? Names.Unstated(query.IsSlovene) : names.GetValueOrDefault(code, code),
            given.GetValueOrDefault(code)?.Called ?? Money.Eur(0), given.GetValueOrDefault(code)?.Received ?? Money.Eur(0), given.GetValueOrDefault(code)?.Outstanding ?? Money.Eur(0),
            back.GetValueOrDefault(code, Balance.Zero).Committed, back.GetValueOrDefault(code, Balance.Zero).Paid));
        // Without a municipality there is only what came back to somebody, if anything did.
        return Reports.Of(
            query, "municipalities", new Report<MunicipalityLine>(query.FiscalYear, day, knownAt, [.. lines.Where(l => l.Code.Length > 0 || l.Promised.Amount + l.CameBack.Amount != 0)]), Columns);
    }
}
