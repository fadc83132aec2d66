using System.Net;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace KkiMesh.Demo;

/// <summary>
/// What a treasurer does with the year's money: once in a year, a telling after it shows what is there.
/// </summary>
internal static class Spending
{
    private const string Source = "municipal-key";
    private const string Purpose = "Male spodbude za MSP (demo)";
    // A demo account that has no other part in this chapter.
    private const string SecondTreasurer = "mentor-1";
    private const string Beneficiary = "Izmišljeni studio (demo)";
    private const string OtherRow = "U3-P1";
    private const long Moved = 1_500_00;
    private const long Reserved = 10_000_00;
    private const long Committed = 6_000_00;
    private const long Paid = 4_000_00;
    private const long Returned = 250_00;
    private static readonly object[] Papers = [new { name = "Listina (demo)", sha256 = new string('0', 64), reference = "Izmišljeno / made up" }];

    public static async Task Tell(Mesh mesh, Timeline timeline, DateOnly today, long confirmed)
    {
        var year = today.Year;
        var reservations = await mesh.Get($"funding/rows/{Year.Row}/reservations?fiscalYear={year}&pageSize=100");
        if (reservations["items"]!.AsArray().Any(r => (string?)r!["purpose"] == Purpose))
        {
            Story.Say($"The treasurer has worked with the money of {year} before.");
            return;
        }

        await Enter(mesh, timeline, year, confirmed);
        if (await Has(mesh, year, "available") is var left && left < Moved + Reserved)
        {
            Story.Say($"The row {Year.Row} has only {Story.Euro(left)} left for {year}: nothing more is done with it.");
            return;
        }

        await Move(mesh, timeline, year);
        var (reservation, grant) = await Promise(mesh, timeline, today);
        await Pay(mesh, timeline, grant, today);
        await ChangeAccount(mesh, timeline, grant, today);
        Story.Say("A part is not used and comes back: it is available again.");
        var commitment = $"funding/rows/{Year.Row}/reservations/{reservation}/commitments/{grant}";
        await mesh.Do("treasurer", $"{commitment}/returns", new { amount = Story.Eur(Returned), reason = "Ni porabljeno (demo)" });
        await Done(timeline, "funds-returned", year, "returned", Returned, "treasurer");
    }

    private static async Task Done(Timeline timeline, string type, int year, string what, long cents, string who)
    {
        await timeline.Expect(type, e => (int?)(e["fiscalYear"] ?? e["from"]?["fiscalYear"]) == year);
        Year.Line(what, cents, who);
    }

    private static async Task Enter(Mesh mesh, Timeline timeline, int year, long confirmed)
    {
        if (confirmed == 0 || await Has(mesh, year, "planned") != 0)
            return;
        Story.Say($"The treasurer enters what was decided: the confirmed money, on row {Year.Row}.");
        var reason = $"Letni načrt {year}, potrjeni deleži (demo)";
        await mesh.Do("treasurer", $"funding/rows/{Year.Row}/plan-changes", new { fiscalYear = year, source = Source, amount = Story.Eur(confirmed), reason });
        await Done(timeline, "plan-changed", year, $"planned on {Year.Row}", confirmed, "treasurer");
    }

    private static async Task Move(Mesh mesh, Timeline timeline, int year)
    {
        Story.Say($"A part of it is moved to row {OtherRow}.");
        var move = new { fiscalYear = year, source = Source, amount = Story.Eur(Moved), reason = $"Del letnega načrta {year} (demo)", toRow = OtherRow };
        await mesh.Do("treasurer", $"funding/rows/{Year.Row}/moves", move);
        await Done(timeline, "funds-moved", year, $"moved to {OtherRow}", Moved, "treasurer");
    }

    private static async Task<long> Has(Mesh mesh, int year, string account) =>
        Year.Cents((await mesh.Get($"funding/balances?row={Year.Row}&fiscalYear={year}"))["total"]![account]);

