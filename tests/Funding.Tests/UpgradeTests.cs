using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;
using Npgsql;

namespace KkiMesh.Funding.Tests;

/// <summary>A ledger that an earlier version has written.</summary>
public sealed class UpgradeTests(TestServers servers)
{
    [Fact]
    public async Task What_is_made_of_an_older_ledgers_transactions_is_made_anew_at_the_next_start()
    {
        await using var place = await servers.NewPlaceAsync();
        await using var registry = await Publisher.StartAsync(place, "registry");
        string grant, payments;
        await using (var before = await RunningService.StartAsync<PlanRow>(place, "funding", registry))
        {
            using var client = before.Client();
            var reserved = await client.PostAsync("/gorenjska/funding/rows/U3-P5/reservations", "treasurer", new { fiscalYear = 2023, amount = Eur(500), purpose = "Poskus" });
            var commitments = $"{reserved.Headers.Location}/commitments";
            grant = (string)(await client.PostAsync(commitments, "treasurer", new { recipient = "Ana", amount = Eur(500) })).Body!["commitments"]![0]!["id"]!;
            Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{commitments}/{grant}/payments", "treasurer-2", new { amount = Eur(300) })).Status);
            Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{commitments}/{grant}/payments", "treasurer-2", new { amount = Eur(200) })).Status);
            var mistake = (string)(await client.GetAsync("/gorenjska/funding/rows/U3-P5/transactions")).Body!["items"]!.AsArray()[^1]!["id"]!;
            Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"/gorenjska/funding/rows/U3-P5/transactions/{mistake}/reversal", "treasurer", new { reason = "Zmota" })).Status);
            payments = await PaymentsAsync(client);
        }

        await using var database = NpgsqlDataSource.Create(await place.DatabaseAsync("funding"));
        await using var forget = database.CreateCommand("""
            delete from mt_doc_ledgerformat; delete from mt_doc_payment; delete from journal;
            update mt_doc_grant set data = data - 'awardedOn' - 'status'; update mt_doc_planrow set data = data - 'closedYears' - 'reversed'
            """);
        await forget.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await using var after = await RunningService.StartAsync<PlanRow>(place, "funding", registry);
        using var again = after.Client();

        Assert.Equal(payments, await PaymentsAsync(again));
        using var http = new HttpClient { BaseAddress = new Uri(again.AddressOf) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", place.Issuer.Token("auditor"));
        var verified = await http.GetStringAsync("/gorenjska/funding/verification");
        Assert.Contains("\"isIntact\":true", verified, StringComparison.Ordinal);
    }

    private static JsonObject Eur(long cents) => new() { ["amount"] = cents, ["currency"] = "EUR" };

    private static async Task<string> PaymentsAsync(Client client)
    {
        var payments = (await client.GetAsync("/gorenjska/funding/payments", "treasurer")).Body!;
        Assert.Equal([true, false], payments["items"]!.AsArray().Select(p => (bool)p!["payment"]!["isReversed"]!));
        return payments.ToJsonString();
    }
}
