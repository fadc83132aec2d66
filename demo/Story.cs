using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace KkiMesh.Demo;

/// <summary>
/// A call for ideas that join the creative sector with tourism (policy, measure 3, project 4),
/// from its money to its payments; then the money of a year.
/// </summary>
internal static class Story
{
    private const string Row = "U3-P4";
    private const string FiscalYear = "2022";
    private const int Awards = 5;
    private const int Ideas = 7;
    private static readonly int[] SoughtFields = [3, 7, 12];
    private static readonly string[] SoughtCompetences = ["pripovedovanje", "ilustracija", "zvok"];
    private static readonly object Paper =
        new { name = "Pogodba (demo)", sha256 = new string('0', 64), reference = "Izmišljeno / made up" };
    private static readonly string[] Columns = ["planned", "available", "reserved", "committed", "paid"];
    // Long enough on a slow machine: seven people sign in meanwhile.
    private static readonly TimeSpan TimeForIdeas = TimeSpan.FromSeconds(30);

    public static async Task Tell(Mesh mesh, Timeline timeline)
    {
        Say("Creative subjects in all municipalities register, consent and publish their profiles (made up for this demo).");
        AnsiConsole.MarkupLine($"  {await Subjects.Register(mesh)} subjects are there.");
        var before = await Balance(mesh);
        var pool = Math.Min(1_500_000, before["available"]);
        if (pool < Awards * 100)
            throw new DemoException($"The row {Row} has only {Euro(pool)} left; ./mesh up --fresh begins anew.");

        Say($"RAS drafts a call for ideas that join the creative sector with tourism: at most {Awards} awards, together {Euro(pool)}, from row {Row} of {FiscalYear}.");
        var deadline = DateTimeOffset.UtcNow + TimeForIdeas;
        var call = await Draft(mesh, "Kreativni izziv: KKS in turizem", pool, deadline);
        Say("It is published: Challenges asks for the money, Funding sets it aside, the call opens.");
        await mesh.Do("coordinator", $"challenges/{call}/publish");
        await timeline.Expect("challenge-published", call);
        await TooMuch(mesh, timeline, before["available"], pool);

        var proposals = await Proposals.Show(mesh, timeline, call, Ideas);
        await Proposals.HideAndReturn(mesh, timeline, call, proposals[0]);
        var entries = await EnterIdeas(mesh, call, proposals);
        await timeline.Expect("entry-submitted", call, entries.Count);
        await AfterDeadline(mesh, call, deadline);
        await Judge(mesh, call, entries);
        await Award(mesh, call, pool);
        await timeline.Expect("funds-committed", call, Awards);
        await Mentoring.Tell(mesh, timeline, call, entries.Take(Awards).ToList());

        await Pay(mesh, call);
        await timeline.Expect("funds-paid", call, Awards);

        Say("RAS concludes the call: what was not awarded is available again.");
        await mesh.Do("coordinator", $"challenges/{call}/conclude");
        await timeline.Expect("funds-released", call);
        await Thread.ReadBack(mesh, timeline, call, Awards);
        Check(before, await Balance(mesh), pool);
        await Year.Tell(mesh, timeline);
    }

    private static async Task Pay(Mesh mesh, string call)
    {
        Say("Nothing is paid without an agreement that says to which account; so RAS records one with each winner.");
        var grants = (await mesh.Get($"funding/grants?challengeId={call}&status=committed"))["items"]!.AsArray();
        var first = $"funding/grants/{grants[0]!["id"]}/payment";
        await Refused(mesh, "treasurer", first, HttpStatusCode.Conflict, new { });
        var today = DateOnly.FromDateTime(DateTime.UtcNow);
        foreach (var (index, grant) in grants.Index())
        {
            var account = Accounts.Of((string)grant!["recipient"]!);
            var (number, reportDueOn) = ($"DEMO-{index + 1}", today.AddYears(1));
            var agreement = new { number, signedOn = today, reportDueOn, document = Paper, account };
            await mesh.Do("coordinator", $"funding/grants/{grant["id"]}/agreement", agreement);
        }

        Say("The treasurer approves each payment, for the account that they see.");
        foreach (var grant in grants)
        {
            var account = (await mesh.Get($"funding/grants/{grant!["id"]}", "treasurer"))["agreement"]!["account"]!;
            var seen = new { iban = (string)account["iban"]!, holder = (string)account["holder"]! };
            await mesh.Do("treasurer", $"funding/grants/{grant["id"]}/payment", new { account = seen });
        }
    }

    private static async Task TooMuch(Mesh mesh, Timeline timeline, long available, long pool)
    {
        Say("A second call asks for more than the row has left: it is refused, and is a draft again with the reason.");
        var second = await Draft(mesh, "Še en izziv", available - pool + 1, DateTimeOffset.UtcNow + TimeSpan.FromDays(30));
        await mesh.Do("coordinator", $"challenges/{second}/publish");
        await timeline.Expect("challenge-returned-to-draft", second);
        Show((string)(await mesh.Get($"challenges/{second}", "coordinator"))["returnReason"]!);
    }

    private static async Task<string> Draft(Mesh mesh, string title, long pool, DateTimeOffset deadline) =>
        (string)(await mesh.Do("coordinator", "challenges", new
        {
            title,
            description = "Iščemo inovativne ideje, ki povezujejo kulturni in kreativni sektor s turizmom. (Demo)",
            organiser = "RAS",
            row = Row,
            fiscalYear = int.Parse(FiscalYear, CultureInfo.InvariantCulture),
            pool = Eur(pool),
            maxAwards = Awards,
            deadline,
            fields = SoughtFields,
            competences = SoughtCompetences,
        }))["id"]!;

