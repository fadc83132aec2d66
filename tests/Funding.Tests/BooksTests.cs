using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.TestKit;

namespace KkiMesh.Funding.Tests;

/// <summary>Changes of the plan, moves, closed years, and what was known when.</summary>
public sealed class BooksTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    private const string Root = "/gorenjska/funding";

    [Fact]
    public async Task Money_moves_from_row_to_row_at_once_and_a_move_that_was_a_mistake_is_taken_back_on_both()
    {
        using var client = funding.Client();
        var moved = await Done(client.PostAsync($"{Root}/rows/U4-A2/moves", "treasurer", Move(2022, "municipal-key", 300_000, to: "U6-A1")));
        Assert.Equal(["U4-A2", "U6-A1"], moved.AsArray().Select(r => (string)r!["id"]!));
        await Has(client, "U4-A2", 2022, "municipal-key", [4_700_000, 4_700_000, 0]);
        await Has(client, "U6-A1", 2022, "municipal-key", [300_000, 300_000, 0]);
        var (given, taken) = (await Newest(client, "U4-A2"), await Newest(client, "U6-A1"));
        Assert.Equal((string?)given["data"]!["moveId"], (string?)taken["data"]!["moveId"]);
        Assert.Equal(0, new[] { given, taken }.SelectMany(t => t["data"]!["postings"]!.AsArray()).Sum(p => (long)p!["amount"]!["amount"]!));

        // From the other side, too; but not twice, from neither.
        await Done(client.PostAsync($"{Root}/rows/U6-A1/transactions/{taken["id"]}/reversal", "treasurer", new { reason = "Napačna vrstica" }));
        foreach (var (row, transaction) in new[] { ("U4-A2", given), ("U6-A1", taken) })
            Assert.Equal(409, (int)(await client.PostAsync($"{Root}/rows/{row}/transactions/{transaction["id"]}/reversal", "treasurer", new { reason = "x" })).Status);
        await Has(client, "U4-A2", 2022, "municipal-key", [5_000_000, 5_000_000, 0]);
        await Has(client, "U6-A1", 2022, "municipal-key", [0, 0, 0]);
    }

    [Fact]
    public async Task Money_whose_source_is_not_stated_is_attributed_to_one_and_a_new_year_gets_money_by_a_change_of_the_plan()
    {
        using var client = funding.Client();
        await Done(client.PostAsync($"{Root}/rows/U3-P7/moves", "treasurer", new
        {
            fiscalYear = 2023,
            source = "not-stated",
            amount = Eur(500_000),
            reason = "Pogodba o sofinanciranju",
            toSource = "eu",
        }));
        await Has(client, "U3-P7", 2023, "not-stated", [1_500_000, 1_500_000, 0]);
        await Has(client, "U3-P7", 2023, "eu", [500_000, 500_000, 0]);

        Assert.Equal(422, (int)(await client.PostAsync($"{Root}/rows/U3-P7/reservations", "treasurer", new { fiscalYear = 2026, amount = Eur(1), purpose = "x" })).Status);
        await Done(client.PostAsync($"{Root}/rows/U3-P7/plan-changes", "treasurer", Change(2026, "municipal-own", 250_000)));
        await Done(client.PostAsync($"{Root}/rows/U3-P7/plan-changes", "treasurer", Change(2026, "municipal-own", -50_000)));
        Assert.Equal(201, (int)(await client.PostAsync($"{Root}/rows/U3-P7/reservations", "treasurer", new { fiscalYear = 2026, amount = Eur(150_000), purpose = "x" })).Status);
        await Has(client, "U3-P7", 2026, "municipal-own", [200_000, 50_000, 0]);
        Assert.Equal(422, (int)(await client.PostAsync($"{Root}/rows/U3-P7/plan-changes", "treasurer", Change(2026, "municipal-own", -50_001))).Status);
    }

    [Theory]
    [InlineData("moves", """{"fiscalYear":2022,"source":"not-stated","amount":{"amount":0,"currency":"EUR"},"reason":"x","toRow":"U6-A3"}""", 422, "amount")]
    [InlineData("moves", """{"fiscalYear":2022,"source":"not-stated","amount":{"amount":5,"currency":"CHF"},"reason":"x","toRow":"U6-A3"}""", 422, "amount")]
    [InlineData("moves", """{"fiscalYear":2022,"source":"not-stated","amount":{"amount":9000000000000000000,"currency":"EUR"},"reason":"x","toRow":"U6-A3"}""", 422, "amount")]
    [InlineData("moves", """{"fiscalYear":2022,"source":"not-stated","amount":{"amount":5,"currency":"EUR"},"reason":"x"}""", 422, "toRow")]
    [InlineData("moves", """{"fiscalYear":2022,"source":"not-stated","amount":{"amount":5,"currency":"EUR"},"reason":"x","toRow":"U9-X"}""", 404, null)]
    [InlineData("moves", """{"fiscalYear":2022,"source":"not-stated","amount":{"amount":5,"currency":"EUR"},"reason":"x","toFiscalYear":1850}""", 422, "toFiscalYear")]
    [InlineData("moves", """{"fiscalYear":2022,"source":"not-stated","amount":{"amount":5,"currency":"EUR"},"toRow":"U6-A3"}""", 400, "reason")]
    [InlineData("moves", """{"fiscalYear":2022,"source":"not-stated","amount":{"amount":5,"currency":"EUR"},"reason":"x","toRow":"U6-A3","finding":"D77"}""", 422, "finding")]
    [InlineData("plan-changes", """{"fiscalYear":2022,"source":"eu","amount":{"amount":0,"currency":"EUR"},"reason":"x"}""", 422, "amount")]
    [InlineData("plan-changes", """{"fiscalYear":2022,"source":"eu","amount":{"amount":9223372036854775807,"currency":"EUR"},"reason":"x"}""", 422, "amount")]
    [InlineData("plan-changes", """{"fiscalYear":2022,"source":"eu","amount":{"amount":-9223372036854775808,"currency":"EUR"},"reason":"x"}""", 422, "amount")]
    [InlineData("plan-changes", """{"fiscalYear":1850,"source":"eu","amount":{"amount":5,"currency":"EUR"},"reason":"x"}""", 422, "fiscalYear")]
    [InlineData("plan-changes", """{"fiscalYear":2022,"source":"eu","amount":{"amount":5,"currency":"EUR"},"reason":"x","date":"2031-01-01"}""", 422, "date")]
    public async Task What_breaks_a_rule_is_refused_at_its_field_and_changes_nothing(string what, string body, int status, string? field)
    {
        using var client = funding.Client();
        var before = (await client.GetAsync($"{Root}/rows/U3-P4")).Body!.ToJsonString();

        var refused = await client.PostAsync($"{Root}/rows/U3-P4/{what}", "treasurer", body);

        Assert.Equal(status, (int)refused.Status);
        if (field is not null)
            Assert.Contains(field, refused.Body!["errors"]!.AsObject().Select(e => e.Key));
        Assert.Equal(before, (await client.GetAsync($"{Root}/rows/U3-P4")).Body!.ToJsonString());
    }

    [Fact]
    public async Task A_decision_on_a_finding_has_its_effect_as_transactions_that_name_it()
    {
        using var client = funding.Client();
        Assert.Equal(422, (int)(await client.PostAsync($"{Root}/rows/U6-A3/plan-changes", "treasurer", Change(2023, "eu", 100, "D2"))).Status);
        Assert.Equal(403, (int)(await client.PostAsync($"{Root}/findings/D2/decision", "treasurer", new { outcome = "change-plan", reason = "x" })).Status);
        Assert.Equal(404, (int)(await client.PostAsync($"{Root}/findings/D99/decision", "coordinator", new { outcome = "change-plan", reason = "x" })).Status);
        await Done(client.PostAsync($"{Root}/findings/D2/decision", "coordinator", new { outcome = "keep-as-printed", reason = "Odbor, 3. seja" }));
        Assert.Equal(422, (int)(await client.PostAsync($"{Root}/rows/U6-A3/plan-changes", "treasurer", Change(2023, "eu", 100, "D2"))).Status);
        await Done(client.PostAsync($"{Root}/findings/D2/decision", "coordinator", new { outcome = "change-plan", reason = "Odbor, 4. seja" }));
        await Done(client.PostAsync($"{Root}/rows/U6-A3/plan-changes", "treasurer", Change(2023, "eu", 100, "D2")));

        var decided = (await client.GetAsync($"{Root}/findings/D2")).Body!;
        Assert.Equal(("change-plan", "Odbor, 4. seja"), ((string?)decided["decision"]!["outcome"], (string?)decided["decision"]!["reason"]));
        Assert.NotNull(decided["finding"]!["arithmetic"]);
        Assert.Equal(("U6-A3", 100), ((string?)decided["effects"]![0]!["row"], (long)decided["effects"]![0]!["amount"]!["amount"]!));
    }

    [Fact]
    public async Task A_finding_whose_effects_stand_is_not_kept_as_printed_until_they_are_reversed()
    {
        using var client = funding.Client();
        async Task<int> DecideAsync(string outcome) => (int)(await client.PostAsync($"{Root}/findings/D3/decision", "coordinator", new { outcome, reason = "Odbor" })).Status;
        Task ReverseAsync(string row, JsonNode what) => Done(client.PostAsync($"{Root}/rows/{row}/transactions/{what["id"]}/reversal", "treasurer", new { reason = "Zmota" }));
        Assert.Equal(200, await DecideAsync("change-plan"));
        await Done(client.PostAsync($"{Root}/rows/U6-P3b/plan-changes", "treasurer", Change(2023, "eu", 700, "D3")));
        var change = await Newest(client, "U6-P3b");
        // On this row the move adds nothing in all; it stands nevertheless.
        await Done(client.PostAsync($"{Root}/rows/U6-P3b/moves", "treasurer", new { fiscalYear = 2023, source = "eu", amount = Eur(700), reason = "x", toFiscalYear = 2026, finding = "D3" }));
        var move = await Newest(client, "U6-P3b");

        var refused = await client.PostAsync($"{Root}/findings/D3/decision", "coordinator", new { outcome = "keep-as-printed", reason = "Odbor" });
        Assert.Equal(409, (int)refused.Status);
        Assert.Contains("reverse them first", refused.Detail, StringComparison.Ordinal);
        Assert.Equal("change-plan", (string?)(await client.GetAsync($"{Root}/findings/D3")).Body!["decision"]!["outcome"]);
        Assert.Equal(200, await DecideAsync("change-plan"));
        await ReverseAsync("U6-P3b", move);
        Assert.Equal(409, await DecideAsync("keep-as-printed"));
        await ReverseAsync("U6-P3b", change);
        Assert.Equal(200, await DecideAsync("keep-as-printed"));
    }

    [Fact]
    public async Task Either_a_finding_is_turned_round_or_a_change_names_it_however_both_come_at_once()
    {
        using var client = funding.Client();
        await Done(client.PostAsync($"{Root}/findings/D4-measure-3/decision", "coordinator", new { outcome = "change-plan", reason = "Odbor" }));

        var changes = Enumerable.Range(0, 8).Select(i => client.PostAsync($"{Root}/rows/U3-P6/plan-changes", "treasurer", Change(2027, "eu", 10 + i, "D4-measure-3"))).ToList();
        var kept = await client.PostAsync($"{Root}/findings/D4-measure-3/decision", "coordinator", new { outcome = "keep-as-printed", reason = "Odbor" });
        var changed = (await Task.WhenAll(changes)).Count(a => (int)a.Status == 200);

        Assert.Equal(changed == 0, (int)kept.Status == 200);
        var effects = (await client.GetAsync($"{Root}/findings/D4-measure-3")).Body!["effects"]!.AsArray();
        Assert.Equal(changed, effects.Count);
    }

    [Fact]
    public async Task A_finding_is_named_on_a_row_that_it_is_about()
    {
        using var client = funding.Client();
        foreach (var finding in (string[])["D1-measure-6", "D9-U5-P1"])
            await Done(client.PostAsync($"{Root}/findings/{finding}/decision", "coordinator", new { outcome = "change-plan", reason = "Odbor" }));
        async Task RefusedAsync(string row, string what, object body)
        {
            var refused = await client.PostAsync($"{Root}/rows/{row}/{what}", "treasurer", body);
            Assert.Equal(422, (int)refused.Status);
            Assert.Contains("finding", refused.Body!["errors"]!.AsObject().Select(e => e.Key));
        }

        await RefusedAsync("U1-A1", "plan-changes", Change(2026, "eu", 5, "D1-measure-6"));
        await RefusedAsync("U6-A1", "plan-changes", Change(2026, "eu", 5, "D9-U5-P1"));
        await RefusedAsync("U3-P4", "moves", new { fiscalYear = 2022, source = "not-stated", amount = Eur(5), reason = "x", toFiscalYear = 2026, finding = "D1-measure-6" });
        await Done(client.PostAsync($"{Root}/rows/U6-A1/plan-changes", "treasurer", Change(2026, "eu", 5, "D1-measure-6")));
        await Done(client.PostAsync($"{Root}/rows/U5-P1/plan-changes", "treasurer", Change(2026, "eu", 5, "D9-U5-P1")));
        // What a row of the finding gives to another one, or gets from it, follows from it, too.
        await Done(client.PostAsync($"{Root}/rows/U6-A1/moves", "treasurer", new { fiscalYear = 2026, source = "eu", amount = Eur(5), reason = "x", toRow = "U1-A1", finding = "D1-measure-6" }));
    }

    [Fact]
    public async Task A_closed_year_takes_nothing_until_an_auditor_opens_it_again()
    {
        using var client = funding.Client();
        var reservation = (await client.PostAsync($"{Root}/rows/U6-P3b/reservations", "treasurer", new { fiscalYear = 2024, amount = Eur(100), purpose = "x" })).Headers.Location!.ToString();
        Assert.Equal(409, (int)(await client.PostAsync($"{Root}/fiscal-years/2026/close", "treasurer")).Status);
        Assert.Equal(404, (int)(await client.PostAsync($"{Root}/fiscal-years/2021/close", "treasurer")).Status);
        var source = (string)(await client.GetAsync($"{Root}/rows/U6-P3b")).Body!["funds"]![0]!["source"]!;
        var refused = await client.PostAsync($"{Root}/fiscal-years/2024/close", "treasurer");
        Assert.Equal(409, (int)refused.Status);
        Assert.Contains("U6-P3b has 1.00 EUR reserved", refused.Detail, StringComparison.Ordinal);
        await Done(client.PostAsync($"{reservation}/release", "treasurer", new { }));

        var closed = await Done(client.PostAsync($"{Root}/fiscal-years/2024/close", "treasurer"));
        Assert.True((bool)closed["isClosed"]!);
        Assert.Equal(409, (int)(await client.PostAsync($"{Root}/fiscal-years/2024/close", "treasurer")).Status);
        foreach (var (path, body) in new (string, object)[]
        {
            ("reservations", new { fiscalYear = 2024, amount = Eur(100), purpose = "x" }),
            ("plan-changes", Change(2024, "eu", 100)),
            ("moves", Move(2024, source, 100, to: "U6-A1")),
            ("moves", new { fiscalYear = 2023, source, amount = Eur(100), reason = "x", toFiscalYear = 2024 }),
        })
            Assert.Contains("closed", (await client.PostAsync($"{Root}/rows/U6-P3b/{path}", "treasurer", body)).Detail, StringComparison.Ordinal);
        var closing = (await client.GetAsync($"{Root}/rows/U6-P3b/transactions")).Body!["items"]!.AsArray().Single(t => ((string)t!["type"]!).Contains("year-closed", StringComparison.Ordinal))!;
        Assert.Equal(2_000_000, (long)closing["data"]!["balances"]![0]!["available"]!["amount"]!);

        Assert.Equal(403, (int)(await client.PostAsync($"{Root}/fiscal-years/2024/reopen", "treasurer", new { reason = "x" })).Status);
        await Done(client.PostAsync($"{Root}/fiscal-years/2024/reopen", "auditor", new { reason = "Pozen račun" }));
        Assert.Equal(409, (int)(await client.PostAsync($"{Root}/fiscal-years/2024/reopen", "auditor", new { reason = "x" })).Status);
        Assert.Equal(201, (int)(await client.PostAsync($"{Root}/rows/U6-P3b/reservations", "treasurer", new { fiscalYear = 2024, amount = Eur(100), purpose = "x" })).Status);
    }

    [Fact]
    public async Task What_a_row_had_on_any_day_as_it_was_known_at_any_moment_is_what_the_transactions_until_then_give()
    {
        using var client = funding.Client();
        var random = new Random(5);
        for (var i = 0; i < 40; i++)
        {
            var date = funding.Today.AddDays(-random.Next(4) * random.Next(30));
            var body = new { fiscalYear = 2022, amount = Eur(random.Next(1, 500)), purpose = "x", date = $"{date:yyyy-MM-dd}" };
            var reserved = await client.PostAsync($"{Root}/rows/U6-A2/reservations", "treasurer", body);
            Assert.Equal(HttpStatusCode.Created, reserved.Status);
            if (random.Next(3) == 0)
                await Done(client.PostAsync($"{reserved.Headers.Location}/commitments", "treasurer", new { recipient = "Ana", amount = body.amount, date = body.date }));
            funding.Time.Advance(TimeSpan.FromHours(random.Next(1, 20)));
        }

        var transactions = (await Task.WhenAll(Enumerable.Range(1, 2).Select(page => client.GetAsync($"{Root}/rows/U6-A2/transactions?pageSize=100&page={page}"))))
            .SelectMany(p => p.Body!["items"]!.AsArray()).Select(t => t!).ToList();
        Assert.True(transactions.Count > 45);
        for (var i = 0; i < 25; i++)
        {
            var day = funding.Today.AddDays(-random.Next(70));
            var known = DateTimeOffset.Parse((string)transactions[random.Next(transactions.Count)]["at"]!, CultureInfo.InvariantCulture);
            var asked = await client.GetAsync($"{Root}/balances?row=U6-A2&fiscalYear=2022&asOf={day:yyyy-MM-dd}&knownAt={Uri.EscapeDataString($"{known:O}")}");

            // A closing, which another test may have left here, has no postings.
            var expected = transactions
                .Where(t => DateTimeOffset.Parse((string)t["at"]!, CultureInfo.InvariantCulture) <= known && string.CompareOrdinal((string)t["data"]!["businessDate"]!, $"{day:yyyy-MM-dd}") <= 0)
                .SelectMany(t => t["data"]!["postings"]?.AsArray() ?? []).Where(p => (int)p!["fiscalYear"]! == 2022).ToLookup(p => (string)p!["account"]!, p => (long)p!["amount"]!["amount"]!);
            foreach (var account in (string[])["available", "reserved", "committed", "paid"])
                Assert.Equal(expected[account].Sum(), (long)asked.Body!["total"]![account]!["amount"]!);
        }
    }

    [Fact]
    public async Task Nothing_counts_for_a_day_before_what_it_rests_on()
    {
        using var client = funding.Client();
        const string row = $"{Root}/rows/U3-P1";
        async Task<Answer> At(string path, string day, object body, string role = "treasurer-1")
        {
            var dated = JsonSerializer.SerializeToNode(body, ContractJson.Options)!;
            dated["date"] = day;
            return await client.PostAsync(path, role, dated);
        }

        async Task Refused(string path, string day, object body, string since)
        {
            var refused = await At(path, day, body, "treasurer-2");
            Assert.Equal((422, $"It rests on what counts for {since}: it does not count for a day before that."), ((int)refused.Status, refused.Detail));
            Assert.Contains("date", refused.Body!["errors"]!.AsObject().Select(e => e.Key));
        }

        var reservation = (await At($"{row}/reservations", "2026-05-10", new { fiscalYear = 2022, amount = Eur(100), purpose = "x" })).Headers.Location!.ToString();
        await Refused($"{reservation}/commitments", "2026-05-09", new { recipient = "Ana", amount = Eur(60) }, "2026-05-10");
        await Refused($"{reservation}/release", "2026-05-09", new { amount = Eur(1) }, "2026-05-10");
        var commit = new { recipient = "Ana", amount = Eur(60) };
        var committed = await Done(At($"{reservation}/commitments", "2026-05-12", commit));
        var grant = (string)committed["commitments"]![0]!["id"]!;
        var commitment = $"{reservation}/commitments/{grant}";
        await client.RecordAsync(grant);
        await Refused($"{commitment}/payments", "2026-05-11", new { amount = Eur(60) }, "2026-05-12");
        await Done(At($"{commitment}/payments", "2026-05-14", new { amount = Eur(60) }, "treasurer-2"));
        await Refused($"{commitment}/returns", "2026-05-13", new { amount = Eur(10), reason = "x" }, "2026-05-14");
        var payment = (await Newest(client, "U3-P1"))["id"];
        await Refused($"{row}/transactions/{payment}/reversal", "2026-05-13", new { reason = "x" }, "2026-05-14");
        await Done(At($"{row}/transactions/{payment}/reversal", "2026-05-15", new { reason = "x" }));
        await Refused($"{commitment}/payments", "2026-05-14", new { amount = Eur(60) }, "2026-05-15");
        await Done(client.PostAsync($"{row}/plan-changes", "treasurer", Change(2031, "eu", 100)));
        await Refused($"{row}/transactions/{(await Newest(client, "U3-P1"))["id"]}/reversal", "2026-05-15", new { reason = "x" }, $"{funding.Today:yyyy-MM-dd}");
        var early = await At($"{row}/reservations", "2026-05-15", new { fiscalYear = 2031, amount = Eur(1), purpose = "x" });
        Assert.Equal((422, "The row U3-P1 has 0.00 EUR available for 2031 that was there on 2026-05-15; 0.01 EUR was asked for."), ((int)early.Status, early.Detail));

        foreach (var day in Enumerable.Range(8, 10))
        {
            var total = (await client.GetAsync($"{Root}/balances?row=U3-P1&fiscalYear=2022&asOf=2026-05-{day:00}")).Body!["total"]!;
            Assert.All((string[])["available", "reserved", "committed", "paid"], account => Assert.True((long)total[account]!["amount"]! >= 0, $"{day}: {total.ToJsonString()}"));
        }
    }

    [Fact]
    public async Task A_statement_begins_with_what_was_there_and_ends_with_what_its_lines_give()
    {
        using var client = funding.Client();
        async Task Reserve(string date) => Assert.Equal(201, (int)(await client.PostAsync(
            $"{Root}/rows/U6-P2/reservations", "treasurer", new { fiscalYear = 2023, amount = Eur(1_000), purpose = "x", date })).Status);
        await Reserve("2026-03-01");
        await Reserve("2026-05-31");
        await Reserve("2026-06-01");

        var statement = (await client.GetAsync($"{Root}/rows/U6-P2/statement?fiscalYear=2023&from=2026-04-01&to=2026-05-31")).Body!;

        Assert.Equal((long)statement["opening"]!["planned"]!["amount"]! - 1_000, (long)statement["opening"]!["available"]!["amount"]!);
        Assert.Equal([-1_000], statement["lines"]!["items"]!.AsArray().Select(l => (long)l!["change"]!["available"]!["amount"]!));
        Assert.Equal((2_000, "kki.funding.funds-reserved.v1"), ((long)statement["closing"]!["reserved"]!["amount"]!, (string?)statement["lines"]!["items"]![0]!["type"]));
        Assert.Equal(422, (int)(await client.GetAsync($"{Root}/rows/U6-P2/statement?fiscalYear=2023&from=2026-06-01&to=2026-05-31")).Status);
        Assert.Equal(400, (int)(await client.GetAsync($"{Root}/rows/U6-P2/statement")).Status);
        Assert.Equal(404, (int)(await client.GetAsync($"{Root}/rows/U9-X/statement?fiscalYear=2023")).Status);
    }

    [Fact]
    public async Task What_was_spoilt_is_made_anew_from_the_transactions_while_commands_go_on()
    {
        using var client = funding.Client();
        for (var i = 0; i < 3; i++)
            await client.PostAsync($"{Root}/rows/U3-P3/reservations", "treasurer", new { fiscalYear = 2022, amount = Eur(100), purpose = "x" });
        await funding.TamperAsync(
            "update mt_doc_planrow set data = jsonb_set(data, '{funds,2,balance,available,amount}', '5') where id = 'U3-P3'",
            "delete from journal where row = 'U3-P3' and version = (select min(version) from journal where row = 'U3-P3' and reservation_id is not null)",
            "update journal set paid_after = 7 where row = 'U3-P3' and version = (select max(version) from journal where row = 'U3-P3')",
            "update mt_doc_reservation set data = jsonb_set(data, '{remaining,0,amount,amount}', '5') where id = (select min(id) from mt_doc_reservation where data ->> 'row' = 'U3-P3')",
            "delete from mt_doc_reservation where id = (select max(id) from mt_doc_reservation where data ->> 'row' = 'U3-P3')");
        Assert.False((bool)(await funding.VerifyAsync())["isIntact"]!);
        var writing = Enumerable.Range(0, 40).Select(i => funding.Client(i % 2).PostAsync(
            $"{Root}/rows/{(i % 4 == 0 ? "U3-P3" : "U3-P6")}/reservations", "treasurer", new { fiscalYear = 2022, amount = Eur(1), purpose = "x" })).ToList();

        var rebuilt = await funding.StreamAsync(HttpMethod.Post, "ledger/rebuild", "operator");
        Assert.All(await Task.WhenAll(writing), a => Assert.Equal(HttpStatusCode.Created, a.Status));

        Assert.True((long)rebuilt["mended"]! >= 5, rebuilt.ToJsonString());
        var verified = await funding.VerifyAsync();
        Assert.True((bool)verified["isIntact"]!, verified.ToJsonString());
        Assert.Equal(0, (long)(await funding.StreamAsync(HttpMethod.Post, "ledger/rebuild", "operator"))["mended"]!);
        Assert.Equal(HttpStatusCode.Created, (await client.PostAsync($"{Root}/rows/U3-P3/reservations", "treasurer", new { fiscalYear = 2022, amount = Eur(1), purpose = "x" })).Status);
    }

    private static object Eur(long cents) => new { amount = cents, currency = "EUR" };

    private static object Move(int year, string source, long cents, string to) =>
        new { fiscalYear = year, source, amount = Eur(cents), reason = "Sklep odbora", toRow = to };

    private static object Change(int year, string source, long cents, string? finding = null) =>
        new { fiscalYear = year, source, amount = Eur(cents), reason = "Letni načrt", finding };

    private static async Task<JsonNode> Done(Task<Answer> asked)
    {
        var answer = await asked;
        Assert.True((int)answer.Status is 200 or 201, answer.Body?.ToJsonString());
        return answer.Body!;
    }

    private static async Task Has(Client client, string row, int year, string source, long[] expected)
    {
        var fund = (await client.GetAsync($"{Root}/rows/{row}")).Body!["funds"]!.AsArray().Single(f => (int)f!["fiscalYear"]! == year && (string?)f["source"] == source)!;
        Assert.Equal(expected, ((string[])["planned", "available", "paid"]).Select(account => (long)fund["balance"]![account]!["amount"]!));
    }

    private static async Task<JsonNode> Newest(Client client, string row) => (await client.GetAsync($"{Root}/rows/{row}/transactions?pageSize=100")).Body!["items"]!.AsArray()[^1]!;
}
