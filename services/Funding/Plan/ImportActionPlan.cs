using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>
/// Enters a region's action plan into the ledger on the first start: each row once, exactly as
/// printed. What contradicts itself becomes a finding.
/// </summary>
internal sealed class ImportActionPlan(Loader loader, IHostEnvironment environment, ILogger<ImportActionPlan> log) : IHostedService
{
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
            var added = await loader.LoadAsync(region, "import action-plan.json", load => Import(plan, written, load), cancellationToken);
            if (added > 0)
                log.LogInformation("Imported {Rows} rows of the action plan of {Region}", added, region);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static async Task Import(ActionPlan plan, List<Written> written, Load load)
    {
        foreach (var (measure, row) in plan.Measures.SelectMany(m => m.Rows.Select(r => (m, r))))
            await load.Once<PlanRow>(row.Id, () => [Planned(measure, row, plan.Years)]);
        load.Session.Store<Finding>(Findings.In(plan));
        load.Session.Store(written.Select(w => new Finding(w.Number, w.Number, w.Kind, FindingOrigin.People, w.Sl, w.En)));
    }

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