    private static async Task<List<string>> EnterIdeas(Mesh mesh, string call, IReadOnlyList<JsonNode> subjects)
    {
        Say($"{Ideas} of them enter ideas: the coordinator makes somebody a member of each, who may then act for it.");
        string[] ideas = ["Zvočni sprehod po Kranju", "Kolesarska pot ilustracij", "Čipka in svetloba", "Okusi železarjev", "Nočna tržnica oblikovanja", "Igra po gorenjskih gradovih", "Razglednice iz arhiva"];
        var entries = new List<string>();
        foreach (var (index, subject) in subjects.Index())
        {
            await mesh.Give(Member(index), "member", (string)subject["id"]!);
            var entry = await mesh.Do(Member(index), $"challenges/{call}/entries", new
            {
                title = ideas[index % ideas.Length],
                summary = "Zamisel za prikaz delovanja.",
                applicant = (string)subject["profile"]!["name"]!,
                contactEmail = $"demo{index + 1}@example.org",
                municipality = (string)subject["profile"]!["municipality"]!,
                subjectId = (string)subject["id"]!,
            });
            entries.Add((string)entry["id"]!);
        }

        return entries;
    }

    /// <summary>Who acts for the subject of this number.</summary>
    public static string Member(int index) => index == 0 ? "member" : $"member-{index}";

    private static async Task AfterDeadline(Mesh mesh, string call, DateTimeOffset deadline)
    {
        Say("The deadline passes; an idea after it is refused.");
        while (DateTimeOffset.UtcNow < deadline)
            await Task.Delay(100);
        await Refused(mesh, "member", $"challenges/{call}/entries", HttpStatusCode.Conflict, new { title = "Prepozno", summary = "-", applicant = "Demo", contactEmail = "demo@example.org", municipality = "003" });
    }

    private static async Task Judge(Mesh mesh, string call, List<string> entries)
    {
        Say("Two jurors score the ideas.");
        foreach (var (index, entry) in entries.Index())
        {
            foreach (var juror in (string[])["juror-1", "juror-2"])
                await mesh.Do(juror, $"challenges/{call}/entries/{entry}/scores", new { points = 95 - (7 * index), note = "Demo" });
        }
    }

    private static async Task Award(Mesh mesh, string call, long pool)
    {
        Say($"RAS awards the {Awards} best; one over the pool and a sixth are refused.");
        var ranked = (await mesh.Get($"challenges/{call}/entries", "coordinator"))["items"]!.AsArray().Select(e => (string)e!["id"]!).ToList();
        await Refused(mesh, "coordinator", $"challenges/{call}/awards", HttpStatusCode.UnprocessableEntity, new { entryId = ranked[0], amount = Eur(pool + 1) });
        foreach (var entry in ranked.Take(Awards))
            await mesh.Do("coordinator", $"challenges/{call}/awards", new { entryId = entry, amount = Eur(OneAward(pool)) });
        await Refused(mesh, "coordinator", $"challenges/{call}/awards", HttpStatusCode.UnprocessableEntity, new { entryId = ranked[Awards], amount = Eur(1) });
    }

    internal static async Task Refused(Mesh mesh, string role, string path, HttpStatusCode expected, object body)
    {
        var (status, answer) = await mesh.Send(role, path, body);
        if (status != expected)
            throw new DemoException($"{path} answers {(int)status} instead of {(int)expected}.");
        Show((string)answer["detail"]!);
    }

    private static void Check(Dictionary<string, long> before, Dictionary<string, long> after, long pool)
    {
        var table = new Table().Title($"Row {Row}, {FiscalYear}").AddColumns("", "planned", "available", "reserved", "committed", "paid");
        table.AddRow(["before", .. before.Values.Select(Euro)]).AddRow(["after", .. after.Values.Select(Euro)]);
        AnsiConsole.Write(table);
        var paid = OneAward(pool) * Awards;
        var expected = new Dictionary<string, long>(before) { ["available"] = before["available"] - paid, ["paid"] = before["paid"] + paid };
        if (!after.Values.SequenceEqual(expected.Values))
            throw new DemoException($"The row should have {Euro(expected["available"])} available and {Euro(expected["paid"])} paid.");
        if (after["planned"] != after["available"] + after["reserved"] + after["committed"] + after["paid"])
            throw new DemoException("The row is not balanced.");
    }

    private static long OneAward(long pool) => pool / Awards * 4 / 5;

    private static async Task<Dictionary<string, long>> Balance(Mesh mesh)
    {
        var balance = (await mesh.Get($"funding/rows/{Row}"))["balances"]![FiscalYear]!;
        return Columns.ToDictionary(a => a, a => (long)balance[a]!["amount"]!);
    }

    internal static object Eur(long cents) => new { amount = cents, currency = "EUR" };

    internal static string Euro(long cents) => $"{cents / 100m:N2} EUR";

    internal static void Say(string sentence) => AnsiConsole.MarkupLine($"[bold green]»[/] {Markup.Escape(sentence)}");

    internal static void Show(string refusal) => AnsiConsole.MarkupLine($"  [red]refused:[/] {Markup.Escape(refusal)}");
}
