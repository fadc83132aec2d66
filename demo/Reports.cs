using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace KkiMesh.Demo;

/// <summary>The year's reports, and the check that the ledger holds.</summary>
internal static class Reports
{
    private static readonly string[] OfLedger = ["planned", "available", "reserved", "committed", "paid"];

    public static async Task Tell(Mesh mesh, DateOnly today)
    {
        var year = today.Year;
        Story.Say($"The accounts of {year}, which everybody may read: the plan and what became of it, by measure.");
        await Show(mesh, $"realisation?by=measure&fiscalYear={year}", "name", OfLedger);
        Story.Say("Where the money went.");
        await Show(mesh, $"flow?fiscalYear={year}", "row", ["source", "recipient", "municipality", "committed", "paid"]);
        Story.Say("What we gave, what came back (kaj smo dali, kaj se je vrnilo).");
        await Show(mesh, $"municipalities?fiscalYear={year}", "name", ["called", "gave", "outstanding", "promised", "cameBack"]);
        Story.Say("What is expected to come and go.");
        await Show(mesh, $"cash-forecast?fiscalYear={year}", "month", ["in", "out", "net"]);
        await YesterdayAndToday(mesh, today);
        await Verify(mesh);
    }

    // Lines without any money are left out: most municipalities have none yet.
    private static async Task Show(Mesh mesh, string report, string first, string[] columns)
    {
        var table = new Table().AddColumns([first, .. columns]);
        foreach (var line in (await mesh.Get($"funding/reports/{report}&lang=sl"))["lines"]!.AsArray())
        {
            if (columns.Any(c => line![c] is JsonObject money && Year.Cents(money) != 0))
                table.AddRow([Cell(line![first]), .. columns.Select(c => Cell(line[c]))]);
        }

        AnsiConsole.Write(table);
    }

    private static string Cell(JsonNode? value) => value is JsonObject money ? Story.Euro(Year.Cents(money)) : Markup.Escape($"{value}");

    private static async Task YesterdayAndToday(Mesh mesh, DateOnly today)
    {
        Story.Say($"What row {Year.Row} had for {today.Year} at the end of yesterday, and today.");
        var table = new Table().AddColumns(["", .. OfLedger]);
        foreach (var day in (DateOnly[])[today.AddDays(-1), today])
        {
            var asOf = day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            var total = (await mesh.Get($"funding/balances?row={Year.Row}&fiscalYear={today.Year}&asOf={asOf}"))["total"]!;
            table.AddRow([asOf, .. OfLedger.Select(account => Story.Euro(Year.Cents(total[account])))]);
            if (Year.Cents(total["planned"]) != OfLedger.Skip(1).Sum(account => Year.Cents(total[account])))
                throw new DemoException($"The row {Year.Row} is not balanced on {asOf}.");
        }

        AnsiConsole.Write(table);
    }

    private static async Task Verify(Mesh mesh)
    {
        var seal = (await mesh.Get("funding/seals?pageSize=1"))["items"]!.AsArray().FirstOrDefault();
        Story.Say(seal is null
            ? "The ledger is sealed once a minute; the first seal is still to come."
            : $"Whoever keeps the newest seal, number {seal["number"]}, can hold the region to it: {seal["hash"]}.");
        var result = await mesh.Last($"funding/verification{(seal is null ? "" : $"?seal={seal["hash"]}")}", "treasurer");
        if ((bool?)result["isIntact"] != true)
            throw new DemoException($"The ledger is not intact: {result["faults"]}");
        Story.Say($"The ledger is intact: {result["transactions"]} transactions on {result["rows"]} chains, each as it was recorded.");
    }
}