    private static async Task<(string Reservation, string Grant)> Promise(Mesh mesh, Timeline timeline, DateOnly today)
    {
        Story.Say("The treasurer sets money aside for a purpose until the end of the year, and promises a part to a beneficiary in Kranj.");
        var at = $"funding/rows/{Year.Row}/reservations";
        var reserved = await mesh.Do("treasurer", at, new
        {
            fiscalYear = today.Year,
            amount = Story.Eur(Reserved),
            purpose = Purpose,
            source = Source,
            expiresOn = $"{today.Year}-12-31",
            expenditurePurpose = "small-incentives",
        });
        var reservation = (string)reserved["id"]!;
        await Done(timeline, "funds-reserved", today.Year, "reserved", Reserved, "treasurer");
        var committed = await mesh.Do("treasurer", $"{at}/{reservation}/commitments", new
        {
            recipient = Beneficiary,
            amount = Story.Eur(Committed),
            municipality = "052",
            dueOn = today.AddDays(60),
        });
        await Done(timeline, "funds-committed", today.Year, "committed", Committed, "treasurer");
        return (reservation, (string)committed["commitments"]![0]!["id"]!);
    }

    private static async Task Pay(Mesh mesh, Timeline timeline, string grant, DateOnly today)
    {
        Story.Say("The coordinator records the agreement and asks for a payment. Who promised the money does not approve it; another treasurer does.");
        var at = $"funding/grants/{grant}";
        await mesh.Do("coordinator", $"{at}/agreement", Agreement(today, Accounts.Of(Beneficiary)));
        var asked = await mesh.Do("coordinator", $"{at}/payment-requests", new { amount = Story.Eur(Paid), documents = Papers });
        var approval = $"{at}/payment-requests/{asked["paymentRequests"]![0]!["id"]}/approval";
        await Story.Refused(mesh, "treasurer", approval, HttpStatusCode.Forbidden, new { });
        await mesh.Give(SecondTreasurer, "treasurer", by: "operator");
        await mesh.Do(SecondTreasurer, approval, new { });
        await Done(timeline, "funds-paid", today.Year, "paid", Paid, "asked for by the coordinator, approved by the second treasurer");
    }

    private static object Agreement(DateOnly today, object account) => new
    {
        number = $"DEMO-{today.Year}",
        signedOn = today,
        reportDueOn = today.AddYears(1),
        document = Papers[0],
        isOrganisation = true,
        account,
    };

    private static async Task ChangeAccount(Mesh mesh, Timeline timeline, string grant, DateOnly today)
    {
        Story.Say("After the approval an annex names another account: auditors are told, and no order has it.");
        var at = $"funding/grants/{grant}";
        var seen = new { iban = Accounts.Iban($"{Beneficiary}, 2"), holder = Beneficiary };
        await mesh.Do("coordinator", $"{at}/agreement", Agreement(today, seen));
        await timeline.Expect("grant-account-changed", e => (string?)e["commitmentId"] == grant);
        Story.Show((string?)(await LeftOut(mesh, grant, today))?["reason"] ?? throw new DemoException("An order should leave the payment out."));

        Story.Say("Who promised the money does not confirm the account; the second treasurer does.");
        await Story.Refused(mesh, "treasurer", $"{at}/account/confirmation", HttpStatusCode.Forbidden, seen);
        await mesh.Do(SecondTreasurer, $"{at}/account/confirmation", seen);
        if (await LeftOut(mesh, grant, today) is not null)
            throw new DemoException("An order should have the payment, to the account that was confirmed.");
    }

    // The grant's only payment among those that an order of today would leave out; null where it is not.
    private static async Task<JsonNode?> LeftOut(Mesh mesh, string grant, DateOnly today)
    {
        var paid = await mesh.Get($"funding/payments?commitmentId={grant}", "treasurer");
        var payment = (string?)paid["items"]![0]!["payment"]!["id"];
        var day = $"{today:yyyy-MM-dd}";
        var draft = await mesh.Get($"funding/payment-orders?from={day}&to={day}", "treasurer");
        return draft["leftOut"]!.AsArray().SingleOrDefault(p => (string?)p!["paymentId"] == payment);
    }
}
