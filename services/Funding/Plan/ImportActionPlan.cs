using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>
/// Enters a region's action plan into an empty ledger: each row exactly as printed. What contradicts itself becomes a
/// finding. Afterwards the ledger stands, and changes by calls; what the file says otherwise is told at each start.
/// </summary>
internal sealed class ImportActionPlan(Loader loader, IHostEnvironment environment, ILogger<ImportActionPlan> log) : IHostedService
{
    private const int MostTold = 20;

    /// <summary>A finding as people wrote it.</summary>
    private sealed record Written(string Number, string Kind, string Sl, string En);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var folders = Directory.GetDirectories(Path.Combine(environment.ContentRootPath, "data"));
        foreach (var folder in folders.Order(StringComparer.Ordinal))
        {
            var region = Path.GetFileName(folder);
            var plan = ActionPlan.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "action-plan.json"), cancellationToken));
            var written = JsonSerializer.Deserialize<List<Written>>(
                await File.ReadAllTextAsync(Path.Combine(folder, "findings.json"), cancellationToken), ContractJson.Options) ?? [];
            IReadOnlyList<string> others = [];
            var added = await loader.LoadAsync(
                region, "import action-plan.json", async load => others = await ImportAsync(plan, written, load, cancellationToken), cancellationToken);
            if (added > 0)
                log.LogInformation("Imported {Rows} rows of the action plan of {Region}", added, region);
            if (others.Count > 0)
                log.LogWarning(
                    "The file action-plan.json of {Region} is not what its ledger began with, which stands: {Rows}; enter changes by calls",
                    region, string.Join(", ", others.Take(MostTold)));
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The rows of which a file says something else than the ledger began with, or which it does not have.</summary>
    internal static IReadOnlyList<string> Others(ActionPlan plan, IEnumerable<RowPlanned> known)
    {
        var begun = known.Where(r => r.Reason is null).DistinctBy(r => r.Row).ToDictionary(r => r.Row, Text);
        return [.. Rows(plan).Where(r => begun.GetValueOrDefault(r.Row) != Text(r)).Select(r => r.Row)];
    }

    private static async Task<IReadOnlyList<string>> ImportAsync(
        ActionPlan plan, List<Written> written, Load load, CancellationToken ct)
    {
        if (await load.Session.Query<PlanRow>().AnyAsync(ct))
            return await OthersAsync(plan, load.Session, ct);
        foreach (var row in Rows(plan))
            await load.Once<PlanRow>(row.Row, () => [row]);
        load.Session.Store<Finding>(Findings.In(plan));
        load.Session.Store(written.Select(w => new Finding(w.Number, w.Number, w.Kind, FindingOrigin.People, w.Sl, w.En)));
        return [];
    }

    private static async Task<IReadOnlyList<string>> OthersAsync(ActionPlan plan, IQuerySession session, CancellationToken ct)
    {
        try
        {
            return Others(plan, await session.Events.QueryRawEventDataOnly<RowPlanned>().Take(ActionPlan.MostRows).ToListAsync(ct));
        }
        catch (Exception e) when (ClosedStreams.IsOfTheStream(e))
        {
            // An event that was tampered with is told by the verification, and keeps nobody from starting.
            return [];
        }
    }

    internal static IEnumerable<RowPlanned> Rows(ActionPlan plan) =>
        plan.Measures.SelectMany(m => m.Rows.Select(r => Planned(m, r, plan.Years)));

    private static string Text(RowPlanned row) => JsonSerializer.Serialize(row, ContractJson.Options);

    private static RowPlanned Planned(Measure measure, ActionPlanRow row, IReadOnlyList<int> years) => new(
        row.Id,
        measure.Number,
        row.Code,
        row.Title,
        row.Holder,
        row.Source,
        [.. row.Years.OrderBy(y => y.Key).Select(y => new PlannedYear(y.Key, y.Value.State, y.Value.Euro is { } euro ? Money.Eur(euro * 100) : null))],
        [
            .. row.Years.OrderBy(y => y.Key).SelectMany(y => Account.Transfer(
                Account.Planned, Account.Available, y.Key, [new Share(measure.SourceOf(row, years), Money.Eur((y.Value.Euro ?? 0) * 100))])),
        ],
        // Opening balances: when the plan was adopted is not stated.
        Dates.First);
}
