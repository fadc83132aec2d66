using System.Globalization;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;

namespace KkiMesh.Funding;

/// <summary>Where a finding comes from.</summary>
public enum FindingOrigin
{
    /// <summary>The software found it in the plan's figures.</summary>
    Computed,

    /// <summary>People wrote it.</summary>
    People,
}

/// <summary>A contradiction or a gap of the plan. It is shown, not corrected.</summary>
/// <param name="Id">Its id: the list's number, and the place where one number stands for several.</param>
/// <param name="Number">The number in the policy digest's list, D1 to D21.</param>
/// <param name="Kind">What kind of fault it is.</param>
/// <param name="Origin">Computed, or written by people.</param>
/// <param name="Sl">In Slovene.</param>
/// <param name="En">In English.</param>
/// <param name="Printed">What is printed; null where it is no matter of figures.</param>
/// <param name="Computed">What the rows give.</param>
/// <param name="Difference">Printed less computed.</param>
/// <param name="Arithmetic">The sum, written out.</param>
/// <param name="Rows">The rows that it is about; null where it is about the whole plan, or people wrote it.</param>
public sealed record Finding(
    string Id,
    string Number,
    string Kind,
    FindingOrigin Origin,
    string Sl,
    string En,
    Money? Printed = null,
    Money? Computed = null,
    Money? Difference = null,
    string? Arithmetic = null,
    IReadOnlyList<string>? Rows = null);

/// <summary>
/// Finds where a plan contradicts itself. Each rule looks at every place that it fits; nothing is known beforehand.
/// </summary>
public static class Findings
{
    private static readonly CultureInfo Slovene = CultureInfo.GetCultureInfo("sl-SI");

    /// <summary>All contradictions of a plan.</summary>
    public static IReadOnlyList<Finding> In(ActionPlan plan) =>
    [
        .. plan.Measures.SelectMany(m => MeasureTotal(m, plan)),
        .. plan.Measures.SelectMany(m => YearTotals(m)),
        .. plan.Rows.SelectMany(RowTotal),
        .. FrameAgainstRows(plan),
        .. FrameAgainstTotals(plan),
        .. plan.Measures.SelectMany(m => SourcesAgainstRows(m, plan)),
        .. plan.Measures.SelectMany(CodesTwice),
        .. plan.Rows.SelectMany(UnknownAmounts),
    ];

    private static IEnumerable<Finding> MeasureTotal(Measure m, ActionPlan plan) => m.PrintedTotal is { } printed
        ? Contradiction(
            $"D1-measure-{m.Number}", "D1", printed, plan.Years.Select(y => m.Rows.Sum(r => r.Euro(y))),
            $"Ukrep {m.Number}: natisnjeni SKUPAJ se ne ujema z vsoto vrstic po letih.",
            $"Measure {m.Number}: the printed total (SKUPAJ) is not the sum of its rows by year.",
            m.Rows)
        : [];

    private static IEnumerable<Finding> YearTotals(Measure m) => (m.PrintedYearTotals ?? new Dictionary<int, long>()).SelectMany(total =>
        Contradiction(
            $"D1-measure-{m.Number}-{total.Key}", "D1", total.Value, m.Rows.Select(r => r.Euro(total.Key)).Where(e => e != 0),
            $"Ukrep {m.Number}: natisnjena vsota za {total.Key} se ne ujema z vrsticami.",
            $"Measure {m.Number}: the printed total of {total.Key} is not the sum of its rows.",
            m.Rows));

    private static IEnumerable<Finding> RowTotal(ActionPlanRow row) => row.PrintedTotal is { } printed
        ? Contradiction(
            $"D1-row-{row.Id}", "D1", printed, row.Years.OrderBy(y => y.Key).Select(y => y.Value.Euro ?? 0),
            $"Vrstica {row.Id}: natisnjena vsota se ne ujema z leti.",
            $"Row {row.Id}: the printed total is not the sum of its years.",
            [row])
        : [];

    private static IEnumerable<Finding> FrameAgainstRows(ActionPlan plan) => Contradiction(
        "D2", "D2", plan.Frame.PrintedTotal, plan.Years.Select(y => plan.Rows.Sum(r => r.Euro(y))),
        "Finančni okvir se ne ujema z vsoto vseh vrstic.",
        "The financial frame is not the sum of all rows.");

