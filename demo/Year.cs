using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace KkiMesh.Demo;

/// <summary>
/// The money of the current year: what municipalities give by a contribution key (policy, measure 4), and what the
/// treasurer does with it. What is there already, from an earlier telling, stays as it is.
/// </summary>
internal static class Year
{
    public const string Row = "U4-A2";
    private const string Key = "demo-mesani";
    private const string OtherKey = "demo-enaki";
    private const string LegalBasis = "Le za prikaz delovanja: regija takega ključa ni sprejela / for the demonstration only: the region adopted no such key";
    private const string FiguresOn = "2021-01-01";
    private const string FiguresSource = "sledilnik/data, dict-municipality.csv (SURS, 1. 1. 2021)";
    private const string Declines = "004";
    private static readonly string[] OfContribution = ["called", "received", "outstanding", "credit"];

    // Whose officer is which demo account, and how many live there.
    private static readonly Dictionary<string, (string Name, string Officer, int Inhabitants)> Municipalities = new()
    {
        [Declines] = ("Bohinj", "member-3", 5611),
        ["041"] = ("Jesenice", "member-4", 21679),
        ["052"] = ("Kranj", "member-5", 57185),
        ["122"] = ("Škofja Loka", "member-6", 23462),
    };

    // The three purposes of systemic money (policy, measure 4); the amounts are made up.
    private static readonly (string Purpose, string Description, long Cents)[] Items =
    [
        ("management-costs", "Stroški upravljanja (demo)", 9_000_00),
        ("infrastructure", "Vzdrževanje infrastrukture (demo)", 6_000_00),
        ("small-incentives", "Male spodbude za MSP (demo)", 15_000_00),
    ];

    public static async Task Tell(Mesh mesh, Timeline timeline)
    {
        var today = DateOnly.Parse((string)(await mesh.Get($"funding/balances?row={Row}"))["asOf"]!, CultureInfo.InvariantCulture);
        Story.Say($"The money of {today.Year}: the coordinator records a contribution key, of equal shares and inhabitants, and one to compare (made up).");
        await Adopt(mesh, Key, "Mešani ključ (demo)", "Mixed key (demo)", today.Year, [new { basis = "equal", weight = 1 }, ByInhabitants()]);
        await Adopt(mesh, OtherKey, "Enaki deleži (demo)", "Equal shares (demo)", today.Year, [new { basis = "equal", weight = 1 }]);

        await Submit(mesh, today.Year);
        await Answer(mesh, timeline, today.Year);
        await Compare(mesh, today.Year);
        await Call(mesh, timeline, today);
        await Receive(mesh, timeline, today.Year);
        await Spending.Tell(mesh, timeline, today, Cents((await Plan(mesh, today.Year))!["committed"]));
        await Reports.Tell(mesh, today);
    }

    public static long Cents(JsonNode? money) => (long)money!["amount"]!;

    /// <summary>An amount, what it is, and who decided it.</summary>
    public static void Line(string what, long cents, string who = "") =>
        AnsiConsole.MarkupLine($"  {Story.Euro(cents),15}  {Markup.Escape(what)}  [grey]{Markup.Escape(who)}[/]");

    private static object ByInhabitants() => new
    {
        basis = "population",
        weight = 3,
        figures = Municipalities.Select(m => new { municipality = m.Key, value = m.Value.Inhabitants }),
        figuresOn = FiguresOn,
        figuresSource = FiguresSource,
    };

    private static async Task Adopt(Mesh mesh, string key, string nameSl, string nameEn, int year, object[] parts)
    {
        if ((await mesh.Get("funding/contribution-keys?pageSize=100"))["items"]!.AsArray().Any(k => (string)k!["key"]! == key))
            return;
        var version = new { nameSl, nameEn, legalBasis = LegalBasis, validFrom = $"{year}-01-01", municipalities = Municipalities.Keys, parts };
        await mesh.Do("coordinator", $"funding/contribution-keys/{key}/versions", version);
    }

    private static async Task<JsonNode?> Plan(Mesh mesh, int year) =>
        (await mesh.Get("funding/annual-plans?pageSize=100", "coordinator"))["items"]!.AsArray().FirstOrDefault(p => (int)p!["year"]! == year);

    private static async Task Submit(Mesh mesh, int year)
    {
        Story.Say($"The coordinator drafts the annual plan (Letni načrt) of {year} and submits it to the municipalities.");
        if (await Plan(mesh, year) is null)
        {
            var items = Items.Select(i => new { row = Row, description = i.Description, purpose = i.Purpose, amount = Story.Eur(i.Cents) });
            await mesh.Do("coordinator", $"funding/annual-plans/{year}", new { items, key = Key }, HttpMethod.Put);
        }

        if ((int)(await Plan(mesh, year))!["submittedVersion"]! == 0)
            await mesh.Do("coordinator", $"funding/annual-plans/{year}/submission", new { });
        foreach (var item in (await Plan(mesh, year))!["items"]!.AsArray())
            Line((string)item!["description"]!, Cents(item["amount"]), (string)item["purpose"]!);
    }

