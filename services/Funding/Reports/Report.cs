using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using MiniExcelLibs;
using MiniExcelLibs.Attributes;
using MiniExcelLibs.OpenXml;

namespace KkiMesh.Funding;

/// <summary>A report, for the time that was asked for.</summary>
/// <param name="FiscalYear">The budget year; null: all.</param>
/// <param name="AsOf">The last day that counts.</param>
/// <param name="KnownAt">What was recorded later is not in.</param>
/// <param name="Lines">Its lines.</param>
public sealed record Report<T>(int? FiscalYear, DateOnly AsOf, DateTimeOffset KnownAt, IReadOnlyList<T> Lines);

/// <summary>How a report is written.</summary>
public enum ReportFormat
{
    /// <summary>JSON, with amounts in cents.</summary>
    Json,

    /// <summary>
    /// Comma-separated values, UTF-8; in Slovene with semicolons and decimal commas, as its spreadsheets read it.
    /// </summary>
    Csv,

    /// <summary>An Excel workbook.</summary>
    Xlsx,
}

/// <summary>The language of headings, names and numbers.</summary>
public enum Language
{
    /// <summary>Slovene.</summary>
    Sl,

    /// <summary>English.</summary>
    En,
}

/// <summary>What is asked for, of any report.</summary>
/// <param name="FiscalYear">The budget year; by default all.</param>
/// <param name="AsOf">What counts for this day and the days before; by default all until now.</param>
/// <param name="KnownAt">What was recorded until this moment; by default now.</param>
/// <param name="Format">json, csv or xlsx; by default json.</param>
/// <param name="Lang">sl or en; by default sl.</param>
internal sealed record ReportQuery(int? FiscalYear, DateOnly? AsOf, DateTimeOffset? KnownAt, Choice<ReportFormat>? Format, Choice<Language>? Lang)
{
    public bool IsSlovene => (Lang?.Value ?? Language.Sl) == Language.Sl;

    public Refusal? Fault() => new Moment(AsOf, KnownAt).Fault();

    public Task<(DateOnly Day, DateTimeOffset KnownAt)> MomentAsync(SettledTime settled, TimeProvider time, string region, CancellationToken ct) =>
        new Moment(AsOf, KnownAt).SettleAsync(settled, time, region, ct);
}

/// <summary>A column of a report as people read it.</summary>
/// <param name="Sl">Its heading in Slovene.</param>
/// <param name="En">Its heading in English.</param>
/// <param name="Value">A text, a <see cref="Money"/>, a number, a day; null leaves the cell empty.</param>
internal sealed record Column<T>(string Sl, string En, Func<T, object?> Value);

/// <summary>Writes a report in the format that was asked for.</summary>
internal static class Reports
{
    private const string Xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

    // In the language of workbooks: each program shows its reader's own separators.
    private const string MoneyFormat = "#,##0.00";
    private static readonly CultureInfo Slovene = CultureInfo.GetCultureInfo("sl-SI");

    /// <summary>The endpoint answers with a report, in any format.</summary>
    public static RouteHandlerBuilder ProducesReport<T>(this RouteHandlerBuilder endpoint) => endpoint
        .Produces<Report<T>>().ProducesProblem(422).AlsoProducesText("text/csv").AlsoProducesBytes(Xlsx);

    public static IResult Of<T>(ReportQuery query, string name, Report<T> report, IReadOnlyList<Column<T>> columns) => query.Format?.Value switch
    {
        ReportFormat.Csv => Results.File(Csv(query, report, columns), "text/csv; charset=utf-8", $"{name}.csv"),
        ReportFormat.Xlsx => Results.File(Workbook(query, name, report, columns), Xlsx, $"{name}.xlsx"),
        _ => Results.Ok(report),
    };

    // With the mark that tells spreadsheets the encoding; a text that they
    // would take for a formula is marked as a text.
    private static byte[] Csv<T>(ReportQuery query, Report<T> report, IReadOnlyList<Column<T>> columns)
    {
        var culture = query.IsSlovene ? Slovene : CultureInfo.InvariantCulture;
        using var bytes = new MemoryStream();
        using (var text = new StreamWriter(bytes, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true)))
        using (var csv = new CsvWriter(text, new CsvConfiguration(culture) { Delimiter = query.IsSlovene ? ";" : "," }))
        {
            foreach (var column in columns)
                csv.WriteField(query.IsSlovene ? column.Sl : column.En);
            csv.NextRecord();
            foreach (var line in report.Lines)
            {
                foreach (var column in columns)
                    csv.WriteField(Field(column.Value(line), culture, query.IsSlovene));
                csv.NextRecord();
            }
        }

        return bytes.ToArray();
    }

    /// <summary>A cell of the CSV.</summary>
    internal static string Field(object? value, CultureInfo culture, bool inSlovene) => value switch
    {
        Money money => (money.Amount / 100m).ToString("0.00", culture),
        DateOnly day => day.ToString(inSlovene ? "d. M. yyyy" : "yyyy-MM-dd", culture),
        string text when IsLikeFormula(text) => $"'{text}",
        _ => Convert.ToString(value, culture) ?? "",
    };

    // Some programs skip blanks, and take the full-width forms of the signs for the signs.
    private static bool IsLikeFormula(string text) => text is ['\t' or '\r' or '\n', ..]
        || text.TrimStart() is [var first, ..] && "=+-@＝＋－＠".Contains(first, StringComparison.Ordinal);

    private static byte[] Workbook<T>(ReportQuery query, string name, Report<T> report, IReadOnlyList<Column<T>> columns)
    {
        string Heading(Column<T> column) => query.IsSlovene ? column.Sl : column.En;
        var lines = report.Lines.Select(line => columns.ToDictionary(Heading, column => Cell(column.Value(line))));
        var money = columns.Where(column => report.Lines.Any(line => column.Value(line) is Money)).Select(column => new DynamicExcelColumn(Heading(column)) { Format = MoneyFormat });
        using var bytes = new MemoryStream();
        bytes.SaveAs(lines, sheetName: name, configuration: new OpenXmlConfiguration { FastMode = false, AutoFilter = true, DynamicColumns = [.. money] });
        return bytes.ToArray();
    }

    private static object? Cell(object? value) => value switch
    {
        Money money => money.Amount / 100m,
        DateOnly day => day.ToDateTime(TimeOnly.MinValue),
        _ => value,
    };
}
