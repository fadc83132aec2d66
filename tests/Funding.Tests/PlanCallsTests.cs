using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.TestKit;

namespace KkiMesh.Funding.Tests;

/// <summary>The plan changes by calls: a new row, one more year, another holder.</summary>
public sealed class PlanCallsTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    private const string Rows = "/gorenjska/funding/rows";

    [Fact]
    public async Task A_new_row_has_what_the_plan_says_of_it_and_is_told_with_the_reason()
    {
        await using var integrator = await Integrator.ListenAsync(funding.Broker, "gorenjska.funding.row-planned.v1");
        using var client = funding.Client();

        var planned = await client.PostAsync(Rows, "treasurer", Row("U7-P1", Year(2027, "amount", 500_000, "eu"), Year(2028, "tick"), Year(2029, "unknown")));

        Assert.Equal((HttpStatusCode.Created, $"{Rows}/U7-P1"), (planned.Status, planned.Headers.Location?.OriginalString));
        var row = (await funding.Client(1).GetAsync($"{Rows}/U7-P1")).Body!;
        Assert.Equal("BSC Kranj", (string?)row["holder"]);
        Assert.Equal(["amount", "tick", "unknown"], row["years"]!.AsArray().Select(y => (string)y!["state"]!));
        Assert.Equal(500_000, (int)row["balances"]!["2027"]!["available"]!["amount"]!);
        Assert.Equal(HttpStatusCode.Created, (await ReserveAsync(client, "U7-P1", 2027, 500_000)).Status);
        var told = await Eventually.Is(() => Task.FromResult(integrator.Messages.ToList()), m => m.Any(e => Data(e.Body)["row"]!.GetValue<string>() == "U7-P1"));
        Assert.Contains(told, e => (string?)Data(e.Body)["reason"] == "Sklep sveta 3/2026");
        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);
    }

    [Fact]
    public async Task A_row_begins_once_however_its_id_is_written()
    {
        Client[] replicas = [funding.Client(0), funding.Client(1)];

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(i =>
            replicas[i % 2].PostAsync(Rows, "treasurer", Row(i % 3 == 0 ? "U8-p1" : "U8-P1", Year(2027, "amount", 100, "eu")))));

        Assert.Single(answers, a => a.Status == HttpStatusCode.Created);
        Assert.All(answers, a => Assert.Contains((int)a.Status, (int[])[201, 409, 422]));
    }

    [Fact]
    public async Task Of_a_new_year_the_plan_says_once_what_it_gives_and_then_it_changes_by_changes()
    {
        using var client = funding.Client();
        await Done(client.PostAsync($"{Rows}/U5-P1/years", "treasurer", Said(2027, "unknown")));
        Assert.Equal(409, (int)(await client.PostAsync($"{Rows}/U5-P1/years", "treasurer", Said(2027, "unknown"))).Status);

        // What was not known becomes known.
        var known = await Done(client.PostAsync($"{Rows}/U5-P1/years", "treasurer", Said(2027, "amount", 70_000, "municipal-own")));

        Assert.Equal(70_000, (int)known["balances"]!["2027"]!["planned"]!["amount"]!);
        Assert.Equal("amount", (string?)known["years"]!.AsArray().Single(y => (int)y!["fiscalYear"]! == 2027)!["state"]);
        var again = await client.PostAsync($"{Rows}/U5-P1/years", "treasurer", Said(2027, "amount", 80_000, "municipal-own"));
        Assert.Equal(409, (int)again.Status);
        Assert.Contains("a change of the plan gives or takes", again.Detail, StringComparison.Ordinal);
        var id = (await client.GetAsync($"{Rows}/U5-P1/transactions?pageSize=100")).Body!["items"]!.AsArray()
            .Last(t => (string?)t!["type"] == "kki.funding.row-year-planned.v1")!["id"];
        Assert.Equal(409, (int)(await client.PostAsync($"{Rows}/U5-P1/transactions/{id}/reversal", "treasurer", new { reason = "x" })).Status);
        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);
    }

    [Fact]
    public async Task Another_holder_is_named_with_the_reason()
    {
        using var client = funding.Client();
        var holder = new { holder = "RAGOR", reason = "Dogovor o prenosu" };

        Assert.Equal("RAGOR", (string?)(await Done(client.PostAsync($"{Rows}/U3-P1/holder", "treasurer", holder)))["holder"]);

        Assert.Equal(409, (int)(await client.PostAsync($"{Rows}/U3-P1/holder", "treasurer", holder)).Status);
        Assert.Equal("RAGOR", (string?)(await funding.Client(1).GetAsync($"{Rows}/U3-P1")).Body!["holder"]);
        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);
    }

    [Fact]
    public async Task A_closed_year_is_closed_on_a_new_row_too_and_opens_again_with_the_others()
    {
        using var client = funding.Client();
        await Done(client.PostAsync("/gorenjska/funding/fiscal-years/2022/close", "treasurer", null));
        var refused = await client.PostAsync(Rows, "treasurer", Row("U9-P1", Year(2022, "amount", 1, "eu")));
        Assert.Equal(409, (int)refused.Status);
        Assert.Equal(HttpStatusCode.Created, (await client.PostAsync(Rows, "treasurer", Row("U9-P1", Year(2027, "amount", 100, "eu")))).Status);

        Assert.Equal(409, (int)(await client.PostAsync($"{Rows}/U9-P1/plan-changes", "treasurer", Change(2022))).Status);
        Assert.Equal(409, (int)(await client.PostAsync($"{Rows}/U9-P1/years", "treasurer", Said(2022, "amount", 1, "eu"))).Status);
        await Done(client.PostAsync("/gorenjska/funding/fiscal-years/2022/reopen", "auditor", new { reason = "Popravek" }));

        await Done(client.PostAsync($"{Rows}/U9-P1/plan-changes", "treasurer", Change(2022)));
    }

    [Theory]
    [InlineData("", """{"row":"findings"}""", 400, "row")]
    [InlineData("", """{"row":"U7/P1"}""", 400, "row")]
    [InlineData("", """{"row":"U3-P1"}""", 409, null)]
    [InlineData("", """{"measure":0}""", 400, "measure")]
    [InlineData("", """{"reason":""}""", 400, "reason")]
    [InlineData("", """{"date":"2031-01-01"}""", 422, "date")]
    [InlineData("", """{"years":[{"fiscalYear":2027,"state":"tick"},{"fiscalYear":2027,"state":"unknown"}]}""", 422, "years")]
    [InlineData("", """{"years":[{"fiscalYear":2027,"state":"amount"}]}""", 422, "years")]
    [InlineData("", """{"years":[{"fiscalYear":2027,"state":"tick","amount":{"amount":1,"currency":"EUR"}}]}""", 422, "years")]
    [InlineData("", """{"years":[{"fiscalYear":1850,"state":"tick"}]}""", 422, "years")]
    [InlineData("", """{"years":[{"fiscalYear":2027,"state":"amount","amount":{"amount":-1,"currency":"EUR"}}]}""", 422, "years")]
    [InlineData("/U3-P1/years", """{"fiscalYear":2022,"state":"amount","amount":{"amount":1,"currency":"EUR"}}""", 409, null)]
    [InlineData("/U3-P1/years", """{"fiscalYear":2027,"state":"amount","amount":{"amount":1,"currency":"CHF"}}""", 422, "amount")]
    [InlineData("/U3-P1/years", """{"fiscalYear":1850,"state":"tick"}""", 422, "fiscalYear")]
    [InlineData("/U99-X/years", """{"fiscalYear":2027,"state":"tick"}""", 404, null)]
    [InlineData("/U3-P1/holder", """{"holder":""}""", 400, "holder")]
    public async Task What_breaks_a_rule_is_refused_at_its_field_and_changes_nothing(string what, string change, int status, string? field)
    {
        using var client = funding.Client();
        var body = what == "" ? Row("U11-P1", Year(2027, "tick")) : new JsonObject { ["reason"] = "x" };
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject())
            body[name] = value?.DeepClone();
        var before = (await client.GetAsync($"{Rows}?pageSize=100")).Body!.ToJsonString();

        var refused = await client.PostAsync($"{Rows}{what}", "treasurer", body);

        Assert.Equal(status, (int)refused.Status);
        Assert.True(field is null || refused.Body!["errors"]!.AsObject().ContainsKey(field), refused.Body!.ToJsonString());
        Assert.Equal(before, (await client.GetAsync($"{Rows}?pageSize=100")).Body!.ToJsonString());
    }

    [Fact]
    public void A_file_that_is_not_what_the_ledger_began_with_is_told_by_its_rows()
    {
        var json = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "data", "gorenjska", "action-plan.json"));
        var begun = ImportActionPlan.Rows(ActionPlan.Parse(json)).ToList();
        Assert.Empty(ImportActionPlan.Others(ActionPlan.Parse(json), begun));

        var changed = ActionPlan.Parse(json.Replace("\"id\": \"U3-P1\"", "\"id\": \"U3-P99\"", StringComparison.Ordinal));

        Assert.Equal(["U3-P99"], ImportActionPlan.Others(changed, begun));
        Assert.Equal(["U3-P4"], ImportActionPlan.Others(ActionPlan.Parse(json), begun.Select(r => r.Row == "U3-P4" ? r with { Holder = "x" } : r)));
    }

    private static JsonObject Row(string id, params JsonNode[] years) => new()
    {
        ["row"] = id,
        ["measure"] = 7,
        ["code"] = "Projekt 1",
        ["title"] = "Nov projekt",
        ["holder"] = "BSC Kranj",
        ["years"] = new JsonArray(years),
        ["reason"] = "Sklep sveta 3/2026",
    };

    private static JsonObject Year(int year, string state, long? cents = null, string? source = null)
    {
        var said = new JsonObject { ["fiscalYear"] = year, ["state"] = state };
        if (cents is { } amount)
            said["amount"] = new JsonObject { ["amount"] = amount, ["currency"] = "EUR" };
        if (source is not null)
            said["source"] = source;
        return said;
    }

    private static JsonObject Said(int year, string state, long? cents = null, string? source = null)
    {
        var said = Year(year, state, cents, source);
        said["reason"] = "Letni program 2027";
        return said;
    }

    private static object Change(int year) =>
        new { fiscalYear = year, source = "eu", amount = new { amount = 5, currency = "EUR" }, reason = "x" };

    private static Task<Answer> ReserveAsync(Client client, string row, int year, long cents) => client.PostAsync(
        $"{Rows}/{row}/reservations", "treasurer", new { fiscalYear = year, amount = new { amount = cents, currency = "EUR" }, purpose = "x" });

    private static JsonNode Data(ReadOnlyMemory<byte> body) => JsonNode.Parse(body.Span)!["data"]!;

    private static async Task<JsonNode> Done(Task<Answer> answer)
    {
        var done = await answer;
        Assert.True(done.Status == HttpStatusCode.OK, done.Body?.ToJsonString());
        return done.Body!;
    }
}