    private static async Task Answer(Mesh mesh, Timeline timeline, int year)
    {
        Story.Say("Each municipality's officer answers for it alone; one declines.");
        var plan = (await Plan(mesh, year))!;
        foreach (var code in In(plan, "waiting").Where(Municipalities.ContainsKey))
        {
            var (officer, at, version) = (Municipalities[code].Officer, $"funding/annual-plans/{year}/municipalities/{code}", (int)plan["submittedVersion"]!);
            await mesh.Give(officer, "officer", code);
            await (code == Declines
                ? mesh.Do(officer, $"{at}/refusal", new { version, reason = "Ni v proračunu (demo)" })
                : mesh.Do(officer, $"{at}/confirmation", new { version }));
            await timeline.Expect(code == Declines ? "annual-plan-declined" : "annual-plan-confirmed", IsOf(year, code));
        }

        plan = (await Plan(mesh, year))!;
        foreach (var answer in plan["municipalities"]!.AsArray())
            Line($"{Name(answer!)}: {answer!["state"]}", Cents(answer["share"]), (string)answer["state"]! == "waiting" ? "" : "its officer");
        Line("is the plan's size, indicative", Cents(plan["indicative"]));
        Line("of it has money behind it", Cents(plan["committed"]));
    }

    private static async Task Compare(Mesh mesh, int year)
    {
        Story.Say("And under the other key? It is only shown, and changes nothing.");
        var table = new Table().AddColumns("municipality", "share", "under equal shares", "difference");
        foreach (var share in (await mesh.Get($"funding/annual-plans/{year}/what-if?key={OtherKey}"))["shares"]!.AsArray())
            table.AddRow(Name(share!), Story.Euro(Cents(share!["share"])), Story.Euro(Cents(share["whatIf"])), Story.Euro(Cents(share["difference"])));
        AnsiConsole.Write(table);
    }

    private static async Task Call(Mesh mesh, Timeline timeline, DateOnly today)
    {
        Story.Say("The treasurer calls what was confirmed, each with a reference to pay with.");
        var called = (await Contributions(mesh, today.Year)).Select(c => (string)c["municipality"]!).ToHashSet(StringComparer.Ordinal);
        foreach (var code in In((await Plan(mesh, today.Year))!, "confirmed").Where(m => !called.Contains(m)))
        {
            await mesh.Do("treasurer", $"funding/contributions/{today.Year}/{code}/calls", new { dueOn = today.AddDays(30) });
            await timeline.Expect("contribution-called", IsOf(today.Year, code));
        }
    }

    private static async Task Receive(Mesh mesh, Timeline timeline, int year)
    {
        Story.Say("Money comes in: all of one, a part of another, and too much of a third, which stays a credit until somebody decides.");
        foreach (var (index, contribution) in (await Contributions(mesh, year)).Index().Where(c => (string)c.Item["state"]! == "called"))
        {
            var called = Cents(contribution["called"]);
            var amount = (index % 3) switch { 0 => called, 1 => called / 2, _ => called + 100_00 };
            await mesh.Do("treasurer", "funding/contributions", new { reference = (string)contribution["reference"]!, amount = Story.Eur(amount) });
            await timeline.Expect("contribution-received", IsOf(year, (string)contribution["municipality"]!));
        }

        var table = new Table().AddColumns(["municipality", .. OfContribution, ""]);
        foreach (var c in await Contributions(mesh, year))
        {
            table.AddRow([Name(c), .. OfContribution.Select(account => Story.Euro(Cents(c[account]))), (string)c["state"]!]);
            if (Cents(c["called"]) - Cents(c["outstanding"]) + Cents(c["credit"]) != Cents(c["received"]))
                throw new DemoException($"What {Name(c)} gives is not balanced.");
        }

        AnsiConsole.Write(table);
    }

    private static List<string> In(JsonNode plan, string state) =>
        [.. plan["municipalities"]!.AsArray().Where(m => (string)m!["state"]! == state).Select(m => (string)m!["municipality"]!)];

    private static Func<JsonNode, bool> IsOf(int year, string municipality) => e => (int)e["year"]! == year && (string)e["municipality"]! == municipality;

    private static async Task<List<JsonNode>> Contributions(Mesh mesh, int year) =>
        [.. (await mesh.Get($"funding/contributions?year={year}&pageSize=100"))["items"]!.AsArray().Select(c => c!)];

    private static string Name(JsonNode of) =>
        (string)of["municipality"]! is var code && Municipalities.TryGetValue(code, out var known) ? known.Name : code;
}
