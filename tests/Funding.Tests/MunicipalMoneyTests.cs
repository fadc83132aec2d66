using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;
using Npgsql;

namespace KkiMesh.Funding.Tests;

/// <summary>From a contribution key to the money in the bank, as coordinators, officers and treasurers do it.</summary>
public sealed class MunicipalMoneyTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    private const string Funding = "/gorenjska/funding";
    private const string Contributions = $"{Funding}/contributions";

    [Fact]
    public async Task A_plan_is_drafted_in_private_submitted_confirmed_by_some_and_shows_what_has_money_behind_it()
    {
        using var client = funding.Client();
        await AdoptAsync(client, "po-prebivalcih");
        const string plan = $"{Funding}/annual-plans/2031";
        await DraftAsync(client, 2031, "po-prebivalcih", 1_000_001);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(plan)).Status);
        Assert.Equal(1_000_001, Sum((await client.GetAsync(plan, "coordinator")).Body!["draft"]!["shares"]!, "amount"));
        Assert.Equal(HttpStatusCode.Conflict, (await client.PostAsync($"{plan}/municipalities/052/confirmation", "officer/052", new { version = 1 })).Status);

        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{plan}/submission", "officer/122")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync($"{plan}/municipalities/052/confirmation", "officer/122", new { version = 1 })).Status);
        Assert.Equal(HttpStatusCode.Conflict, (await client.PostAsync($"{plan}/municipalities/052/confirmation", "officer/052", new { version = 2 })).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{plan}/municipalities/052/confirmation", "officer/052", new { version = 1 })).Status);
        Assert.Equal(HttpStatusCode.Conflict, (await client.PostAsync($"{plan}/municipalities/052/refusal", "officer/052", new { version = 1, reason = "Ne" })).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{plan}/municipalities/003/refusal", "officer/003", new { version = 1, reason = "Ni v proračunu" })).Status);

        var shown = (await client.GetAsync(plan)).Body!;
        Assert.Equal(["declined", "confirmed", "waiting"], shown["municipalities"]!.AsArray().Select(m => (string)m!["state"]!));
        Assert.Equal((1_000_001, Share(shown, "052"), Share(shown, "003"), Share(shown, "122")), (Cents(shown, "indicative"), Cents(shown, "committed"), Cents(shown, "declined"), Cents(shown, "waiting")));
        Assert.Equal(1_000_001, Sum(shown["municipalities"]!, "share"));
        Assert.Null(shown["draft"]);

        // A newer version is asked for anew; until it is submitted, everybody sees the one that was.
        await DraftAsync(client, 2031, "po-prebivalcih", 2_000_000);
        Assert.Equal(1_000_001, Cents((await client.GetAsync(plan)).Body!, "indicative"));
        await client.PostAsync($"{plan}/submission", "coordinator");
        var newer = (await client.GetAsync(plan)).Body!;
        Assert.Equal((2, 0L, 2_000_000L), ((int)newer["submittedVersion"]!, Cents(newer, "committed"), Cents(newer, "waiting")));
    }

    [Fact]
    public async Task A_key_explains_each_share_and_a_plan_can_be_seen_under_another_one_without_changing()
    {
        using var client = funding.Client();
        await AdoptAsync(client, "prebivalci");
        await AdoptAsync(client, "enako", """[{"basis":"equal","weight":1}]""");
        await DraftAsync(client, 2032, "prebivalci", 100);
        await client.PostAsync($"{Funding}/annual-plans/2032/submission", "coordinator");
        var before = (await client.GetAsync($"{Funding}/annual-plans/2032")).Body!.ToJsonString();

        var division = (await client.GetAsync($"{Funding}/contribution-keys/enako/shares?amount=100&on=2026-01-01")).Body!;
        var compared = (await client.GetAsync($"{Funding}/annual-plans/2032/what-if?key=enako&version=1")).Body!;

        Assert.Equal([(34, "1/3", true), (33, "1/3", false), (33, "1/3", false)], division["shares"]!.AsArray().Select(s => ((int)s!["amount"]!["amount"]!, (string)s["remainder"]!, (bool)s["hasExtraCent"]!)));
        Assert.Equal(1, (int)division["extraCents"]!);
        Assert.Equal([34, 33, 33], compared["shares"]!.AsArray().Select(s => (int)s!["whatIf"]!["amount"]!));
        Assert.Equal(0, Sum(compared["shares"]!, "difference"));
        Assert.All(compared["shares"]!.AsArray(), s => Assert.Equal(Cents(s!, "difference"), Cents(s!, "whatIf") - Cents(s!, "share")));
        Assert.Equal(before, (await client.GetAsync($"{Funding}/annual-plans/2032")).Body!.ToJsonString());
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"{Funding}/contribution-keys/enako/shares?amount=100&on=2025-12-31")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync($"{Funding}/contribution-keys/enako/shares?amount=-1")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"{Funding}/annual-plans/2032/what-if?key=enako&version=2")).Status);
    }

    [Fact]
    public async Task Money_comes_in_by_its_reference_a_mistake_is_reversed_and_what_is_over_is_carried_on_or_given_back()
    {
        using var client = funding.Client();
        var reference = await CalledAsync(client, 2033, 300_000, ["052"]);
        await CalledAsync(client, 2034, 300_000, ["052"]);
        const string path = $"{Contributions}/2033/052";

        Assert.Equal(HttpStatusCode.Conflict, (await client.PostAsync($"{Contributions}/2033/003/calls", "treasurer", new { dueOn = "2027-01-31" })).Status);
        var mistaken = (await client.PostAsync(Contributions, "treasurer", new { reference = reference.ToLowerInvariant(), amount = Eur(60_000), bankTransaction = "B-1" })).Body!;
        Assert.Equal(("partly-received", 40_000L), ((string)mistaken["state"]!, Cents(mistaken, "outstanding")));
        var receipt = (string)mistaken["receipts"]![0]!["id"]!;
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{path}/receipts/{receipt}/reversal", "treasurer", new { reason = "Napačna občina" })).Status);
        Assert.Equal(HttpStatusCode.Conflict, (await client.PostAsync($"{path}/receipts/{receipt}/reversal", "treasurer", new { reason = "Napačna občina" })).Status);
        // It is free again for where it belongs.
        var over = (await client.PostAsync(Contributions, "treasurer", new { year = 2033, municipality = "052", amount = Eur(130_000), bankTransaction = "B-1" })).Body!;
        Assert.Equal(("overpaid", 30_000L, 0L), ((string)over["state"]!, Cents(over, "credit"), Cents(over, "outstanding")));

        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{path}/refunds", "treasurer", new { reason = "Preveč", amount = Eur(10_000) })).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{path}/carryovers", "treasurer", new { toYear = 2034 })).Status);

        var later = await Eventually.Is(() => client.GetAsync($"{Contributions}/2034/052"), a => Cents(a.Body!, "received") > 0);
        Assert.Equal((20_000L, 80_000L, 2033), (Cents(later.Body!, "received"), Cents(later.Body!, "outstanding"), (int)later.Body!["receipts"]![0]!["carriedFrom"]!));
        var settled = (await client.GetAsync(path)).Body!;
        Assert.Equal([100_000, 100_000, 0, 0], ((string[])["called", "received", "outstanding", "credit"]).Select(account => Cents(settled, account)));
        var events = (await client.GetAsync($"{path}/transactions")).Body!["items"]!.AsArray();
        Assert.Equal(
            ["contribution-called", "contribution-received", "contribution-receipt-reversed", "contribution-received", "contribution-credit-refunded", "contribution-credit-carried"],
            events.Select(e => ((string)e!["type"]!).Split('.')[2]));
        Assert.All(events, e => Assert.Equal(0, e!["data"]!["postings"]!.AsArray().Sum(p => Cents(p!, "amount"))));
        Assert.All(events, e => Assert.Equal(64, ((string)e!["hash"]!).Length));
        Assert.Equal(1, (int)(await client.GetAsync($"{Contributions}?year=2033&municipality=052&state=received")).Body!["total"]!);
        Assert.Equal(0, (int)(await client.GetAsync($"{Contributions}?year=2033&state=called")).Body!["total"]!);
        var books = await funding.VerifyAsync();
        Assert.True((bool)books["isIntact"]!, books.ToJsonString());
    }

    [Fact]
    public async Task What_a_municipality_gave_is_reported_for_any_day_as_it_was_known_at_any_moment()
    {
        using var client = funding.Client();
        await CalledAsync(client, 2041, 300_000, ["052"]);
        await CalledAsync(client, 2042, 300_000, ["052"]);
        var receipt = (await ReceiveAsync(client, 30_000, daysAgo: 3))["receipts"]![0]!["id"];
        await ReceiveAsync(client, 500, daysAgo: 0, year: 2042);
        var one = Later();
        await ReceiveAsync(client, 80_000, daysAgo: 1);
        var both = Later();
        await client.PostAsync($"{Contributions}/2041/052/receipts/{receipt}/reversal", "treasurer", new { reason = "Napačna občina" });

        // By the day that it counts for; the call counts for today.
        Assert.Equal((100_000, 80_000, 20_000), await ReportedAsync(""));
        Assert.Equal((0, 110_000, 0), await ReportedAsync($"&asOf={funding.Today.AddDays(-1):yyyy-MM-dd}"));
        Assert.Equal((0, 30_000, 0), await ReportedAsync($"&asOf={funding.Today.AddDays(-2):yyyy-MM-dd}"));
        Assert.Equal((0, 0, 0), await ReportedAsync($"&asOf={funding.Today.AddDays(-4):yyyy-MM-dd}"));

        // By what was known, to the moment.
        Assert.Equal((100_000, 110_000, 0), await ReportedAsync($"&knownAt={both:yyyy-MM-dd'T'HH:mm:ss.fffffff}Z"));
        Assert.Equal((100_000, 30_000, 70_000), await ReportedAsync($"&knownAt={one:yyyy-MM-dd'T'HH:mm:ss.fffffff}Z"));
        Assert.Equal((0, 30_000, 0), await ReportedAsync($"&knownAt={one:yyyy-MM-dd'T'HH:mm:ss.fffffff}Z&asOf={funding.Today.AddDays(-1):yyyy-MM-dd}"));
        // What is over in one year pays nothing of another.
        Assert.Equal((100_000, 500, 99_500), await ReportedAsync($"&knownAt={one:yyyy-MM-dd'T'HH:mm:ss.fffffff}Z", 2042));

        async Task<JsonNode> ReceiveAsync(Client by, long cents, int daysAgo, int year = 2041)
        {
            var answer = await by.PostAsync(Contributions, "treasurer", new { year, municipality = "052", amount = Eur(cents), date = $"{funding.Today.AddDays(-daysAgo):yyyy-MM-dd}" });
            Assert.Equal(HttpStatusCode.OK, answer.Status);
            return answer.Body!;
        }

        // What is recorded while this clock stands gets a microsecond more each
        // time: a moment lies between two of its steps.
        DateTimeOffset Later()
        {
            funding.Time.Advance(TimeSpan.FromSeconds(1));
            var now = funding.Time.GetUtcNow();
            funding.Time.Advance(TimeSpan.FromSeconds(1));
            return now;
        }

        async Task<(long Called, long Gave, long Outstanding)> ReportedAsync(string when, int year = 2041)
        {
            var line = (await client.GetAsync($"{Funding}/reports/municipalities?fiscalYear={year}{when}")).Body!["lines"]!.AsArray().Single(l => (string?)l!["code"] == "052")!;
            return (Cents(line, "called"), Cents(line, "gave"), Cents(line, "outstanding"));
        }
    }

    [Fact]
    public async Task The_report_tells_what_a_municipality_declined_of_the_newest_plan_and_what_is_credit()
    {
        using var client = funding.Client();
        await AdoptAsync(client, "enako-za-vse", """[{"basis":"equal","weight":1}]""");
        await DraftAsync(client, 2045, "enako-za-vse", 300_000);
        await Done(client.PostAsync($"{Funding}/annual-plans/2045/submission", "coordinator"));
        await Done(client.PostAsync($"{Funding}/annual-plans/2045/municipalities/052/refusal", "officer/052", new { version = 1, reason = "Proračun" }));

        Assert.Equal((100_000, 0), await ReportedAsync("fiscalYear=2045"));
        Assert.Equal((0, 0), await ReportedAsync($"fiscalYear=2045&asOf={funding.Today.AddDays(-1):yyyy-MM-dd}"));
        Assert.Equal((0, 0), await ReportedAsync("fiscalYear=2046"));
        using var http = new HttpClient();
        var file = new Uri($"{client.AddressOf}{Funding[1..]}/reports/municipalities?fiscalYear=2045&format=csv&lang=en");
        var csv = await http.GetStringAsync(file, TestContext.Current.CancellationToken);
        Assert.Contains("Declined of the annual plan (EUR)", csv.Split('\n')[0], StringComparison.Ordinal);

        // Who was asked anew has not answered yet.
        await DraftAsync(client, 2045, "enako-za-vse", 30_000);
        await Done(client.PostAsync($"{Funding}/annual-plans/2045/submission", "coordinator"));
        Assert.Equal((0, 0), await ReportedAsync("fiscalYear=2045"));
        await Done(client.PostAsync($"{Funding}/annual-plans/2045/municipalities/052/confirmation", "officer/052", new { version = 2 }));
        await Done(client.PostAsync($"{Contributions}/2045/052/calls", "coordinator", new { dueOn = "2027-01-31" }));
        await Done(client.PostAsync(Contributions, "treasurer", new { year = 2045, municipality = "052", amount = Eur(12_500) }));
        Assert.Equal((0, 2_500), await ReportedAsync("fiscalYear=2045"));

        async Task<(long Declined, long Credit)> ReportedAsync(string query)
        {
            var line = (await client.GetAsync($"{Funding}/reports/municipalities?{query}")).Body!["lines"]!.AsArray().Single(l => (string?)l!["code"] == "052")!;
            return (Cents(line, "declined"), Cents(line, "credit"));
        }

        static async Task Done(Task<Answer> answer) =>
            Assert.True((int)(await answer).Status is 200 or 201, $"{(await answer).Status} {(await answer).Detail}");
    }

    [Fact]
    public async Task Who_books_the_banks_transaction_elsewhere_at_the_same_moment_hears_so_after_one_try()
    {
        Client[] replicas = [funding.Client(0), funding.Client(1)];
        await CalledAsync(replicas[0], 2043, 600_000, ["003", "052"]);
        var before = await NumbersAsync();
        const int rounds = 10;
        for (var i = 0; i < rounds; i++)
        {
            var answers = await Task.WhenAll(replicas.Zip(["003", "052"]).Select(r => r.First.PostAsync(
                Contributions, "treasurer", new { year = 2043, municipality = r.Second, amount = Eur(100), bankTransaction = $"2043/{i}" })));
            Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Conflict], answers.Select(a => a.Status).Order());
        }

        // An event that is not saved uses a number up, too.
        Assert.InRange(await NumbersAsync() - before, rounds, 2 * rounds);
        foreach (var client in replicas)
            client.Dispose();

        async Task<long> NumbersAsync()
        {
            await using var database = NpgsqlDataSource.Create(await funding.DatabaseAsync());
            await using var read = database.CreateCommand("select last_value from mt_events_sequence");
            return (long)(await read.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        }
    }

    [Fact]
    public async Task One_transaction_of_the_bank_is_booked_once_whoever_books_it_and_wherever()
    {
        Client[] replicas = [funding.Client(0), funding.Client(1)];
        await CalledAsync(replicas[0], 2035, 600_000, ["003", "052"]);

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => replicas[i % 2].PostAsync(
            Contributions, "treasurer", new { year = 2035, municipality = i < 2 ? "003" : "052", amount = Eur(100), bankTransaction = "2026/77" }, $"key-{i}")));

        Assert.Single(answers, a => a.Status == HttpStatusCode.OK);
        Assert.All(answers.Where(a => a.Status != HttpStatusCode.OK), a => Assert.Equal((HttpStatusCode.Conflict, true), (a.Status, a.Detail!.Contains("2026/77", StringComparison.Ordinal))));
        Assert.Equal(100, Sum((await replicas[0].GetAsync($"{Contributions}?year=2035")).Body!["items"]!, "received"));
        // Who asks again with the same key gets the same answer.
        var first = Array.FindIndex(answers, a => a.Status == HttpStatusCode.OK);
        var again = await replicas[1 - (first % 2)].PostAsync(
            Contributions, "treasurer", new { year = 2035, municipality = first < 2 ? "003" : "052", amount = Eur(100), bankTransaction = "2026/77" }, $"key-{first}");
        Assert.Equal((HttpStatusCode.OK, answers[first].Body!.ToJsonString()), (again.Status, again.Body!.ToJsonString()));
        foreach (var client in replicas)
            client.Dispose();
    }

    [Fact]
    public async Task What_the_printed_total_leaves_out_is_listed_beside_the_ledger_and_in_no_total()
    {
        using var client = funding.Client();
        const string lines = $"{Funding}/memo-lines";
        var totals = (await client.GetAsync($"{Funding}/totals")).Body!.ToJsonString();
        Assert.Equal(["coordination", "fitting-out", "municipal-challenges"], (await client.GetAsync(lines)).Body!["items"]!.AsArray().Select(l => (string)l!["line"]!));

        var body = new { year = 2026, amount = Eur(1_500_000), note = "Ocena", source = "Zapisnik" };
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{lines}/fitting-out/amounts", "coordinator", body)).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{lines}/fitting-out/amounts", "coordinator", body with { amount = Eur(0) })).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await client.PostAsync($"{lines}/other/amounts", "coordinator", body)).Status);

        var shown = (await client.GetAsync(lines)).Body!["items"]!.AsArray();
        Assert.Equal([0, 1, 0], shown.Select(l => l!["amounts"]!.AsArray().Count));
        Assert.Equal(0, Cents(shown[1]!["amounts"]![0]!, "amount"));
        Assert.Equal(totals, (await client.GetAsync($"{Funding}/totals")).Body!.ToJsonString());
    }

    [Theory]
    [InlineData("contribution-keys/k/versions", """{"validFrom":"1999-01-01"}""", 422, "validFrom")]
    [InlineData("contribution-keys/k/versions", """{"municipalities":["003","061"]}""", 422, "municipalities")]
    [InlineData("contribution-keys/k/versions", """{"municipalities":[null]}""", 422, "municipalities")]
    [InlineData("contribution-keys/k/versions", """{"municipalities":[]}""", 422, "municipalities")]
    [InlineData("contribution-keys/k/versions", """{"parts":[]}""", 422, "parts")]
    [InlineData("contribution-keys/k/versions", """{"parts":[null]}""", 422, "parts[0]")]
    [InlineData("contribution-keys/k/versions", """{"parts":[{"basis":"table","weight":1,"figures":[{"municipality":"003","value":1.5}]}]}""", 400, "parts[0].figures[0].value")]
    [InlineData("contribution-keys/k/versions", """{"parts":[{"basis":7,"weight":1}]}""", 400, "parts[0].basis")]
    [InlineData("contribution-keys/k/versions", """{"parts":[{"basis":"population","weight":1,"figures":[{"municipality":"003","value":1},{"municipality":"052","value":1},{"municipality":"122","value":1}],"figuresOn":"2099-01-01","figuresSource":"SURS"}]}""", 422, "parts[0].figuresOn")]
    [InlineData("contribution-keys/k/versions", """{"nameSl":" "}""", 400, "nameSl")]
    [InlineData("contribution-keys/k/versions", """{"legalBasis":"a\u0007b"}""", 400, "legalBasis")]
    [InlineData("contribution-keys/K!/versions", "{}", 422, "key")]
    public async Task A_key_that_breaks_a_rule_is_refused_at_its_field(string path, string change, int status, string field)
    {
        using var client = funding.Client();
        var body = Key("""[{"basis":"equal","weight":1}]""");
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject())
            body[name] = value?.DeepClone();

        await RefusedAsync(client.PostAsync($"{Funding}/{path}", "coordinator", body.ToJsonString()), status, field);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"{Funding}/contribution-keys/k")).Status);
    }

    [Theory]
    [InlineData("""[]""", "2036", 422, "items")]
    [InlineData("""[null]""", "2036", 422, "items")]
    [InlineData("""[{"row":"U3-P4","description":"x","purpose":"infrastructure","amount":{"amount":1,"currency":"EUR"}}]""", "2036", 422, "items[0].row")]
    [InlineData("""[{"row":"U9-P9","description":"x","purpose":"infrastructure","amount":{"amount":1,"currency":"EUR"}}]""", "2036", 422, "items[0].row")]
    [InlineData("""[{"row":"U4-A2","description":"x","purpose":"infrastructure","amount":{"amount":0,"currency":"EUR"}}]""", "2036", 422, "items[0].amount")]
    [InlineData("""[{"row":"U4-A2","description":"x","purpose":"infrastructure","amount":{"amount":9223372036854775807,"currency":"EUR"}}]""", "2036", 422, "items[0].amount")]
    [InlineData("""[{"row":"U4-A2","description":"x","purpose":"infrastructure","amount":{"amount":1,"currency":"USD"}}]""", "2036", 422, "items[0].amount")]
    [InlineData("""[{"row":"U4-A2","description":"x","purpose":"travel","amount":{"amount":1,"currency":"EUR"}}]""", "2036", 400, "items[0].purpose")]
    [InlineData("""[{"row":"U4-A2","description":"a\nb","purpose":"infrastructure","amount":{"amount":1,"currency":"EUR"}}]""", "2036", 400, "items[0].description")]
    [InlineData("""[{"row":"U4-A2","description":"x","purpose":"infrastructure","amount":{"amount":1,"currency":"EUR"}}]""", "1999", 422, "year")]
    public async Task A_plan_that_breaks_a_rule_is_refused_at_its_field(string items, string year, int status, string field)
    {
        using var client = funding.Client();
        await AdoptAsync(client, "za-napake");

        var body = new JsonObject { ["items"] = JsonNode.Parse(items), ["key"] = "za-napake" };
        await RefusedAsync(client.SendAsync(HttpMethod.Put, $"{Funding}/annual-plans/{year}", "coordinator", body, Guid.NewGuid().ToString()), status, field);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"{Funding}/annual-plans/{year}", "coordinator")).Status);
    }

    [Fact]
    public async Task A_plan_is_divided_by_a_key_that_holds_in_its_year()
    {
        using var client = funding.Client();
        await AdoptAsync(client, "letni");
        var newer = Key("""[{"basis":"equal","weight":1}]""");
        newer["validFrom"] = "2028-07-01";
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{Funding}/contribution-keys/letni/versions", "coordinator", newer)).Status);
        var item = new { row = "U4-A2", description = "Spodbude", purpose = "small-incentives", amount = Eur(300) };
        Task<Answer> Draft(int year, int? version) => client.SendAsync(
            HttpMethod.Put, $"{Funding}/annual-plans/{year}", "coordinator", new { items = new[] { item }, key = "letni", keyVersion = version }, Guid.NewGuid().ToString());

        foreach (var (year, version) in ((int, int?)[])[(2025, null), (2025, 1), (2027, 2), (2029, 1)])
            await RefusedAsync(Draft(year, version), 422, "key");
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"{Funding}/annual-plans/2025", "coordinator")).Status);
        // Where nobody says which, it is the one that holds at the end of the year.
        foreach (var (year, version, expected) in ((int, int?, int)[])[(2027, null, 1), (2028, 1, 1), (2028, null, 2), (2029, 2, 2)])
            Assert.Equal(expected, (int)(await Draft(year, version)).Body!["draft"]!["keyVersion"]!);
    }

    [Theory]
    [InlineData("""{"amount":{"amount":1,"currency":"EUR"}}""", 422, "year")]
    [InlineData("""{"amount":{"amount":1,"currency":"EUR"},"year":2037}""", 422, "municipality")]
    [InlineData("""{"amount":{"amount":1,"currency":"EUR"},"reference":"SI12 2037052000019"}""", 422, "reference")]
    [InlineData("""{"amount":{"amount":1,"currency":"EUR"},"reference":"SI00 123"}""", 422, "reference")]
    [InlineData("""{"amount":{"amount":1,"currency":"EUR"},"reference":"{reference}","year":2036}""", 422, "year")]
    [InlineData("""{"amount":{"amount":1,"currency":"EUR"},"reference":"{reference}","municipality":"003"}""", 422, "municipality")]
    [InlineData("""{"amount":{"amount":0,"currency":"EUR"},"year":2037,"municipality":"052"}""", 422, "amount")]
    [InlineData("""{"amount":{"amount":9223372036854775807,"currency":"EUR"},"year":2037,"municipality":"052"}""", 422, "amount")]
    [InlineData("""{"amount":{"amount":1,"currency":"USD"},"year":2037,"municipality":"052"}""", 422, "amount")]
    [InlineData("""{"amount":{"amount":1,"currency":"EUR"},"year":2037,"municipality":"052","date":"2099-01-01"}""", 422, "date")]
    [InlineData("""{"amount":{"amount":1,"currency":"EUR"},"year":2037,"municipality":"052","bankTransaction":"a b"}""", 400, "bankTransaction")]
    public async Task A_receipt_that_breaks_a_rule_is_refused_at_its_field(string body, int status, string field)
    {
        using var client = funding.Client();
        var reference = await CalledAsync(client, 2037, 300_000, ["052"]);

        await RefusedAsync(client.PostAsync(Contributions, "treasurer", body.Replace("{reference}", reference, StringComparison.Ordinal)), status, field);
        Assert.Equal(0, Cents((await client.GetAsync($"{Contributions}/2037/052")).Body!, "received"));
    }

    private static async Task RefusedAsync(Task<Answer> answer, int status, string field)
    {
        var refused = await answer;
        Assert.True(status == (int)refused.Status, $"{refused.Status} {refused.Body}");
        Assert.Contains(field, refused.Body!["errors"]!.AsObject().Select(e => e.Key));
    }

    /// <summary>
    /// A plan of a year that these municipalities have confirmed and were called for; the last one's reference.
    /// </summary>
    internal static async Task<string> CalledAsync(Client client, int year, long cents, string[] municipalities, string dueOn = "2027-01-31")
    {
        await AdoptAsync(client, "enako-za-vse", """[{"basis":"equal","weight":1}]""");
        if ((await client.GetAsync($"{Funding}/annual-plans/{year}")).Status == HttpStatusCode.NotFound)
        {
            await DraftAsync(client, year, "enako-za-vse", cents);
            await client.PostAsync($"{Funding}/annual-plans/{year}/submission", "coordinator");
        }

        var reference = "";
        foreach (var code in municipalities)
        {
            await client.PostAsync($"{Funding}/annual-plans/{year}/municipalities/{code}/confirmation", $"officer/{code}", new { version = 1 });
            await client.PostAsync($"{Contributions}/{year}/{code}/calls", "coordinator", new { dueOn });
            reference = (string)(await client.GetAsync($"{Contributions}/{year}/{code}")).Body!["reference"]!;
        }

        return reference;
    }

    private static async Task AdoptAsync(Client client, string key, string? parts = null)
    {
        if ((await client.GetAsync($"{Funding}/contribution-keys/{key}")).Status == HttpStatusCode.OK)
            return;
        var adopted = await client.PostAsync($"{Funding}/contribution-keys/{key}/versions", "coordinator", Key(parts ??
            """[{"basis":"population","weight":1,"figures":[{"municipality":"003","value":8217},{"municipality":"052","value":57185},{"municipality":"122","value":23285}],"figuresOn":"2021-01-01","figuresSource":"SURS"}]"""));
        Assert.Equal(HttpStatusCode.Created, adopted.Status);
    }

    private static JsonObject Key(string parts) => new()
    {
        ["nameSl"] = "Ključ",
        ["nameEn"] = "Key",
        ["legalBasis"] = "Sklep sveta regije",
        ["validFrom"] = "2026-01-01",
        ["municipalities"] = new JsonArray("003", "052", "122"),
        ["parts"] = JsonNode.Parse(parts),
    };

    private static async Task DraftAsync(Client client, int year, string key, long cents)
    {
        var item = new { row = "U4-A2", description = "Spodbude", purpose = "small-incentives", amount = Eur(cents) };
        var drafted = await client.SendAsync(HttpMethod.Put, $"{Funding}/annual-plans/{year}", "coordinator", new { items = new[] { item }, key }, Guid.NewGuid().ToString());
        Assert.True(drafted.Status is HttpStatusCode.Created or HttpStatusCode.OK, $"{drafted.Status} {drafted.Body}");
    }

    internal static JsonObject Eur(long cents) => new() { ["amount"] = cents, ["currency"] = "EUR" };

    private static long Cents(JsonNode of, string field) => (long)of[field]!["amount"]!;

    private static long Sum(JsonNode list, string field) => list.AsArray().Sum(i => Cents(i!, field));

    private static long Share(JsonNode plan, string code) => Cents(plan["municipalities"]!.AsArray().Single(m => (string)m!["municipality"]! == code)!, "share");
}
