using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;

namespace KkiMesh.Funding.Tests;

/// <summary>A grant from its award to what comes back, as its beneficiary, coordinators and treasurers do it.</summary>
public sealed class GrantPapersTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    private const string Grants = "/gorenjska/funding/grants";
    private const string Iban = Agreements.Iban;

    [Fact]
    public async Task A_grant_goes_from_award_over_agreement_request_and_payment_to_its_report_and_what_comes_back()
    {
        using var client = funding.Client();
        var grant = $"{Grants}/{await AwardAsync(client, "U3-P4", 2022, 300_000, "member-ana")}";

        Assert.Equal(409, (int)(await client.PostAsync($"{grant}/payment-requests", "member-ana", Request(100_000))).Status);
        await Done(client.PostAsync($"{grant}/agreement", "coordinator", Agreement("2026-12-31")));
        Assert.Equal(403, (int)(await client.PostAsync($"{grant}/payment-requests", "member-bor", Request(100_000))).Status);
        var asked = await Done(client.PostAsync($"{grant}/payment-requests", "member-ana", Request(200_000)));
        var byTreasurer = await Done(client.PostAsync($"{grant}/payment-requests", "treasurer-1", Request(100_000)));
        Assert.Equal(409, (int)(await client.PostAsync($"{grant}/payment-requests", "member-ana", Request(1))).Status);
        string Path(Answer answer, int request) => $"{grant}/payment-requests/{answer.Body!["paymentRequests"]![request]!["id"]}";

        Assert.Equal(403, (int)(await client.PostAsync($"{Path(byTreasurer, 1)}/approval", "treasurer-1", new { })).Status);
        var paid = await Done(client.PostAsync($"{Path(asked, 0)}/approval", "treasurer-1", new { }, "k"));
        await Done(client.PostAsync($"{Path(asked, 0)}/approval", "treasurer-1", new { }, "k"));
        Assert.Equal(409, (int)(await client.PostAsync($"{Path(asked, 0)}/approval", "treasurer-2", new { })).Status);
        Assert.Equal(("paid", 200_000), ((string)paid.Body!["paymentRequests"]![0]!["status"]!, (int)paid.Body["paid"]!["amount"]!));
        await Done(client.PostAsync($"{Path(byTreasurer, 1)}/refusal", "treasurer-1", new { reason = "Brez računa" }));

        await Done(client.PostAsync($"{grant}/report", "member-ana", new { used = Eur(150_000), text = "Natisnjeno\nin razdeljeno", documents = new[] { Document("Račun") } }));
        await Done(client.PostAsync($"{grant}/report/objection", "coordinator", new { reason = "Manjka račun" }));
        await Done(client.PostAsync($"{grant}/report", "member-ana", new { used = Eur(150_000), text = "Natisnjeno", documents = new[] { Document("Račun") } }));
        var accepted = await Done(client.PostAsync($"{grant}/report/acceptance", "coordinator"));
        Assert.Equal(50_000, (int)accepted.Body!["toBeReturned"]!["amount"]!);
        var commitment = $"/gorenjska/funding/rows/U3-P4/reservations/{accepted.Body["reservationId"]}/commitments/{accepted.Body["id"]}";
        await Done(client.PostAsync($"{commitment}/returns", "treasurer-1", new { amount = Eur(50_000), reason = "Ni porabljeno" }));

        var settled = (await client.GetAsync(grant)).Body!;
        Assert.Equal((0, 150_000, 100_000), ((int)settled["toBeReturned"]!["amount"]!, (int)settled["paid"]!["amount"]!, (int)settled["outstanding"]!["amount"]!));
        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);
    }

    [Fact]
    public async Task An_annex_that_names_no_account_leaves_the_one_that_was_agreed_on()
    {
        using var client = funding.Client();
        var grant = $"{Grants}/{await AwardAsync(client, "U3-P4", 2022, 100, "member-ana")}";
        await Done(client.PostAsync($"{grant}/agreement", "coordinator", Agreement("2026-12-31")));
        var annex = Agreement("2027-01-31");
        annex.Remove("account");

        var changed = await Done(client.PostAsync($"{grant}/agreement", "coordinator", annex));

        Assert.Equal((2, Iban), ((int)changed.Body!["agreement"]!["edition"]!, (string?)changed.Body["agreement"]!["account"]!["iban"]));
    }

    [Fact]
    public async Task What_moves_no_money_is_not_reversed_and_says_so()
    {
        using var client = funding.Client();
        await Done(client.PostAsync($"{Grants}/{await AwardAsync(client, "U3-P4", 2022, 100, "member-ana")}/agreement", "coordinator", Agreement("2026-12-31")));

        var agreed = (await client.GetAsync("/gorenjska/funding/rows/U3-P4/transactions?pageSize=100")).Body!["items"]!.AsArray()
            .Last(t => ((string)t!["type"]!).Contains("grant-agreed", StringComparison.Ordinal))!;
        var refused = await client.PostAsync($"/gorenjska/funding/rows/U3-P4/transactions/{agreed["id"]}/reversal", "treasurer", new { reason = "Zmota" });
        Assert.Equal(409, (int)refused.Status);
        Assert.Contains("moves no money", refused.Detail, StringComparison.Ordinal);
        Assert.Equal(404, (int)(await client.PostAsync($"/gorenjska/funding/rows/U3-P5/transactions/{agreed["id"]}/reversal", "treasurer", new { reason = "Zmota" })).Status);
    }

    [Fact]
    public async Task Papers_are_for_the_beneficiary_and_those_who_manage_the_money_and_in_no_public_event()
    {
        using var client = funding.Client();
        var id = await AwardAsync(client, "U3-P4", 2022, 100_000, "member-ana");
        await Done(client.PostAsync($"{Grants}/{id}/agreement", "treasurer", Agreement("2026-11-25")));
        await Done(client.PostAsync($"{Grants}/{id}/payment-requests", "member-ana", Request(1)));

        foreach (var who in (string[])["member-ana", "treasurer", "coordinator", "auditor"])
            Assert.Contains("SKRIVNOST", (await client.GetAsync($"{Grants}/{id}", who)).Body!.ToJsonString(), StringComparison.Ordinal);
        foreach (var who in (string?[])[null, "member-cene", "officer", "juror", "operator"])
        {
            var seen = (await client.GetAsync($"{Grants}/{id}", who)).Body!;
            var listed = (await client.GetAsync($"{Grants}?pageSize=100", who)).Body!.ToJsonString();
            Assert.Equal("410-1/2026", (string?)seen["agreement"]!["number"]);
            Assert.DoesNotContain("SKRIVNOST", seen.ToJsonString() + listed, StringComparison.Ordinal);
            Assert.DoesNotContain(Iban, seen.ToJsonString() + listed, StringComparison.Ordinal);
        }

        var transactions = (await client.GetAsync("/gorenjska/funding/rows/U3-P4/transactions?pageSize=100")).Body!.ToJsonString();
        var published = (await client.GetAsync("/gorenjska/funding/events?pageSize=500", "integrator")).Body!.ToJsonString();
        Assert.Contains("funding.agreement-filed", transactions, StringComparison.Ordinal);
        Assert.Contains("kki.funding.grant-agreed.v1", published, StringComparison.Ordinal);
        Assert.DoesNotContain("SKRIVNOST", transactions + published, StringComparison.Ordinal);
        Assert.DoesNotContain(Iban, transactions + published, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_that_does_not_come_is_overdue_the_day_after_its_last_one()
    {
        using var client = funding.Client();
        var (late, inTime) = (await AwardAsync(client, "U3-P4", 2022, 100, "member-ana"), await AwardAsync(client, "U3-P4", 2022, 100, "member-bor"));
        await Done(client.PostAsync($"{Grants}/{late}/agreement", "coordinator", Agreement("2026-11-24")));
        await Done(client.PostAsync($"{Grants}/{inTime}/agreement", "coordinator", Agreement("2026-11-25")));
        foreach (var id in (string[])[late, inTime])
            await Done(client.PostAsync($"{Grants}/{id}/payment", "treasurer"));
        async Task<string[]> Listed(bool isOverdue) =>
            [.. (await client.GetAsync($"{Grants}?pageSize=100&isReportOverdue={isOverdue}")).Body!["items"]!.AsArray().Select(g => (string)g!["id"]!)];

        Assert.Contains(late, await Listed(true));
        Assert.DoesNotContain(inTime, await Listed(true));
        Assert.Contains(inTime, await Listed(false));
        Assert.DoesNotContain(late, await Listed(false));
        Assert.True((bool)(await client.GetAsync($"{Grants}/{late}")).Body!["isReportOverdue"]!);
        await Done(client.PostAsync($"{Grants}/{late}/report", "member-ana", new { used = Eur(100), text = "Natisnjeno" }));
        Assert.DoesNotContain(late, await Listed(true));
    }

    [Fact]
    public async Task De_minimis_aid_never_crosses_its_ceiling_also_when_two_rows_grant_it_at_once()
    {
        Client[] replicas = [funding.Client(0), funding.Client(1)];
        await using var integrator = await Integrator.ListenAsync(funding.Broker, "gorenjska.funding.de-minimis-ceiling-neared.v1");
        string[] rows = ["U6-A1", "U6-P2", "U6-A3", "U2-A1+A2", "U3-P7", "U3-P6"];
        var grants = new List<string>();
        foreach (var row in rows)
            grants.Add(await CommitAsync(replicas[0], row, 200_000));
        JsonObject Aid(string beneficiary) => Agreement("2027-12-31", ("isDeMinimis", true), ("beneficiary", beneficiary), ("declaredAid", new JsonArray(
            new JsonObject { ["amount"] = Eur(295_000_00), ["on"] = "2025-03-01", ["grantor"] = "Ministrstvo" })));

        var answers = await Task.WhenAll(grants.Select((id, i) => replicas[i % 2].PostAsync($"{Grants}/{id}/agreement", "treasurer", Aid(i % 2 == 0 ? "si 5022 3054" : "SI-50223054"))));

        Assert.Equal(2, answers.Count(a => a.Status == HttpStatusCode.OK));
        Assert.All(answers.Where(a => a.Status != HttpStatusCode.OK), a => Assert.Equal(422, (int)a.Status));
        Assert.All(answers.Where(a => a.Status != HttpStatusCode.OK), a => Assert.Contains("299,000.00 EUR before + 2,000.00 EUR now = 301,000.00 EUR; the ceiling is 300,000.00 EUR", a.Detail, StringComparison.Ordinal));
        Assert.Contains(answers, a => ((string?)a.Body?["agreement"]?["deMinimis"]?["warning"])?.StartsWith("1,000.00 EUR of 300,000.00 EUR", StringComparison.Ordinal) == true);
        var statement = (await replicas[1].GetAsync("/gorenjska/funding/de-minimis?beneficiary=50223054&on=2026-11-25", "auditor")).Body!;
        Assert.Equal((299_000_00, 1_000_00, 3), ((int)statement["total"]!["amount"]!, (int)statement["left"]!["amount"]!, statement["aid"]!.AsArray().Count));
        Assert.Equal(0, (int)(await replicas[1].GetAsync("/gorenjska/funding/de-minimis?beneficiary=9331310", "auditor")).Body!["total"]!["amount"]!);
        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n == 2);
        // Neither who it is nor how much they have.
        Assert.All(integrator.Messages, m => Assert.Equal(["commitmentId", "row", "on", "ceiling", "legalBasis"], JsonNode.Parse(m.Body)!["data"]!.AsObject().Select(p => p.Key)));
        Assert.All(integrator.Messages, m => Assert.DoesNotContain("50223054", System.Text.Encoding.UTF8.GetString(m.Body), StringComparison.OrdinalIgnoreCase));
        foreach (var client in replicas)
            client.Dispose();
    }

    [Theory]
    [InlineData(true, 409)]
    [InlineData(false, 200)]
    public async Task What_was_given_back_of_de_minimis_aid_does_not_come_back_past_the_ceiling(bool isDeMinimis, int status)
    {
        const string rows = "/gorenjska/funding/rows/U3-P6";
        using var client = funding.Client();
        var id = await CommitAsync(client, "U3-P6", 1_000);
        var agreed = await Done(client.PostAsync($"{Grants}/{id}/agreement", "treasurer", Agreement("2027-12-31", ("isDeMinimis", isDeMinimis), ("beneficiary", "ATU12345678"))));
        await Done(client.PostAsync($"{rows}/reservations/{agreed.Body!["reservationId"]}/release", "treasurer", new { commitmentId = id, amount = Eur(400) }));
        var release = (await client.GetAsync($"{rows}/transactions?pageSize=100")).Body!["items"]!.AsArray()
            .Last(t => (string?)t!["type"] == "kki.funding.funds-released.v1" && (string?)t["data"]!["commitmentId"] == id)!["id"];

        var reversed = await client.PostAsync($"{rows}/transactions/{release}/reversal", "treasurer", new { reason = "Pomota" });

        Assert.Equal(status, (int)reversed.Status);
        Assert.Equal(isDeMinimis, reversed.Detail?.Contains("de minimis", StringComparison.Ordinal) == true);
        Assert.Equal(isDeMinimis ? 600 : 1_000, (int)(await client.GetAsync($"{Grants}/{id}")).Body!["outstanding"]!["amount"]!);
    }

    [Theory]
    [InlineData("number", "\"\"", 400, "number")]
    [InlineData("number", "\"a\\u0007b\"", 400, "number")]
    [InlineData("signedOn", "\"2026-11-26\"", 422, "signedOn")]
    [InlineData("signedOn", "\"2019-12-31\"", 422, "signedOn")]
    [InlineData("reportDueOn", "\"2026-01-01\"", 422, "reportDueOn")]
    [InlineData("document", """{"name":"Pogodba","sha256":"AB","reference":"x"}""", 400, "document.sha256")]
    [InlineData("isDeMinimis", "true", 422, "beneficiary")]
    [InlineData("beneficiary", "\"<b>\"", 422, "beneficiary")]
    [InlineData("beneficiary", "\"SI50223055\"", 422, "beneficiary")]
    [InlineData("beneficiary", "\"ЅІ50223054\"", 422, "beneficiary")]
    [InlineData("declaredAid", """[{"amount":{"amount":9223372036854775807,"currency":"EUR"},"on":"2026-01-01","grantor":"x"}]""", 422, "declaredAid")]
    [InlineData("declaredAid", """[{"amount":{"amount":1,"currency":"EUR"},"on":"2026-01-01","grantor":"x"},{"amount":{"amount":1,"currency":"EUR"},"on":"2026-01-01","grantor":"x"}]""", 422, "declaredAid")]
    [InlineData("account", """{"iban":"SI56263300012039087","holder":"Ana"}""", 422, "account.iban")]
    public async Task What_breaks_a_rule_is_refused_at_its_field_and_changes_nothing(string field, string value, int status, string at)
    {
        using var client = funding.Client();
        var id = await CommitAsync(client, "U6-P3a", 1);

        var refused = await client.PostAsync($"{Grants}/{id}/agreement", "treasurer", Agreement("2027-12-31", (field, JsonNode.Parse(value))));

        Assert.Equal(status, (int)refused.Status);
        Assert.Contains(at, refused.Body!["errors"]!.AsObject().Select(e => e.Key));
        Assert.Equal(404, (int)(await client.GetAsync($"{Grants}/{id}")).Status);
    }

    private static JsonObject Eur(long cents) => new() { ["amount"] = cents, ["currency"] = "EUR" };

    private static JsonObject Document(string name) => new() { ["name"] = name, ["sha256"] = new string('a', 64), ["reference"] = "SKRIVNOST" };

    private static JsonObject Request(long cents) => new() { ["amount"] = Eur(cents), ["documents"] = new JsonArray(Document("Račun")) };

    private static JsonObject Agreement(string due, params (string Field, JsonNode? Value)[] more)
    {
        var body = new JsonObject
        {
            ["number"] = "410-1/2026",
            ["signedOn"] = "2026-11-01",
            ["reportDueOn"] = due,
            ["document"] = Document("Pogodba"),
            ["account"] = new JsonObject { ["iban"] = Iban, ["holder"] = "Ana" },
        };
        foreach (var (field, value) in more)
            body[field] = value;
        return body;
    }

    private static async Task<Answer> Done(Task<Answer> answer)
    {
        var given = await answer;
        Assert.True(given.Status is HttpStatusCode.OK or HttpStatusCode.Created, given.Detail);
        return given;
    }

    /// <summary>What a treasurer promises to somebody.</summary>
    private static async Task<string> CommitAsync(Client client, string row, long cents)
    {
        var reserved = await Done(client.PostAsync($"/gorenjska/funding/rows/{row}/reservations", "treasurer", new { fiscalYear = 2023, amount = Eur(cents), purpose = "Poskus" }));
        var committed = await Done(client.PostAsync($"{reserved.Headers.Location}/commitments", "treasurer", new { recipient = "Ana", amount = Eur(cents) }));
        return (string)committed.Body!["commitments"]![0]!["id"]!;
    }

    /// <summary>What a challenge awards to who entered an idea.</summary>
    private Task<string> AwardAsync(Client client, string row, int year, long cents, string winner) =>
        funding.AwardAsync(client, row, year, cents, winner);
}