    private static IEnumerable<Finding> FrameAgainstTotals(ActionPlan plan) => Contradiction(
        "D3", "D3", plan.Frame.PrintedTotal, plan.Measures.Where(m => m.PrintedTotal is not null).Select(m => m.PrintedTotal!.Value),
        "Finančni okvir se ne ujema z vsoto natisnjenih SKUPAJ.",
        "The financial frame is not the sum of the measures' printed totals.");

    // The difference is what the rows have more than their sources; a measure
    // whose sources are only ticked says nothing.
    private static IEnumerable<Finding> SourcesAgainstRows(Measure m, ActionPlan plan)
    {
        var sources = plan.Years.Select(y => m.Sources.Sum(s => s.Years.GetValueOrDefault(y)?.Euro ?? 0)).ToList();
        var rows = plan.Years.Select(y => m.Rows.Sum(r => r.Euro(y))).ToList();
        if (!m.Sources.Any(s => s.Years.Values.Any(v => v.State == PlannedState.Amount)) || sources.SequenceEqual(rows))
            return [];
        return
        [
            new Finding(
                $"D4-measure-{m.Number}", "D4", "arithmetic", FindingOrigin.Computed,
                $"Ukrep {m.Number}: viri se ne ujemajo z vrsticami.",
                $"Measure {m.Number}: the sources do not add up to the rows.",
                Money.Eur(sources.Sum() * 100), Money.Eur(rows.Sum() * 100), Money.Eur((sources.Sum() - rows.Sum()) * 100),
                $"{Sum(sources)} ≠ {Sum(rows)}", Ids(m.Rows)),
        ];
    }

    private static IEnumerable<Finding> CodesTwice(Measure m) => m.Rows.GroupBy(r => r.Code).Where(g => g.Count() > 1).Select(g => new Finding(
        $"D6-measure-{m.Number}", "D6", "identity", FindingOrigin.Computed,
        $"Ukrep {m.Number}: oznaka »{g.Key}« je natisnjena {g.Count()}-krat ({string.Join(", ", g.Select(r => r.Id))}).",
        $"Measure {m.Number}: the code '{g.Key}' is printed {g.Count()} times ({string.Join(", ", g.Select(r => r.Id))}).",
        Rows: Ids(g)));

    private static IEnumerable<Finding> UnknownAmounts(ActionPlanRow row)
    {
        var years = row.Years.Where(y => y.Value.State == PlannedState.Unknown).Select(y => y.Key).Order().ToList();
        return years.Count == 0
            ? []
            : [new Finding(
                $"D9-{row.Id}", "D9", "unknown amounts", FindingOrigin.Computed,
                $"Vrstica {row.Id}: zneski za {string.Join(", ", years)} niso znani (»nn«).",
                $"Row {row.Id}: the amounts for {string.Join(", ", years)} are not known ('nn').",
                Rows: [row.Id])];
    }

    private static IEnumerable<Finding> Contradiction(
        string id, string number, long printed, IEnumerable<long> parts, string sl, string en, IEnumerable<ActionPlanRow>? rows = null)
    {
        var addends = parts.ToList();
        var computed = addends.Sum();
        return printed == computed
            ? []
            : [new Finding(
                id, number, "arithmetic", FindingOrigin.Computed, sl, en,
                Money.Eur(printed * 100), Money.Eur(computed * 100), Money.Eur((printed - computed) * 100),
                $"{Sum(addends)} ≠ {Euro(printed)}; {Euro(printed)} − {Euro(computed)} = {Euro(printed - computed)}", rows is null ? null : Ids(rows))];
    }

    private static IReadOnlyList<string> Ids(IEnumerable<ActionPlanRow> rows) => [.. rows.Select(r => r.Id)];

    private static string Sum(IReadOnlyList<long> parts) => $"{string.Join(" + ", parts.Select(Euro))} = {Euro(parts.Sum())}";

    private static string Euro(long amount) => amount.ToString("#,##0;−#,##0;0", Slovene);
}
