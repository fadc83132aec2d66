using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using KkiMesh.TestKit;

namespace KkiMesh.Funding.Tests;

/// <summary>What goes to the bank and comes from it, as a treasurer does it.</summary>
public sealed class BankTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    private const string Service = "/gorenjska/funding";

    [Fact]
    public async Task Payments_are_ordered_once_and_settled_by_the_statement_that_names_them()
    {
        using var client = funding.Client();
        var (known, unknown) = (await PayAsync(client, "U3-P5", 12_345), await PayAsync(client, "U3-P5", 500));
        var grant = await GrantOfAsync(client, unknown);
        await client.RecordAsync(grant, "Drugi");
        const string days = "2026-11-25";

        var draft = (await client.GetAsync($"{Service}/payment-orders?from={days}&to={days}", "treasurer")).Body!;
        Assert.Contains(draft["lines"]!.AsArray(), l => (string?)l!["paymentId"] == known);
        Assert.Contains(draft["leftOut"]!.AsArray(), l => (string?)l!["paymentId"] == unknown);
        var orders = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => funding.Client(i % 2).PostAsync($"{Service}/payment-orders", "treasurer", new { from = days, to = days })));
        var order = Assert.Single(orders, o => o.Status == HttpStatusCode.Created);
        Assert.All(orders.Where(o => o != order), o => Assert.Equal(HttpStatusCode.Conflict, o.Status));
        Assert.Null(order.Body!["file"]);
        var file = await TextAsync($"{order.Headers.Location}/file");
        Assert.Equal(file, await TextAsync($"{order.Headers.Location}/file"));
        Assert.Contains(Guid.Parse(known).ToString("N"), XDocument.Parse(file).Descendants().Where(e => e.Name.LocalName == "EndToEndId").Select(e => e.Value));

        var statement = Statements.File("08", "IZP-1", 1_000_00, new(12_345, EndToEndId: Guid.Parse(known).ToString("N")), new(500), new(700, IsOutgoing: false), new(12_345));
        var (status, imported) = await ImportAsync(statement, "treasurer");
        Assert.Equal(201, status);
        Assert.Equal(["matched", "open", "open", "open"], imported!["entries"]!.AsArray().Select(e => (string)e!["status"]!));
        var path = $"{Service}/bank-statements/{imported["key"]}";
        Assert.Equal(422, (int)(await client.PostAsync($"{path}/entries/2/assignment", "treasurer", new { paymentId = known })).Status);
        Assert.Equal(409, (int)(await client.PostAsync($"{path}/entries/4/assignment", "treasurer", new { paymentId = known })).Status);
        Assert.Equal(404, (int)(await client.PostAsync($"{path}/entries/5/assignment", "treasurer", new { notOurs = "Ni" })).Status);
        Assert.Equal(409, (int)(await client.PostAsync($"{path}/entries/3/assignment", "treasurer", new { paymentId = unknown })).Status);
        await Done(client.PostAsync($"{path}/entries/2/assignment", "treasurer", new { paymentId = unknown }));
        Assert.Equal(("2026-11-24", "2026-11-24"), (await SettledAsync(client, known), await SettledAsync(client, unknown)));
        // Who follows a payment finds the bank's line of it, and nothing else.
        var booked = Assert.Single((await client.GetAsync($"{Service}/bank-statements?payment={unknown}", "auditor")).Body!["items"]!.AsArray());
        Assert.Equal(((string?)imported["key"], 2), ((string?)booked!["key"], (int)Assert.Single(booked["entries"]!.AsArray())!["number"]!));
        var line = (await client.GetAsync($"{Service}/payments?pageSize=100", "auditor")).Body!["items"]!.AsArray().Single(p => (string?)p!["payment"]!["id"] == known)!;
        var ofGrant = await client.GetAsync($"{Service}/payments?commitmentId={line["payment"]!["commitmentId"]}", "auditor");
        Assert.Equal([known], ofGrant.Body!["items"]!.AsArray().Select(p => (string)p!["payment"]!["id"]!));
        await Done(client.PostAsync($"{path}/entries/2/assignment", "treasurer", new { notOurs = "Zmota" }));
        Assert.Null(await SettledAsync(client, unknown));
        await Done(client.PostAsync($"{path}/entries/3/assignment", "treasurer", new { notOurs = "Obresti" }));
        var open = await Done(client.PostAsync($"{path}/entries/4/assignment", "treasurer", new { notOurs = "Najemnina" }));

        Assert.Equal(0, (int)open.Body!["open"]!);
        Assert.DoesNotContain((string)imported["key"]!, (await client.GetAsync($"{Service}/bank-statements?isOpen=true", "auditor")).Body!.ToJsonString(), StringComparison.Ordinal);
        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);
    }

    [Fact]
    public async Task The_same_statement_has_no_second_effect_and_a_wrong_one_none_at_all()
    {
        using var client = funding.Client();
        var file = Statements.File("02", "IZP-2", 0, new Statements.Booking(1, IsOutgoing: false));

        Assert.Equal(201, (await ImportAsync(file, "treasurer")).Status);
        Assert.Equal(409, (await ImportAsync(file, "treasurer")).Status);
        Assert.Equal(422, (await ImportAsync(Statements.File("02", "IZP-3", 0).Replace(Statements.Iban, "SI56263300012039086", StringComparison.Ordinal), "treasurer")).Status);
        Assert.Equal(422, (await ImportAsync(Statements.File("02", "IZP-3", 0) + "<", "treasurer")).Status);
        Assert.Equal(413, (await ImportAsync(Statements.File("02", "IZP-3", 0) + new string(' ', 1024 * 1024), "treasurer")).Status);
        var (unsupported, problem) = await ImportAsync("{}", "treasurer", "application/json");
        Assert.Equal(
            (415, "The body's Content-Type is not what this takes: application/xml or text/xml."),
            (unsupported, (string)problem!["detail"]!));
        Assert.Equal(403, (await ImportAsync(file, "auditor")).Status);

        Assert.Single((await client.GetAsync($"{Service}/bank-statements?pageSize=100", "treasurer")).Body!["items"]!.AsArray(), s => ((string)s!["statementId"]!).StartsWith("IZP-2", StringComparison.Ordinal));
        Assert.DoesNotContain("IZP-3", (await client.GetAsync($"{Service}/bank-statements?pageSize=100", "treasurer")).Body!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_municipality_pays_with_its_reference_is_booked_as_its_contribution_and_the_rest_by_a_person()
    {
        using var client = funding.Client();
        var reference = await MunicipalMoneyTests.CalledAsync(client, 2037, 60_000, ["003"]);
        var contribution = $"{Service}/contributions/2037/003";

        var (status, imported) = await ImportAsync(
            Statements.File("08", "IZP-7", 0, new(10_000, IsOutgoing: false, Reference: reference), new(2_500, IsOutgoing: false), new(5, IsOutgoing: false, Reference: "SI0012345")), "treasurer");
        Assert.Equal(201, status);
        Assert.Equal(["matched", "open", "open"], imported!["entries"]!.AsArray().Select(e => (string)e!["status"]!));
        await Eventually.Is(() => client.GetAsync(contribution), a => (int)a.Body!["received"]!["amount"]! == 10_000);
        var path = $"{Service}/bank-statements/{imported["key"]}/entries";
        Assert.Equal(409, (int)(await client.PostAsync($"{path}/1/assignment", "treasurer", new { notOurs = "Zmota" })).Status);
        Assert.Equal(422, (int)(await client.PostAsync($"{path}/2/assignment", "treasurer", new { year = 2037, municipality = "163" })).Status);
        Assert.Equal(422, (int)(await client.PostAsync($"{path}/2/assignment", "treasurer", new { municipality = "003" })).Status);
        Assert.Equal(400, (int)(await client.PostAsync($"{path}/2/assignment", "treasurer", new { notOurs = " " })).Status);
        await Done(client.PostAsync($"{path}/2/assignment", "treasurer", new { year = 2037, municipality = "003" }));

        await Eventually.Is(() => client.GetAsync(contribution), a => (int)a.Body!["received"]!["amount"]! == 12_500);
        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);
    }

    [Fact]
    public async Task One_transaction_of_the_bank_is_booked_once_by_hand_or_by_whatever_statement_has_it()
    {
        using var client = funding.Client();
        var reference = await MunicipalMoneyTests.CalledAsync(client, 2038, 60_000, ["003"]);
        var payment = await PayAsync(client, "U3-P5", 777);
        await Done(client.PostAsync($"{Service}/contributions", "treasurer", new { reference, amount = Eur(10_000), bankTransaction = "B-1" }));
        Statements.Booking In(long cents, string bank) => new(cents, IsOutgoing: false, Reference: reference, BankTransaction: bank);
        var paid = new Statements.Booking(777, EndToEndId: Guid.Parse(payment).ToString("N"), BankTransaction: "B-9");

        var first = (await ImportAsync(Statements.File("08", "IZP-40", 0, In(10_000, "B-1"), In(200, "B-2"), In(200, "B-2"), paid), "treasurer")).Body!;
        Assert.Equal(["open", "matched", "open", "matched"], Entries(first, "status"));
        await ReceivedAsync(client, "2038/003", 10_200);
        // Issued anew by the bank under another name.
        var again = (await ImportAsync(Statements.File("02", "IZP-41", 0, In(200, "B-2"), In(300, "B-3"), In(5, "NONREF"), In(6, "NONREF"), paid), "treasurer")).Body!;
        Assert.Equal(["open", "matched", "matched", "matched", "open"], Entries(again, "status"));
        await ReceivedAsync(client, "2038/003", 10_511);

        Assert.Equal("The bank's transaction B-2 is booked already: reverse that receipt, or say that this entry is not ours.", Entries(again, "reason")[0]);
        var path = $"{Service}/bank-statements/{again["key"]}/entries/1/assignment";
        var refused = await client.PostAsync(path, "treasurer", new { year = 2038, municipality = "003" });
        Assert.Equal((409, Entries(again, "reason")[0]), ((int)refused.Status, refused.Detail));
        await Done(client.PostAsync(path, "treasurer", new { notOurs = "Ponovljen izpisek" }));
        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);
    }

    [Fact]
    public async Task What_is_booked_by_hand_while_its_statement_is_taken_in_is_booked_once_and_waits_for_a_person()
    {
        using var client = funding.Client();
        var reference = await MunicipalMoneyTests.CalledAsync(client, 2039, 60_000, ["003", "052"]);
        var ids = Enumerable.Range(1, 8).Select(i => $"S-{i}").ToArray();

        var import = ImportAsync(Statements.File("08", "IZP-42", 0, [.. ids.Select(id => new Statements.Booking(100, IsOutgoing: false, Reference: reference, BankTransaction: id))]), "treasurer");
        // On the contribution itself, and on another one.
        var hands = await Task.WhenAll(ids.Select((id, i) => client.PostAsync(
            $"{Service}/contributions", "treasurer", new { year = 2039, municipality = i % 2 == 0 ? "003" : "052", amount = Eur(100), bankTransaction = id })));
        var key = (await import).Body!["key"];

        var byHand = hands.Count(h => h.Status == HttpStatusCode.OK);
        Assert.All(hands, h => Assert.True(h.Status is HttpStatusCode.OK or HttpStatusCode.Conflict, h.Detail));
        await Eventually.Is(() => client.GetAsync($"{Service}/bank-statements/{key}", "treasurer"), a => (int)a.Body!["open"]! == byHand);
        await Eventually.Is(
            async () => (await ReceiptsAsync(client, "2039/003")).Concat(await ReceiptsAsync(client, "2039/052")).ToList(),
            booked => booked.Select(r => (string)r!["bankTransaction"]!).Order().SequenceEqual(ids));
    }

    [Fact]
    public async Task A_booking_and_its_parts_are_booked_once_whatever_comes_first()
    {
        using var client = funding.Client();
        var reference = await MunicipalMoneyTests.CalledAsync(client, 2044, 60_000, ["003"]);
        var part = $"<TxDtls><Amt Ccy=\"EUR\">1.00</Amt><RmtInf><Strd><CdtrRefInf><Ref>{reference}</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>";
        string Parts(string id, string bank)
        {
            var file = Statements.File("08", id, 0, new Statements.Booking(200, IsOutgoing: false, BankTransaction: bank));
            return file[..file.IndexOf("<TxDtls>", StringComparison.Ordinal)] + part + part + file[(file.IndexOf("</TxDtls>", StringComparison.Ordinal) + 9)..];
        }

        object ByHand(string bank) => new { reference, amount = Eur(200), bankTransaction = bank };
        await Done(client.PostAsync($"{Service}/contributions", "treasurer", ByHand("P-1")));
        Assert.Equal(["open", "open"], Entries((await ImportAsync(Parts("IZP-45", "P-1"), "treasurer")).Body!, "status"));
        Assert.Equal(["matched", "matched"], Entries((await ImportAsync(Parts("IZP-46", "P-2"), "treasurer")).Body!, "status"));
        await ReceivedAsync(client, "2044/003", 400);

        var refused = await client.PostAsync($"{Service}/contributions", "treasurer", ByHand("P-2"));

        Assert.Equal(409, (int)refused.Status);
        Assert.StartsWith("A part of this transaction of the bank is booked already, from a statement: P-2#", refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_receipt_of_the_wrong_municipality_is_reversed_and_its_entry_assigned_anew()
    {
        using var client = funding.Client();
        await MunicipalMoneyTests.CalledAsync(client, 2040, 60_000, ["052"]);
        var reference = await MunicipalMoneyTests.CalledAsync(client, 2040, 60_000, ["003"]);
        var statement = (await ImportAsync(Statements.File("08", "IZP-43", 0, new Statements.Booking(900, IsOutgoing: false, Reference: reference)), "treasurer")).Body!;
        await ReceivedAsync(client, "2040/003", 900);
        var path = $"{Service}/bank-statements/{statement["key"]}";
        var right = new { year = 2040, municipality = "052" };

        var refused = await client.PostAsync($"{path}/entries/1/assignment", "treasurer", right);
        Assert.Equal(409, (int)refused.Status);
        Assert.Contains("the entry is then open again", refused.Detail, StringComparison.Ordinal);
        var receipt = (await ReceiptsAsync(client, "2040/003"))[0]!["id"];
        await Done(client.PostAsync($"{Service}/contributions/2040/003/receipts/{receipt}/reversal", "treasurer", new { reason = "Napačna občina" }));
        var open = (await Eventually.Is(() => client.GetAsync($"{path}?isOpen=true", "treasurer"), a => a.Body!["entries"]!.AsArray().Count == 1)).Body!;
        Assert.Equal("The receipt from the municipality 003 for 2040 that it was booked as was reversed.", Entries(open, "reason")[0]);
        await Done(client.PostAsync($"{path}/entries/1/assignment", "treasurer", right));

        await ReceivedAsync(client, "2040/052", 900);
        Assert.Equal(0, (int)(await client.GetAsync($"{Service}/contributions/2040/003")).Body!["received"]!["amount"]!);
        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);
    }

    [Fact]
    public async Task An_ordered_payment_is_reversed_or_ordered_again_only_when_the_bank_did_not_make_it()
    {
        using var client = funding.Client();
        var payment = await PayAsync(client, "U3-P5", 888);
        var reversal = $"{Service}/rows/U3-P5/transactions/{payment}/reversal";
        var wrong = new { reason = "Napačen račun" };
        var first = await OrderAsync(client);
        var file = await TextAsync($"{first}/file");
        var withdrawal = $"{first}/payments/{payment}/withdrawal";

        var refused = await client.PostAsync(reversal, "treasurer", wrong);
        Assert.Equal(409, (int)refused.Status);
        Assert.Contains(withdrawal[$"{Service}/".Length..], refused.Detail, StringComparison.Ordinal);
        Assert.Equal(403, (int)(await client.PostAsync(withdrawal, "auditor", wrong)).Status);
        Assert.Equal(400, (int)(await client.PostAsync(withdrawal, "treasurer", new { reason = "" })).Status);
        Assert.Equal(404, (int)(await client.PostAsync($"{first}/payments/{Guid.NewGuid()}/withdrawal", "treasurer", wrong)).Status);
        var withdrawn = await Done(client.PostAsync(withdrawal, "treasurer", wrong));
        Assert.Null(withdrawn.Body!["file"]);
        Assert.Equal("Napačen račun", (string?)withdrawn.Body["lines"]!.AsArray().Single(l => (string?)l!["paymentId"] == payment)!["withdrawn"]);
        Assert.Equal(409, (int)(await client.PostAsync(withdrawal, "treasurer", wrong)).Status);
        Assert.Equal(file, await TextAsync($"{first}/file"));

        var second = await OrderAsync(client);
        Assert.Contains(Guid.Parse(payment).ToString("N"), await TextAsync($"{second}/file"), StringComparison.Ordinal);
        var statement = (await ImportAsync(Statements.File("08", "IZP-44", 0, new Statements.Booking(888, EndToEndId: Guid.Parse(payment).ToString("N"))), "treasurer")).Body!;
        Assert.Equal(409, (int)(await client.PostAsync($"{second}/payments/{payment}/withdrawal", "treasurer", wrong)).Status);
        Assert.Contains("recorded as a return", (await client.PostAsync(reversal, "treasurer", wrong)).Detail, StringComparison.Ordinal);

        await Done(client.PostAsync($"{Service}/bank-statements/{statement["key"]}/entries/1/assignment", "treasurer", new { notOurs = "Zmota" }));
        Assert.Equal(409, (int)(await client.PostAsync(reversal, "treasurer", wrong)).Status);
        await Done(client.PostAsync($"{second}/payments/{payment}/withdrawal", "treasurer", wrong));
        await Done(client.PostAsync(reversal, "treasurer", wrong));
        Assert.DoesNotContain(payment, (await client.GetAsync($"{Service}/payment-orders?from=2026-11-25&to=2026-11-25", "treasurer")).Body!.ToJsonString(), StringComparison.Ordinal);
        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);
    }

    [Fact]
    public async Task A_number_that_begins_anew_each_year_is_another_statement_and_within_a_year_the_same()
    {
        string Of(string day) => Statements.File("08", "IZP-70", 0, new Statements.Booking(5))
            .Replace("2026-11-24", day, StringComparison.Ordinal);

        var first = await ImportAsync(Of("2025-01-03"), "treasurer");
        var again = await ImportAsync(Of("2025-01-04"), "treasurer");

        Assert.Equal((201, 201), (first.Status, (await ImportAsync(Of("2026-01-05"), "treasurer")).Status));
        Assert.Equal(
            (409, $"The statement IZP-70 of 2025-01-03 was taken in before: bank-statements/{first.Body!["key"]}."),
            (again.Status, (string)again.Body!["detail"]!));
        Assert.Equal("2025-01-03", (string)first.Body["closedOn"]!);
    }

    [Fact]
    public void A_statement_that_was_stored_without_its_day_is_of_that_of_its_last_entry()
    {
        var entry = new BankEntry(1, new DateOnly(2026, 1, 2), Contracts.Money.Eur(5), true, false, null, null, null, null);
        var imported = new DateOnly(2026, 1, 5);
        var stored = new StatementImported("", "1", null, Contracts.Money.Eur(5), Contracts.Money.Eur(0), [entry], imported);
        DateOnly ClosedOn(StatementImported e) => BankStatement.Apply(null, BankStatement.Of("k"), e)!.ClosedOn;

        Assert.Equal(entry.BookedOn, ClosedOn(stored));
        Assert.Equal(imported, ClosedOn(stored with { Entries = [] }));
    }

    [Fact]
    public async Task A_statement_that_does_not_go_on_from_the_last_one_is_explained_and_shown_when_the_year_is_closed()
    {
        using var client = funding.Client();
        async Task<JsonNode> TakenAsync(string id, long opening, string day)
        {
            var file = Statements.File("08", id, opening, new Statements.Booking(5, IsOutgoing: false))
                .Replace("2026-11-24", day, StringComparison.Ordinal);
            var (status, body) = await ImportAsync(file, "treasurer");
            Assert.Equal(201, status);
            return body!;
        }

        Assert.Null((string?)(await TakenAsync("IZP-80", 0, "2024-03-01"))["warning"]);
        Assert.Null((string?)(await TakenAsync("IZP-81", 5, "2024-03-04"))["warning"]);
        var other = await TakenAsync("IZP-82", 7, "2024-03-05");
        var late = await TakenAsync("IZP-83", 12, "2024-03-07");
        Assert.Equal("It opens with 0.07 EUR, and the statement of 2024-03-04 closed with 0.10 EUR.", (string?)other["warning"]);
        Assert.Equal("The days between 2024-03-05 and 2024-03-07 are in no statement.", (string?)late["warning"]);

        var path = $"{Service}/bank-statements/{other["key"]}/explanation";
        Assert.Equal(403, (int)(await client.PostAsync(path, "auditor", new { reason = "x" })).Status);
        Assert.Equal(400, (int)(await client.PostAsync(path, "treasurer", new { reason = " " })).Status);
        var explained = await Done(client.PostAsync(path, "treasurer", new { reason = "Banka je popravila stanje" }));
        Assert.Equal("Banka je popravila stanje", (string?)explained.Body!["explanation"]);
        var sound = $"{Service}/bank-statements/{(await TakenAsync("IZP-84", 17, "2024-03-08"))["key"]}/explanation";
        Assert.Equal(409, (int)(await client.PostAsync(sound, "treasurer", new { reason = "x" })).Status);

        var year = (await Done(client.PostAsync($"{Service}/fiscal-years/2024/close", "treasurer"))).Body!;
        Assert.Equal(
            [("2024-03-05", "Banka je popravila stanje"), ("2024-03-07", null)],
            year["warnings"]!.AsArray().Select(w => ((string)w!["closedOn"]!, (string?)w["explanation"])));
        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);
    }

    [Theory]
    [InlineData("2026-11-20", "2026-11-23", "1", "9", null)]
    [InlineData("2026-11-20", "2026-11-24", "1", "9", "The days between 2026-11-20 and 2026-11-24 are in no statement.")]
    [InlineData("2026-11-20", "2026-11-24", "8", "9", null)]
    [InlineData("2025-11-20", "2026-11-24", null, null, "The days between 2025-11-20 and 2026-11-24 are in no statement.")]
    [InlineData("2026-11-24", "2026-11-24", null, null, null)]
    public void A_gap_is_of_workdays_that_the_banks_own_numbers_do_not_bridge(
        string closed, string opened, string? last, string? next, string? warning)
    {
        static DateOnly Day(string text) =>
            DateOnly.ParseExact(text, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        var file = new StatementFile("", "1", next, Contracts.Money.Eur(5), Contracts.Money.Eur(5), Day(opened), Day(opened), []);

        Assert.Equal(warning, Continuity.Warning(file, [new(Day(closed), Contracts.Money.Eur(5), last)]));
    }

    [Fact]
    public async Task Statements_of_one_file_are_taken_together_or_not_at_all_and_settle_a_payment_once()
    {
        using var client = funding.Client();
        var payment = await PayAsync(client, "U3-P5", 432);
        var booking = new Statements.Booking(432, EndToEndId: Guid.Parse(payment).ToString("N"));
        string Settling(string id) => Statements.File("08", id, 0, booking);
        async Task<string> ListedAsync() =>
            (await client.GetAsync($"{Service}/bank-statements?pageSize=100", "treasurer")).Body!.ToJsonString();

        var foreign = Settling("IZP-62").Replace(Statements.Iban, "SI56263300012039086", StringComparison.Ordinal);
        Assert.Equal(422, (await ImportAsync(Statements.Together(Settling("IZP-60"), foreign), "treasurer")).Status);
        Assert.Equal(422, (await ImportAsync(Statements.Together(Settling("IZP-60"), Settling("IZP-60")), "treasurer")).Status);
        Assert.DoesNotContain("IZP-60", await ListedAsync(), StringComparison.Ordinal);
        var two = Statements.Together(Settling("IZP-60"), Settling("IZP-61"));
        Assert.Equal(201, (await ImportAsync(two, "treasurer", "text/xml")).Status);
        Assert.Equal(409, (await ImportAsync(Statements.Together(Settling("IZP-63"), Settling("IZP-61")), "treasurer")).Status);

        var listed = (await client.GetAsync($"{Service}/bank-statements?pageSize=100", "treasurer")).Body!["items"]!.AsArray();
        int Open(string id) => (int)listed.Single(s => (string?)s!["statementId"] == id)!["open"]!;
        Assert.Equal((0, 1), (Open("IZP-60"), Open("IZP-61")));
        Assert.DoesNotContain("IZP-63", await ListedAsync(), StringComparison.Ordinal);
        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);
    }

    [Fact]
    public async Task A_large_statement_is_taken_whole()
    {
        var (status, body) = await ImportAsync(Statements.File("08", "IZP-9", 0, [.. Enumerable.Repeat(new Statements.Booking(1), 1000)]), "treasurer");

        Assert.Equal((201, 1000), (status, (int)body!["open"]!));
    }

    [Theory]
    [InlineData("""{"from":"2026-11-25","to":"2026-11-24"}""", 422, "to")]
    [InlineData("""{"from":"2026-01-01","to":"2026-01-02","executeOn":"2026-11-24"}""", 422, "executeOn")]
    [InlineData("""{"from":"2026-01-01","to":"2026-01-02","iban":"SI56263300012039086"}""", 422, "iban")]
    [InlineData("""{"from":"2026-01-01","to":"2026-01-02","version":"04"}""", 400, "version")]
    [InlineData("""{"from":"2026-01-01","to":"2026-01-02"}""", 409, null)]
    public async Task What_cannot_be_ordered_is_refused_at_its_field(string body, int status, string? field)
    {
        using var client = funding.Client();

        var refused = await client.PostAsync($"{Service}/payment-orders", "treasurer", body);

        Assert.Equal(status, (int)refused.Status);
        Assert.Equal(field, refused.Body!["errors"]?.AsObject().Single().Key);
    }

    [Fact]
    public async Task What_the_bank_says_to_have_booked_tomorrow_is_refused_with_the_line()
    {
        var file = Statements.File("08", "IZP-50", 0, new Statements.Booking(1)).Replace("<BookgDt><Dt>2026-11-24", "<BookgDt><Dt>2026-11-26", StringComparison.Ordinal);

        var (status, problem) = await ImportAsync(file, "treasurer");

        Assert.Equal((422, "Line 9: An entry is booked by today, 2026-11-25, and not on 2026-11-26."), (status, (string)problem!["detail"]!));
    }

    [Theory]
    [InlineData("koroska", null, "No account of koroska is configured: an operator sets Funding__Accounts__0__Region, __Iban and __Holder.")]
    [InlineData("gorenjska", null, "The region has several accounts: say which one it is.")]
    [InlineData("gorenjska", "SI56263300012039086", "SI56263300012039086 is none of the region's accounts (Funding:Accounts).")]
    public void Why_there_is_no_account_to_pay_from_is_said_with_the_setting(string region, string? iban, string why)
    {
        var accounts = new OwnAccounts([new("gorenjska", Statements.Iban, "A"), new("gorenjska", "SI56020170014356206", "A")]);

        Assert.Null(accounts.Find(region, iban));
        Assert.Equal((422, "iban", why), (accounts.WhyNot(region, iban, "iban").Status, accounts.WhyNot(region, iban, "iban").Field, accounts.WhyNot(region, iban, "iban").Reason));
    }

    private static JsonObject Eur(long cents) => new() { ["amount"] = cents, ["currency"] = "EUR" };

    private static async Task<Answer> Done(Task<Answer> answer)
    {
        var given = await answer;
        Assert.True(given.Status is HttpStatusCode.OK or HttpStatusCode.Created, given.Detail);
        return given;
    }

    private static async Task<string> GrantOfAsync(Client client, string payment) =>
        (string)(await client.GetAsync($"{Service}/payments?pageSize=100", "treasurer")).Body!["items"]!.AsArray()
            .Single(p => (string?)p!["payment"]!["id"] == payment)!["payment"]!["commitmentId"]!;

    private static async Task<string> OrderAsync(Client client) =>
        (await Done(client.PostAsync($"{Service}/payment-orders", "treasurer", new { from = "2026-11-25", to = "2026-11-25" }))).Headers.Location!.ToString();

    private static string?[] Entries(JsonNode statement, string field) => [.. statement["entries"]!.AsArray().Select(e => (string?)e![field])];

    private static Task<Answer> ReceivedAsync(Client client, string contribution, long cents) =>
        Eventually.Is(() => client.GetAsync($"{Service}/contributions/{contribution}"), a => (long)a.Body!["received"]!["amount"]! == cents);

    private static async Task<JsonArray> ReceiptsAsync(Client client, string contribution) =>
        (await client.GetAsync($"{Service}/contributions/{contribution}")).Body!["receipts"]!.AsArray();

    private static async Task<string?> SettledAsync(Client client, string payment) =>
        (string?)(await client.GetAsync($"{Service}/payments?pageSize=100", "treasurer")).Body!["items"]!.AsArray().Single(p => (string?)p!["payment"]!["id"] == payment)!["settledOn"];

    /// <summary>A payment of what was promised to Ana.</summary>
    private static async Task<string> PayAsync(Client client, string row, long cents)
    {
        var reserved = await Done(client.PostAsync($"{Service}/rows/{row}/reservations", "treasurer", new { fiscalYear = 2023, amount = Eur(cents), purpose = "Poskus" }));
        var committed = await Done(client.PostAsync($"{reserved.Headers.Location}/commitments", "treasurer", new { recipient = "Ana", amount = Eur(cents) }));
        var id = (string)committed.Body!["commitments"]![0]!["id"]!;
        await client.RecordAsync(id);
        await Done(client.PostAsync($"{reserved.Headers.Location}/commitments/{id}/payments", "treasurer-2", new { }));
        return (string)(await client.GetAsync($"{Service}/payments?row={row}", "treasurer")).Body!["items"]!.AsArray().Single(p => (string?)p!["payment"]!["commitmentId"] == id)!["payment"]!["id"]!;
    }

    [Theory]
    [InlineData("windows-1250")]
    [InlineData("windows-1252")]
    [InlineData("iso-8859-2")]
    [InlineData("iso-8859-15")]
    public async Task A_file_is_taken_in_the_encoding_that_its_content_type_names(string name)
    {
        var file = Statements.File("08", $"IZP-{name}", 0, new Statements.Booking(5, Reference: "x", Name: "Žiga Šuš"))
            .Replace(" encoding=\"UTF-8\"", "", StringComparison.Ordinal);

        var (status, taken) = await ImportAsync(
            file, "treasurer", encoding: CodePagesEncodingProvider.Instance.GetEncoding(name));

        Assert.Equal((201, "Žiga Šuš"), (status, (string?)taken?["entries"]?[0]?["counterparty"]));
    }

    [Fact]
    public async Task A_file_in_an_encoding_that_nobody_knows_is_refused_with_those_that_are_read()
    {
        var (status, problem) = await ImportAsync("<x/>", "treasurer", "application/xml; charset=nonsense");

        Assert.Equal(422, status);
        Assert.Contains("windows-1250", (string?)problem?["detail"], StringComparison.Ordinal);
    }

    private async Task<(int Status, JsonNode? Body)> ImportAsync(
        string file, string role, string type = "application/xml", Encoding? encoding = null)
    {
        var (status, body) = await ImportAsync(funding, file, role, type, encoding);
        return (status, body?["statements"] is JsonArray statements ? statements[0] : body);
    }

    /// <summary>Takes a file in, and gives the whole answer.</summary>
    internal static async Task<(int Status, JsonNode? Body)> ImportAsync(
        RunningFunding funding, string file, string role, string type = "application/xml", Encoding? encoding = null)
    {
        using var http = funding.Http(role);
        var named = encoding is null ? MediaTypeHeaderValue.Parse(type) : new MediaTypeHeaderValue(type, encoding.WebName);
        using var content = new StringContent(file, encoding ?? Encoding.UTF8, named);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{Service}/bank-statements") { Content = content, Headers = { { "Idempotency-Key", Guid.NewGuid().ToString() } } };
        using var answer = await http.SendAsync(request);
        return ((int)answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync()));
    }

    private async Task<string> TextAsync(string path)
    {
        using var http = funding.Http("treasurer");
        return await http.GetStringAsync(path);
    }
}
