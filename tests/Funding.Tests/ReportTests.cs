using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Json.Schema;
using KkiMesh.Contracts;
using KkiMesh.TestKit;
using MiniExcelLibs;

namespace KkiMesh.Funding.Tests;

/// <summary>
/// What people read about the money: the same sums whichever way they are cut, in the formats that they use.
/// </summary>
public sealed class ReportTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    private const string Root = "/gorenjska/funding";

    [Fact]
    public async Task However_money_is_cut_it_sums_to_the_same_and_to_what_the_rows_have()
    {
        using var client = funding.Client();
        await PaidAsync(client, "U3-P5", 2023, 120_000, 50_000, "003", "small-incentives");
        await PaidAsync(client, "U3-P5", 2023, 80_000, 80_000, null, null);
        await PaidAsync(client, "U6-A2", 2022, 10_000, 10_000, "052", "management-costs");
        var all = (await client.GetAsync($"{Root}/balances")).Body!["total"]!;

        foreach (var by in (string[])["measure", "row", "holder", "source", "municipality", "purpose", "year", "month"])
        {
            var lines = (await client.GetAsync($"{Root}/reports/realisation?by={by}")).Body!["lines"]!.AsArray();
            foreach (var account in (string[])["committed", "paid"])
                Assert.True(Cents(all, account) == lines.Sum(l => Cents(l!, account)), $"{account} by {by}");
            if (by is "measure" or "row" or "holder" or "source" or "year")
                Assert.True(Cents(all, "planned") == lines.Sum(l => Cents(l!, "planned")), $"planned by {by}");
        }

        var places = (await client.GetAsync($"{Root}/reports/realisation?by=municipality&fiscalYear=2023")).Body!["lines"]!.AsArray();
        Assert.Equal((70_000, 50_000), (Cents(places.Single(l => (string?)l!["key"] == "003")!, "committed"), Cents(places.Single(l => (string?)l!["key"] == "003")!, "paid")));
        var purposes = (await client.GetAsync($"{Root}/reports/realisation?by=purpose&lang=en")).Body!["lines"]!.AsArray();
        Assert.Equal(50_000, Cents(purposes.Single(l => (string?)l!["name"] == "Small incentives for SMEs")!, "paid"));
        var before = (await client.GetAsync($"{Root}/reports/realisation?by=row&asOf={funding.Today.AddDays(-1):yyyy-MM-dd}")).Body!["lines"]!.AsArray();
        Assert.Equal(0, before.Sum(l => Cents(l!, "paid")));
        Assert.Contains("small-incentives", purposes.Select(l => (string?)l!["key"]));
        var sources = (await client.GetAsync($"{Root}/reports/realisation?by=source")).Body!["lines"]!.AsArray();
        Assert.Contains("municipal-key", sources.Select(l => (string?)l!["key"]));
        Assert.Equal(400, (int)(await client.GetAsync($"{Root}/reports/realisation?by=colour")).Status);
        foreach (var report in (string[])["realisation", "flow", "municipalities", "cash-forecast"])
            Assert.Equal(400, (int)(await client.GetAsync($"{Root}/reports/{report}?format=foo")).Status);
        Assert.Equal(422, (int)(await client.GetAsync($"{Root}/reports/realisation?asOf=2777-01-01")).Status);
    }

    [Fact]
    public async Task Money_is_followed_from_its_source_to_the_beneficiary_and_back_to_their_municipality()
    {
        using var client = funding.Client();
        var recipient = await PaidAsync(client, "U4-A2", 2023, 90_000, 30_000, "122", null, dueOn: "2027-02-10");

        var flow = (await client.GetAsync($"{Root}/reports/flow?fiscalYear=2023")).Body!["lines"]!.AsArray().Single(l => (string?)l!["recipient"] == recipient)!;
        Assert.Equal(("municipal-key", 4, "U4-A2", 60_000, 30_000), ((string?)flow["source"], (int)flow["measure"]!, (string?)flow["row"], Cents(flow, "committed"), Cents(flow, "paid")));
        var place = (await client.GetAsync($"{Root}/reports/municipalities?fiscalYear=2023")).Body!["lines"]!.AsArray().Single(l => (string?)l!["code"] == "122")!;
        Assert.Equal((60_000, 30_000, 0), (Cents(place, "promised"), Cents(place, "cameBack"), Cents(place, "gave")));
        var forecast = (await client.GetAsync($"{Root}/reports/cash-forecast?fiscalYear=2023")).Body!["lines"]!.AsArray();
        Assert.Equal(60_000, Cents(forecast.Single(l => (string?)l!["month"] == "2027-02")!, "out"));
        Assert.Equal(422, (int)(await client.GetAsync($"{Root}/reports/cash-forecast?asOf=2026-01-01")).Status);
    }

    [Fact]
    public void What_is_overdue_is_expected_this_month_and_what_has_no_day_last()
    {
        var lines = ForecastCash.Forecast(
            [(new DateOnly(2026, 9, 1), 100), (new DateOnly(2027, 1, 31), 200)], [(new DateOnly(2026, 11, 30), 50), (null, 70), (new DateOnly(2027, 1, 1), 20)], new DateOnly(2026, 11, 25));

        Assert.Equal([("2026-11", 100, 50, 50), ("2027-01", 200, 20, 230), (null, 0, 70, 160)], lines.Select(l => (l.Month, l.In.Amount, l.Out.Amount, l.Net.Amount)));
    }

    [Theory]
    [InlineData("sl", "Prejemnik", ";1234,50;", ";")]
    [InlineData("en", "Beneficiary", ",1234.50,", ",")]
    public async Task A_spreadsheet_reads_the_csv_of_its_language_and_takes_no_name_for_a_formula(string lang, string heading, string amount, string separator)
    {
        using var client = funding.Client();
        await PaidAsync(client, "U6-A1", 2023, 123_450, 0, "052", null, recipient: $"=1+1{lang}");
        using var http = new HttpClient();

        using var answer = await http.GetAsync(new Uri($"{client.AddressOf}{Root[1..]}/reports/flow?format=csv&lang={lang}"), TestContext.Current.CancellationToken);
        var bytes = await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);

        Assert.Equal(("text/csv", "flow.csv"), (answer.Content.Headers.ContentType?.MediaType, answer.Content.Headers.ContentDisposition?.FileName));
        Assert.Equal([0xEF, 0xBB, 0xBF], bytes[..3]);
        var text = Encoding.UTF8.GetString(bytes);
        Assert.Contains(heading, text.Split('\n')[0], StringComparison.Ordinal);
        Assert.Contains($"{separator}'=1+1{lang}{separator}", text, StringComparison.Ordinal);
        Assert.Contains(amount, $"{text.Split('\n').Single(l => l.Contains($"=1+1{lang}", StringComparison.Ordinal)).Trim()}{separator}", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("=1+1")]
    [InlineData("+1")]
    [InlineData("-1")]
    [InlineData("@SUM(A1)")]
    [InlineData("\tx")]
    [InlineData("\rx")]
    [InlineData("\nx")]
    [InlineData("  =1")]
    [InlineData("\u00a0=1")]
    [InlineData("\u3000\n@x")]
    [InlineData("\uff1d1")]
    [InlineData("\uff0b1")]
    [InlineData(" \uff0d1")]
    [InlineData("\uff20x")]
    public void A_text_that_a_spreadsheet_may_take_for_a_formula_is_marked_as_a_text(string text) =>
        Assert.Equal("'" + text, Reports.Field(text, CultureInfo.InvariantCulture, inSlovene: false));

    [Theory]
    [InlineData("Čipke = klekljanje")]
    [InlineData(" Idrija")]
    [InlineData("'tako'")]
    [InlineData("")]
    public void Any_other_text_stays_as_it_is(string text) =>
        Assert.Equal(text, Reports.Field(text, CultureInfo.InvariantCulture, inSlovene: false));

    [Fact]
    public void An_amount_below_nothing_stays_a_number() =>
        Assert.Equal("-1,50", Reports.Field(Money.Eur(-150), CultureInfo.GetCultureInfo("sl-SI"), inSlovene: true).Replace('\u2212', '-'));

    [Fact]
    public async Task A_workbook_has_amounts_as_numbers_and_headings_in_the_readers_language()
    {
        using var client = funding.Client();
        using var http = new HttpClient();

        using var answer = await http.GetAsync(new Uri($"{client.AddressOf}{Root[1..]}/reports/realisation?by=row&format=xlsx&lang=sl"), TestContext.Current.CancellationToken);
        using var bytes = new MemoryStream(await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        var rows = bytes.Query(useHeaderRow: true).Cast<IDictionary<string, object?>>().ToList();

        var row = rows.Single(r => (string?)r["Oznaka"] == "U4-A2");
        Assert.Equal(225_000d, Assert.IsType<double>(row["Načrtovano (EUR)"]));
        // So that a spreadsheet shows 225.000,00: of what is money, and of nothing else.
        Assert.Equal([null, null, "#,##0.00", "#,##0.00", "#,##0.00", "#,##0.00", "#,##0.00", null], FormatsOfTheFirstRow(bytes).Select(f => f is "General" ? null : f));
    }

    [Fact]
    public async Task Grants_are_published_as_the_360Giving_standards_own_schema_wants_them()
    {
        using var client = funding.Client();
        var recipient = await PaidAsync(client, "U3-P6", 2023, 40_000, 10_050, "052", null, agreed: true, isOrganisation: true);
        Assert.Equal(404, (int)(await client.GetAsync($"{Root}/reports/360giving?fiscalYear=2031")).Status);

        var package = (await client.GetAsync($"{Root}/reports/360giving")).Body!;

        var (schema, strictly) = (Schema(), new EvaluationOptions { RequireFormatValidation = true });
        Assert.True(schema.Evaluate(package, strictly).IsValid);
        var grant = package["grants"]!.AsArray().Single(g => (string?)g!["recipientOrganization"]?[0]!["name"] == recipient)!;
        Assert.Equal((400m, 100.5m, "EUR"), ((decimal)grant["amountAwarded"]!, (decimal)grant["amountDisbursed"]!, (string?)grant["currency"]));
        Assert.Equal("SI-052", (string?)grant["beneficiaryLocation"]![0]!["geoCode"]);

        // The schema is looked at in earnest.
        grant.AsObject().Remove("awardDate");
        Assert.False(schema.Evaluate(package, strictly).IsValid);
    }

    [Fact]
    public async Task A_published_grant_says_when_it_changed_last_and_not_when_somebody_asked()
    {
        using var client = funding.Client();
        var recipient = await PaidAsync(client, "U3-P6", 2022, 5_000, 0, "052", null, agreed: true, isOrganisation: true);
        async Task<DateTimeOffset> ModifiedAsync() => (DateTimeOffset)(await client.GetAsync($"{Root}/reports/360giving?fiscalYear=2022")).Body!["grants"]!.AsArray()
            .Single(g => (string?)g!["recipientOrganization"]?[0]!["name"] == recipient)!["dateModified"]!;
        var grant = (await client.GetAsync($"{Root}/grants?pageSize=100")).Body!["items"]!.AsArray().Single(g => (string?)g!["recipient"] == recipient)!;

        var first = await ModifiedAsync();
        funding.Time.Advance(TimeSpan.FromMinutes(5));
        await PaidAsync(client, "U3-P6", 2022, 5_000, 0, "052", null, agreed: true);
        Assert.Equal(first, await ModifiedAsync());
        await Done(client.PostAsync($"{Root}/rows/U3-P6/reservations/{grant["reservationId"]}/commitments/{grant["id"]}/payments", "treasurer-2", new { amount = Eur(1_000) }));
        var paid = await ModifiedAsync();
        Assert.True(paid > first);
        funding.Time.Advance(TimeSpan.FromMinutes(5));
        await AgreeAsync(client, (string)grant["id"]!, isOrganisation: null);
        Assert.True(await ModifiedAsync() > paid);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(null)]
    public async Task Who_is_a_natural_person_or_may_be_one_is_published_without_a_name_or_a_place(bool? isOrganisation)
    {
        using var client = funding.Client();
        var recipient = await PaidAsync(client, "U3-P6", 2023, 30_000, 1_000, "163", null, agreed: true, isOrganisation: isOrganisation);

        var package = (await client.GetAsync($"{Root}/reports/360giving?fiscalYear=2023")).Body!;

        Assert.True(Schema().Evaluate(package, new EvaluationOptions { RequireFormatValidation = true }).IsValid);
        Assert.DoesNotContain(recipient, package.ToJsonString(), StringComparison.Ordinal);
        Assert.DoesNotContain("SI-163", package.ToJsonString(), StringComparison.Ordinal);
        var persons = package["grants"]!.AsArray().Where(g => g!["recipientIndividual"] is not null).ToList();
        Assert.Contains(persons, g => (decimal)g!["amountAwarded"]! == 300m);
        Assert.All(persons, g => Assert.Equal((null, "Individual Recipient"), (g!["recipientOrganization"], (string?)g["recipientIndividual"]!["name"])));
        Assert.Equal(persons.Count, persons.DistinctBy(g => (string?)g!["recipientIndividual"]!["id"]).Count());
    }

    [Fact]
    public async Task An_annex_that_does_not_say_what_the_beneficiary_is_changes_nothing_of_it_and_only_those_who_see_papers_are_told()
    {
        using var client = funding.Client();
        var recipient = await PaidAsync(client, "U3-P6", 2023, 20_000, 0, null, null, agreed: true, isOrganisation: false);
        var grant = (await client.GetAsync($"{Root}/grants?pageSize=100")).Body!["items"]!.AsArray().Single(g => (string?)g!["recipient"] == recipient)!;
        await AgreeAsync(client, (string)grant["id"]!, isOrganisation: null);

        Assert.Equal(false, (bool?)(await client.GetAsync($"{Root}/grants/{grant["id"]}", "auditor")).Body!["agreement"]!["isOrganisation"]);
        Assert.Null((await client.GetAsync($"{Root}/grants/{grant["id"]}")).Body!["agreement"]!["isOrganisation"]);
        await AgreeAsync(client, (string)grant["id"]!, isOrganisation: true);
        Assert.Contains(recipient, (await client.GetAsync($"{Root}/reports/360giving")).Body!.ToJsonString(), StringComparison.Ordinal);
    }

    private static List<string?> FormatsOfTheFirstRow(Stream workbook)
    {
        workbook.Position = 0;
        using var zip = new ZipArchive(workbook, ZipArchiveMode.Read, leaveOpen: true);
        XDocument Part(string name)
        {
            using var part = zip.GetEntry(name)!.Open();
            return XDocument.Load(part);
        }

        var (sheet, styles) = (Part("xl/worksheets/sheet1.xml").Root!, Part("xl/styles.xml").Root!);
        var (ns, codes) = (sheet.Name.Namespace, styles.Descendants(styles.Name.Namespace + "numFmt").ToDictionary(f => (string)f.Attribute("numFmtId")!, f => (string)f.Attribute("formatCode")!));
        var formats = styles.Element(styles.Name.Namespace + "cellXfs")!.Elements().Select(x => codes.GetValueOrDefault((string?)x.Attribute("numFmtId") ?? "0")).ToList();
        return [.. sheet.Descendants(ns + "row").ElementAt(1).Elements(ns + "c").Select(c => c.Attribute("s") is { } style ? formats[(int)style] : null)];
    }

    private static JsonSchema Schema()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "360giving");
        string Text(string name) => File.ReadAllText(Path.Combine(folder, name)).Replace("http://json-schema.org/draft/2020-12", "https://json-schema.org/draft/2020-12", StringComparison.Ordinal);
        var package = JsonNode.Parse(Text("360-giving-package-schema.json"))!;
        // Published as 1.4.3, the package names the grant of 1.4.2.
        SchemaRegistry.Global.Register(
            new Uri((string)package["properties"]!["grants"]!["items"]!["$ref"]!), JsonSchema.FromText(Text("360-giving-schema.json")));
        return JsonSchema.FromText(package.ToJsonString());
    }

    private static long Cents(JsonNode of, string account) => (long)of[account]!["amount"]!;

    private async Task<string> PaidAsync(
        Client client, string row, int year, long promised, long paid, string? municipality, string? purpose, string? dueOn = null, string? recipient = null, bool agreed = false,
        bool? isOrganisation = null)
    {
        recipient ??= $"Prejemnik {Guid.NewGuid():N}";
        var reserved = await Done(client.PostAsync($"{Root}/rows/{row}/reservations", "treasurer-1", new { fiscalYear = year, amount = Eur(promised), purpose = "x", expenditurePurpose = purpose }));
        var reservation = $"{Root}/rows/{row}/reservations/{reserved["id"]}";
        var committed = await Done(client.PostAsync($"{reservation}/commitments", "treasurer-1", new { recipient, amount = Eur(promised), municipality, dueOn }));
        var commitment = (string)committed["commitments"]![0]!["id"]!;
        // Nothing is paid without an agreement.
        if (paid > 0 || agreed)
            await AgreeAsync(client, commitment, isOrganisation);
        if (paid > 0)
            await Done(client.PostAsync($"{reservation}/commitments/{commitment}/payments", "treasurer-2", new { amount = Eur(paid) }));
        return recipient;
    }

    private Task<JsonNode> AgreeAsync(Client client, string commitment, bool? isOrganisation) => Done(client.PostAsync($"{Root}/grants/{commitment}/agreement", "treasurer-1", new
    {
        number = "410-2/2026",
        signedOn = $"{funding.Today:yyyy-MM-dd}",
        reportDueOn = "2027-06-30",
        document = new { name = "Pogodba", sha256 = new string('a', 64), reference = "arhiv/1" },
        account = new { iban = Agreements.Iban, holder = "Ana" },
        isOrganisation,
    }));

    private static async Task<JsonNode> Done(Task<Answer> asked)
    {
        var answer = await asked;
        Assert.True(answer.Status is HttpStatusCode.OK or HttpStatusCode.Created, answer.Body?.ToJsonString());
        return answer.Body!;
    }

    private static object Eur(long cents) => new { amount = cents, currency = "EUR" };
}
