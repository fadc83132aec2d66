using System.Text.Json;
using System.Text.Json.Serialization;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;

namespace KkiMesh.Funding;

/// <summary>The policy's action plan as its data file gives it: what is printed, with its contradictions.</summary>
/// <param name="Source">The chapters that it is taken from.</param>
/// <param name="Currency">EUR.</param>
/// <param name="Years">The plan's years.</param>
/// <param name="Quarters">What is known of the quarter grid.</param>
/// <param name="Measures">Its measures (ukrepi).</param>
/// <param name="Frame">The financial frame (finančni okvir).</param>
public sealed record ActionPlan(
    string Source, string Currency, IReadOnlyList<int> Years, string Quarters, IReadOnlyList<Measure> Measures, FinancialFrame Frame)
{
    /// <summary>How many rows a plan has at most: a printed table.</summary>
    internal const int MostRows = 500;

    private const long LargestEuro = 1_000_000_000;

    private static readonly JsonSerializerOptions Json = new(ContractJson.Options)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new PrintedYearsConverter() },
    };

    /// <summary>Every row of every measure.</summary>
    [JsonIgnore]
    public IEnumerable<ActionPlanRow> Rows => Measures.SelectMany(m => m.Rows);

    /// <summary>Reads a plan; a file with a fault is refused whole.</summary>
    /// <exception cref="InvalidDataException">What is wrong, and where.</exception>
    public static ActionPlan Parse(string json)
    {
        ActionPlan plan;
        try
        {
            plan = JsonSerializer.Deserialize<ActionPlan>(json, Json) ?? throw new InvalidDataException("The action plan is empty.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The action plan does not fit at {e.Path}: {e.Message}", e);
        }

        plan.Check();
        return plan;
    }

    private void Check()
    {
        if (Currency != "EUR")
            throw new InvalidDataException($"The plan's currency is {Currency}; this ledger keeps EUR.");
        if (Rows.Count() > MostRows)
            throw new InvalidDataException($"A plan has at most {MostRows} rows.");
        foreach (var twice in Rows.GroupBy(r => r.Id).Where(g => g.Count() > 1))
            throw new InvalidDataException($"The row {twice.Key} is there twice.");
        foreach (var row in Rows)
        {
            if (row.Id.Length is 0 or > 40)
                throw new InvalidDataException($"The row '{row.Title}' needs an id of 1 to 40 characters.");
            foreach (var (year, printed) in row.Years)
            {
                if (!Years.Contains(year))
                    throw new InvalidDataException($"The row {row.Id} has the year {year}, which the plan has not.");
                if (printed.Euro is < 0 or > LargestEuro)
                    throw new InvalidDataException($"The row {row.Id} has {printed.Euro} EUR for {year}: 0 to {LargestEuro} are possible.");
            }
        }
    }
}

/// <summary>A measure (ukrep).</summary>
public sealed record Measure(
    int Number,
    int Pillar,
    string Title,
    string Holder,
    IReadOnlyList<ActionPlanRow> Rows,
    IReadOnlyList<PrintedSource> Sources,
    string? PillarTitle = null,
    string? TableTitle = null,
    string? Partners = null,
    long? PrintedTotal = null,
    IReadOnlyDictionary<int, long>? PrintedYearTotals = null,
    string? Note = null,
    IReadOnlyList<string>? SourceLabels = null,
    string? SourceNote = null)
{
    /// <summary>
    /// Where a row's money comes from: what is printed for it, or the measure's one source of amounts where it pays for
    /// all rows of the measure, to the euro. Else it is not stated: nothing is guessed.
    /// </summary>
    public FundingSource SourceOf(ActionPlanRow row, IReadOnlyList<int> years)
    {
        var amounts = Sources.Where(s => s.Years.Values.Any(y => y.State == PlannedState.Amount)).ToList();
        var pays = amounts is [var only] && years.All(y => (only.Years.GetValueOrDefault(y)?.Euro ?? 0) == Rows.Sum(r => r.Euro(y))) ? only.Label : null;
        return FundingSources.Of(row.Source ?? pays);
    }
}

/// <summary>The sources as the policy prints them.</summary>
internal static class FundingSources
{
    private static readonly (string Label, FundingSource Source)[] Printed =
    [
        ("Sredstva iz pridobljenih projektov", FundingSource.ProjectsOrPartners),
        ("Sredstva za izvajanje rednih dejavnosti spodbujanja KKI v regiji (občinski proračuni)", FundingSource.MunicipalRegular),
        ("Sredstva za izvajanje rednih letnih aktivnosti BSC Kranj", FundingSource.BscRegular),
        ("Sredstva Občinskih proračunov (redna dejavnost)", FundingSource.MunicipalOwn),
        ("Sredstva Občinskih proračunov (po ključu delitve na podlagi Letnega programa)", FundingSource.MunicipalKey),
    ];

    /// <summary>
    /// The source of a printed label. »Občinskih proračunov v kombinaciji s
    /// sredstvi EU« is two, in unknown parts: not stated.
    /// </summary>
    public static FundingSource Of(string? label) => Printed.Where(p => label?.StartsWith(p.Label, StringComparison.Ordinal) == true)
        .Select(p => (FundingSource?)p.Source).FirstOrDefault() ?? FundingSource.NotStated;
}

/// <summary>A row: an activity or a project.</summary>
public sealed record ActionPlanRow(
    string Id,
    string Code,
    string Kind,
    string Title,
    string Holder,
    IReadOnlyDictionary<int, Printed> Years,
    string Confidence,
    string? Partners = null,
    long? PrintedTotal = null,
    string? Source = null,
    string? Note = null)
{
    /// <summary>The row's amounts in whole euro; what is ticked or unknown adds nothing.</summary>
    public long Euro(int? year = null) => Years.Where(y => year is null || y.Key == year).Sum(y => y.Value.Euro ?? 0);
}

/// <summary>A row of a measure's sources.</summary>
public sealed record PrintedSource(IReadOnlyDictionary<int, Printed> Years, string? Label = null, string? EqualsRows = null, string? Confidence = null);

/// <summary>The financial frame: one printed total, and what it says it leaves out.</summary>
public sealed record FinancialFrame(string Where, long PrintedTotal, IReadOnlyList<string> Excludes);

/// <summary>What is printed for a year: an amount in whole euro, a tick, or »nn«.</summary>
/// <param name="State">Which.</param>
/// <param name="Euro">The amount, where there is one.</param>
public sealed record Printed(PlannedState State, long? Euro);

internal sealed class PrintedYearsConverter : JsonConverter<Printed>
{
    public override Printed Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.Number when reader.TryGetInt64(out var euro) => new Printed(PlannedState.Amount, euro),
        JsonTokenType.String when reader.ValueTextEquals("tick") => new Printed(PlannedState.Tick, null),
        JsonTokenType.String when reader.ValueTextEquals("nn") => new Printed(PlannedState.Unknown, null),
        _ => throw new JsonException("A year has whole euro, \"tick\" or \"nn\"."),
    };

    public override void Write(Utf8JsonWriter writer, Printed value, JsonSerializerOptions options) =>
        throw new NotSupportedException("The plan is only read.");
}
