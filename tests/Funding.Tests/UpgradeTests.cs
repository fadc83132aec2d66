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
            await client.RecordAsync(grant);
            Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{commitments}/{grant}/payments", "treasurer-2", new { amount = Eur(300) })).Status);
            Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{commitments}/{grant}/payments", "treasurer-2", new { amount = Eur(200) })).Status);
            var mistake = (string)(await client.GetAsync("/gorenjska/funding/rows/U3-P5/transactions")).Body!["items"]!.AsArray()[^1]!["id"]!;
            Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"/gorenjska/funding/rows/U3-P5/transactions/{mistake}/reversal", "treasurer", new { reason = "Zmota" })).Status);
            payments = await PaymentsAsync(client);
        }

        await using var database = NpgsqlDataSource.Create(await place.DatabaseAsync("funding"));
        await using var forget = database.CreateCommand("""
            update mesh_format set number = 2; delete from mt_doc_ledgerformat; delete from journal;
            delete from mt_doc_payment; delete from mt_doc_paymentapproval;
            update mt_doc_grant set data = data - 'awardedOn' - 'status' - 'approvals';
            update mt_doc_planrow set data = data - 'closedYears' - 'reversed'
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

    [Fact]
    public async Task Beside_a_newer_version_an_older_one_writes_nothing_and_the_ledger_stays_whole()
    {
        await using var place = await servers.NewPlaceAsync();
        await using var registry = await Publisher.StartAsync(place, "registry");
        await using var older = await RunningService.StartAsync<PlanRow>(place, "funding", registry);
        using var client = older.Client();
        Assert.Equal(HttpStatusCode.Created, (await ReserveAsync(client, "U3-P5", "first")).Status);
        await using var database = NpgsqlDataSource.Create(await place.DatabaseAsync("funding"));
        await DoAsync(database, "delete from mt_doc_ledgerformat; delete from journal");
        using var stop = new CancellationTokenSource();
        var load = Task.WhenAll(Enumerable.Range(0, 4).Select(who => UntilRefusedAsync(client, who, stop.Token)));

        place.Settings["Mesh:Format"] = $"{UpgradeLedger.Version + 1}";
        await using var newer = await RunningService.StartAsync<PlanRow>(place, "funding", registry);
        stop.CancelAfter(TimeSpan.FromSeconds(30));
        var taken = await load;

        Assert.All(taken, t => Assert.Contains($"this version of the service knows format {UpgradeLedger.Version} at most", t.Refusal, StringComparison.Ordinal));
        using var again = newer.Client();
        foreach (var (who, (done, _)) in taken.Index())
        {
            // The one that was refused, and the one before it, whose answer is the same again.
            Assert.Equal(HttpStatusCode.Created, (await ReserveAsync(again, "U3-P5", $"{who}/{done}")).Status);
            if (done > 0)
                Assert.Equal("true", (await ReserveAsync(again, "U3-P5", $"{who}/{done - 1}")).Headers.GetValues("Idempotency-Replayed").Single());
        }

        var reserved = (long)(await again.GetAsync("/gorenjska/funding/rows/U3-P5")).Body!["balances"]!["2023"]!["reserved"]!["amount"]!;
        Assert.Equal(1 + taken.Sum(t => t.Done + 1), reserved);
        Assert.True((bool)(await LastAsync(place, again, HttpMethod.Get, "verification", "auditor"))["isIntact"]!);
    }

    [Fact]
    public async Task A_stream_that_was_tampered_with_is_left_as_it_is_and_told_and_the_others_are_upgraded_and_work()
    {
        const string tampered = "U3-P5";
        const string sound = "U3-P1";
        const string change = "update mt_events set data = jsonb_set(data, '{{purpose}}', '\"{0}\"') where stream_id = 'U3-P5' and version = 2";
        await using var place = await servers.NewPlaceAsync();
        await using var registry = await Publisher.StartAsync(place, "registry");
        await using (var before = await RunningService.StartAsync<PlanRow>(place, "funding", registry))
        {
            using var client = before.Client();
            foreach (var row in (string[])[tampered, sound])
                Assert.Equal(HttpStatusCode.Created, (await ReserveAsync(client, row, row)).Status);
        }

        await using var database = NpgsqlDataSource.Create(await place.DatabaseAsync("funding"));
        await DoAsync(database, string.Format(null, change, "Drugo"));
        await DoAsync(database, """
            update mesh_format set number = 2; delete from mt_doc_ledgerformat; delete from journal;
            update mt_doc_planrow set data = data - 'closedYears' - 'reversed'
            """);
        await using var after = await RunningService.StartAsync<PlanRow>(place, "funding", registry);
        using var again = after.Client();

        var refused = await ReserveAsync(again, tampered, "tampered");
        Assert.Equal(HttpStatusCode.Conflict, refused.Status);
        Assert.Contains("U3-P5, transaction 2: The event is not what was recorded", refused.Detail, StringComparison.Ordinal);
        var health = await again.GetAsync("/health");
        Assert.Equal((HttpStatusCode.OK, "degraded"), (health.Status, (string?)health.Body!["status"]));
        Assert.Contains("U3-P5 of gorenjska", (string?)health.Body["reasons"]!["streams"], StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Created, (await ReserveAsync(again, sound, "sound")).Status);
        var faults = (await LastAsync(place, again, HttpMethod.Get, "verification", "auditor"))["faults"]!.AsArray();
        Assert.All(faults, f => Assert.Equal(tampered, (string?)f!["row"]));
        Assert.Contains(faults, f => (int?)f!["transaction"] == 2);

        // The verb that the message names runs; when the event is as it was, it opens the row again.
        Assert.Equal(1, (int)(await LastAsync(place, again, HttpMethod.Post, "ledger/rebuild", "operator"))["left"]!);
        Assert.Equal(HttpStatusCode.Conflict, (await ReserveAsync(again, tampered, "tampered")).Status);
        await DoAsync(database, string.Format(null, change, "Poskus"));
        Assert.Equal(0, (int)(await LastAsync(place, again, HttpMethod.Post, "ledger/rebuild", "operator"))["left"]!);
        Assert.Equal(HttpStatusCode.Created, (await ReserveAsync(again, tampered, "tampered")).Status);
        Assert.True((bool)(await LastAsync(place, again, HttpMethod.Get, "verification", "auditor"))["isIntact"]!);
        Assert.Equal("ready", (string?)(await again.GetAsync("/health")).Body!["status"]);
    }

    private static Task<Answer> ReserveAsync(Client client, string row, string key) => client.PostAsync(
        $"/gorenjska/funding/rows/{row}/reservations", "treasurer", new { fiscalYear = 2023, amount = Eur(1), purpose = "Poskus" }, key);

    // Each has a key of its own; the last one is that of the command that was refused.
    private static async Task<(int Done, string Refusal)> UntilRefusedAsync(Client client, int who, CancellationToken stop)
    {
        for (var done = 0; !stop.IsCancellationRequested; done++)
        {
            var answer = await ReserveAsync(client, "U3-P5", $"{who}/{done}");
            while (answer.Status == HttpStatusCode.ServiceUnavailable && !answer.Detail!.Contains("at most", StringComparison.Ordinal))
                answer = await ReserveAsync(client, "U3-P5", $"{who}/{done}");
            if (answer.Status == HttpStatusCode.ServiceUnavailable)
                return (done, answer.Detail!);
            Assert.Equal(HttpStatusCode.Created, answer.Status);
        }

        return (0, "It went on writing.");
    }

    private static async Task<JsonNode> LastAsync(Place place, Client client, HttpMethod method, string path, string role)
    {
        using var http = new HttpClient { BaseAddress = new Uri(client.AddressOf) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", place.Issuer.Token(role));
        using var request = new HttpRequestMessage(method, $"/gorenjska/funding/{path}");
        using var answer = await http.SendAsync(request);
        var lines = await answer.Content.ReadAsStringAsync();
        return JsonNode.Parse(lines.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1])!;
    }

    private static async Task DoAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static JsonObject Eur(long cents) => new() { ["amount"] = cents, ["currency"] = "EUR" };

    private static async Task<string> PaymentsAsync(Client client)
    {
        var payments = (await client.GetAsync("/gorenjska/funding/payments", "treasurer")).Body!;
        Assert.Equal([true, false], payments["items"]!.AsArray().Select(p => (bool)p!["payment"]!["isReversed"]!));
        Assert.All(
            payments["items"]!.AsArray(), p => Assert.Equal(Agreements.Iban, (string?)p!["approvedFor"]!["iban"]));
        return payments.ToJsonString();
    }
}
