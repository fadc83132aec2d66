using System.Net;
using KkiMesh.TestKit;

namespace KkiMesh.Funding.Tests;

/// <summary>Nobody decides on a grant that they receive, whatever else they are.</summary>
public sealed class GrantConflictTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    private const string Service = "/gorenjska/funding";
    private const string Row = "U3-P5";

    [Fact]
    public async Task Who_names_the_account_does_not_approve_a_payment_to_it()
    {
        using var client = funding.Client();
        var grant = await funding.AwardAsync(client, Row, 2023, 100, "ana");
        var path = $"{Service}/grants/{grant}";
        await client.RecordAsync(grant, by: "treasurer=cene");
        // An annex that names the same account again leaves it the first one's choice.
        await client.RecordAsync(grant, by: "treasurer=bor");

        var refused = await client.PostAsync($"{path}/payment", "treasurer=cene", new { });
        Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
        Assert.Contains("decided on it before", refused.Detail, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{path}/payment", "treasurer=bor", new { })).Status);
    }

    [Fact]
    public async Task Who_receives_a_grant_asks_for_it_and_decides_on_nothing_of_it()
    {
        using var client = funding.Client();
        var grant = await funding.AwardAsync(client, Row, 2023, 10_000, "ana");
        var path = $"{Service}/grants/{grant}";
        await IsTheirsAsync("coordinator=ana", $"{path}/agreement", Agreements.Of("Ana"));
        await IsTheirsAsync("member+treasurer=ana", $"{path}/agreement", Agreements.Of("Ana"));
        await client.RecordAsync(grant);
        await IsTheirsAsync("treasurer=ana", $"{path}/payment", new { });
        var reservation = (string)(await client.GetAsync(path, "auditor")).Body!["reservationId"]!;
        await IsTheirsAsync("treasurer=ana", $"{Service}/rows/{Row}/reservations/{reservation}/commitments/{grant}/payments", new { });

        var asked = await DoneAsync("member+treasurer=ana", $"{path}/payment-requests", new
        {
            amount = new { amount = 4_000, currency = "EUR" },
            documents = (object[])[new { name = "Račun", sha256 = new string('b', 64), reference = "arhiv/2" }],
        });
        var request = (string)asked["paymentRequests"]![0]!["id"]!;
        await IsTheirsAsync("treasurer=ana", $"{path}/payment-requests/{request}/approval", new { });
        await IsTheirsAsync("treasurer=ana", $"{path}/payment-requests/{request}/refusal", new { reason = "Zato" });
        await DoneAsync("treasurer=bor", $"{path}/payment-requests/{request}/approval", new { });

        await DoneAsync("member=ana", $"{path}/report", new { used = new { amount = 4_000, currency = "EUR" }, text = "Porabljeno" });
        foreach (var who in (string[])["treasurer=ana", "coordinator=ana"])
        {
            await IsTheirsAsync(who, $"{path}/report/acceptance", null);
            await IsTheirsAsync(who, $"{path}/report/objection", new { reason = "Zato" });
        }

        await IsTheirsAsync("treasurer=ana", $"{Service}/rows/{Row}/reservations/{reservation}/release", new { commitmentId = grant });
        await DoneAsync("coordinator=bor", $"{path}/report/acceptance", null);
        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);

        async Task IsTheirsAsync(string who, string command, object? body)
        {
            var before = (await client.GetAsync(path, "auditor")).Body!.ToJsonString();
            var refused = await client.PostAsync(command, who, body);
            Assert.Equal((command, HttpStatusCode.Forbidden), (command, refused.Status));
            Assert.Contains("their own", refused.Detail, StringComparison.Ordinal);
            Assert.Equal(before, (await client.GetAsync(path, "auditor")).Body!.ToJsonString());
        }

        async Task<System.Text.Json.Nodes.JsonNode> DoneAsync(string who, string command, object? body)
        {
            var answer = await client.PostAsync(command, who, body);
            Assert.True((int)answer.Status < 300, $"{command}: {(int)answer.Status} {answer.Detail}");
            return answer.Body!;
        }
    }
}
