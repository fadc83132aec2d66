using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>Money on its way from a source to a beneficiary.</summary>
/// <param name="Source">The source.</param>
/// <param name="Measure">The measure of the row.</param>
/// <param name="Row">The row that it goes by.</param>
/// <param name="Recipient">To whom.</param>
/// <param name="Municipality">Their municipality; null where it is not stated.</param>
/// <param name="Committed">What is promised and not paid yet.</param>
/// <param name="Paid">What is paid and not given back.</param>
public sealed record FlowLine(FundingSource Source, int Measure, string Row, string Recipient, string? Municipality, Money Committed, Money Paid);

internal static class ReportFlow
{
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/reports/flow", Show)
        .WithSummary("Reports the flow of money from sources by rows to beneficiaries, the largest first; as JSON, CSV or XLSX")
        .ProducesReport<FlowLine>();

    private static async Task<IResult> Show(
        string region, [AsParameters] ReportQuery query, IDocumentStore store, NpgsqlDataSource database,
        SettledTime settled, TimeProvider time, CancellationToken ct)
    {
        if (query.Fault() is { } fault)
            return Problems.Of(fault);
        var (day, knownAt) = await query.MomentAsync(settled, time, region, ct);
        await using var session = store.QuerySession(region);
        var measures = (await session.Query<PlanRow>().Take(ActionPlan.MostRows).ToListAsync(ct)).ToDictionary(r => r.Id, r => r.Measure);
        var municipalities = await Facts.MunicipalitiesAsync(session, ct);
        var flows = await database.FlowsAsync(region, query.FiscalYear, day, knownAt, ct);
        var lines = flows.Select(f => new FlowLine(
            Enum.Parse<FundingSource>(f.Source), measures[f.Row], f.Row, f.Recipient,
            f.Municipality is null ? null : municipalities.GetValueOrDefault(f.Municipality, f.Municipality), f.Committed, f.Paid));
        return Reports.Of(query, "flow", new Report<FlowLine>(query.FiscalYear, day, knownAt, [.. lines]), Columns(query.IsSlovene));
    }

    private static IReadOnlyList<Column<FlowLine>> Columns(bool inSlovene) =>
    [
        new("Vir", "Source", l => Names.Of(l.Source, inSlovene)),
        new("Ukrep", "Measure", l => l.Measure),
        new("Vrstica", "Row", l => l.Row),
        new("Prejemnik", "Beneficiary", l => l.Recipient),
        new("Občina", "Municipality", l => l.Municipality),
        new("Obveznosti (EUR)", "Committed (EUR)", l => l.Committed),
        new("Plačano (EUR)", "Paid (EUR)", l => l.Paid),
    ];
}
