using System.Net;
using System.Text.Json.Nodes;
using Grpc.Core;
using KkiMesh.TestKit;
using Wire = Kki.Funding.V1;

namespace KkiMesh.Funding.Tests;

/// <summary>What was approved is what is paid, as those see it who approve, change the account, and order.</summary>
public sealed class ApprovedAccountTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    private const string Service = "/gorenjska/funding";
    private const string Row = "U3-P5";
    // Accounts of those who change one in a test whose order may have what other tests left.
    private const string Swapped = "GB82WEST12345698765432";
    private const string Late = "FR1420041010050500013M02606";
    private const string Days = "from=2026-11-25&to=2026-11-25";

    [Theory]
    [InlineData("coordinator")]
    [InlineData("treasurer-2")]
    public async Task Who_changes_the_account_after_the_approval_is_paid_nothing_and_auditors_are_told(string who)
    {
        using var client = funding.Client();
        var (sound, swapped) = (await PaidAsync(client), await PaidAsync(client));

        await client.RecordAsync(swapped.Grant, "Lopov", Swapped, by: who);

        var left = await LeftOutAsync(client, swapped.Payment);
        Assert.Contains($"grants/{swapped.Grant}/account/confirmation", left, StringComparison.Ordinal);
        var file = await OrderedAsync(client);
        Assert.Contains(EndToEnd(sound.Payment), file, StringComparison.Ordinal);
        Assert.DoesNotContain(EndToEnd(swapped.Payment), file, StringComparison.Ordinal);
        Assert.DoesNotContain(Swapped, file, StringComparison.Ordinal);
        var told = Assert.Single(await ChangesAsync(client, swapped.Grant));
        Assert.Equal((Row, "2026-11-25", 2), ((string)told["row"]!, (string)told["changedOn"]!, (int)told["edition"]!));
        Assert.DoesNotContain(Swapped, told.ToJsonString(), StringComparison.Ordinal);
        Assert.DoesNotContain("Lopov", told.ToJsonString(), StringComparison.Ordinal);
        Assert.Empty(await ChangesAsync(client, sound.Grant));
        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);
    }

    [Fact]
    public async Task A_holder_alone_is_a_change_and_another_spelling_of_the_iban_is_none()
    {
        using var client = funding.Client();
        var paid = await PaidAsync(client);

        await client.RecordAsync(paid.Grant, "Ana", "si56 2633 0001 2039 086");
        Assert.Empty(await ChangesAsync(client, paid.Grant));
        Assert.Equal(Agreements.Iban, (await LineAsync(client, paid.Payment))["to"]!["iban"]!.ToString());
        await client.RecordAsync(paid.Grant, "Lopov");

        Assert.Single(await ChangesAsync(client, paid.Grant));
        await LeftOutAsync(client, paid.Payment);
    }

    [Fact]
    public async Task A_second_person_confirms_the_account_that_they_saw_and_then_it_is_ordered()
    {
        using var client = funding.Client();
        var paid = await PaidAsync(client);
        var confirmation = $"{Service}/grants/{paid.Grant}/account/confirmation";
        var balances = await BalancesAsync();
        Assert.Equal(409, (int)(await client.PostAsync(confirmation, "treasurer-3", Seen())).Status);
        await client.RecordAsync(paid.Grant, "Ana d.o.o.", Agreements.OtherIban, by: "treasurer-4");
        var waiting = (await client.GetAsync($"{Service}/grants/{paid.Grant}", "auditor")).Body!;
        Assert.True((bool)waiting["isAccountToBeConfirmed"]!);

        await RefusedAsync(client, confirmation, "treasurer-4", 403, "Who changed the account");
        await RefusedAsync(client, confirmation, "treasurer", 403, "Who asked for money of this grant");
        Assert.Equal(403, (int)(await client.PostAsync(confirmation, "coordinator", Seen("Ana d.o.o."))).Status);
        var before = Seen("Ana d.o.o.", Agreements.Iban);
        await RefusedAsync(client, confirmation, "treasurer-3", 409, "another account", before);
        await RefusedAsync(client, confirmation, "treasurer-3", 409, "another account", Seen("Lopov"));
        var half = await client.PostAsync(confirmation, "treasurer-3", new { holder = "Ana d.o.o." });
        Assert.Equal(400, (int)half.Status);
        await LeftOutAsync(client, paid.Payment);
        var confirmed = await Done(client.PostAsync(confirmation, "treasurer-3", Seen("Ana d.o.o.")));

        Assert.False((bool)confirmed.Body!["isAccountToBeConfirmed"]!);
        Assert.Equal(409, (int)(await client.PostAsync(confirmation, "treasurer-3", Seen("Ana d.o.o."))).Status);
        var line = await LineAsync(client, paid.Payment);
        var to = line["to"]!;
        Assert.Equal((Agreements.OtherIban, "Ana d.o.o."), ((string?)to["iban"], (string?)to["holder"]));
        var file = await OrderedAsync(client);
        Assert.Contains(Agreements.OtherIban, file, StringComparison.Ordinal);
        // No money moved: the balances are the same ones.
        Assert.Equal(balances, await BalancesAsync());
        var papers = (await client.GetAsync($"{Service}/rows/{Row}/transactions?pageSize=100")).Body!.ToJsonString();
        Assert.DoesNotContain(Agreements.OtherIban, papers, StringComparison.Ordinal);
        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);

        async Task<string> BalancesAsync() =>
            (await client.GetAsync($"{Service}/rows/{Row}")).Body!["balances"]!.ToJsonString();
    }

    [Fact]
    public async Task Who_asked_for_a_payment_or_receives_the_grant_confirms_no_account_of_it()
    {
        using var client = funding.Client();
        var grant = await funding.AwardAsync(client, "U3-P4", 2022, 1_000, "treasurer-5");
        await client.RecordAsync(grant);
        await AskAsync(client, grant, "treasurer-6", 100);
        var asked = await AskAsync(client, grant, "treasurer-7", 200);
        var approval = $"{Service}/grants/{grant}/payment-requests/{asked}/approval";
        await Done(client.PostAsync(approval, "treasurer", new { }));
        await client.RecordAsync(grant, "Ana", Agreements.OtherIban);
        var confirmation = $"{Service}/grants/{grant}/account/confirmation";

        await RefusedAsync(client, confirmation, "treasurer-5", 403, "their own", Seen("Ana"));
        // Another request than the one that was paid counts, too.
        await RefusedAsync(client, confirmation, "treasurer-6", 403, "Who asked for money of this grant", Seen("Ana"));
        await RefusedAsync(client, confirmation, "treasurer-7", 403, "Who asked for money of this grant", Seen("Ana"));
        await Done(client.PostAsync(confirmation, "treasurer", Seen("Ana")));
    }

    [Fact]
    public async Task Everybody_who_had_a_part_in_the_change_is_no_second_person()
    {
        using var client = funding.Client();
        var paid = await PaidAsync(client);
        await client.RecordAsync(paid.Grant, "Ana", Agreements.OtherIban, by: "treasurer-3");
        await client.RecordAsync(paid.Grant, "Ana d.o.o.", Agreements.OtherIban, by: "treasurer-4");
        var confirmation = $"{Service}/grants/{paid.Grant}/account/confirmation";

        await RefusedAsync(client, confirmation, "treasurer-3", 403, "Who changed the account", Seen("Ana d.o.o."));
        await Done(client.PostAsync(confirmation, "treasurer-2", Seen("Ana d.o.o.")));
    }

    [Fact]
    public async Task What_was_approved_needs_no_confirmation_when_it_is_back_and_what_was_confirmed_is_approved()
    {
        using var client = funding.Client();
        var paid = await PaidAsync(client);
        await client.RecordAsync(paid.Grant, "Ana", Agreements.OtherIban);
        await client.RecordAsync(paid.Grant);
        var confirmation = $"{Service}/grants/{paid.Grant}/account/confirmation";

        Assert.Equal(Agreements.Iban, (string)(await LineAsync(client, paid.Payment))["to"]!["iban"]!);
        await RefusedAsync(client, confirmation, "treasurer-3", 409, "Nothing", Seen("Ana", Agreements.Iban));
        await client.RecordAsync(paid.Grant, "Ana", Agreements.OtherIban);
        await Done(client.PostAsync(confirmation, "treasurer-3", Seen("Ana")));

        // From now on the other one is what was approved: nobody leads the money back alone.
        await client.RecordAsync(paid.Grant);
        await LeftOutAsync(client, paid.Payment);
        await client.RecordAsync(paid.Grant, "Ana", Agreements.OtherIban);
        Assert.Equal(Agreements.OtherIban, (string)(await LineAsync(client, paid.Payment))["to"]!["iban"]!);
    }

    [Fact]
    public async Task A_payment_that_the_bank_did_not_make_falls_under_the_same_rule()
    {
        using var client = funding.Client();
        var paid = await PaidAsync(client);
        var order = (await Done(client.PostAsync($"{Service}/payment-orders", "treasurer", OrderOf))).Headers.Location;
        var withdrawal = $"{order}/payments/{paid.Payment}/withdrawal";
        await Done(client.PostAsync(withdrawal, "treasurer", new { reason = "Napačen račun" }));

        await client.RecordAsync(paid.Grant, "Ana", Agreements.OtherIban, by: "treasurer-3");
        await LeftOutAsync(client, paid.Payment);
        await Done(client.PostAsync($"{Service}/grants/{paid.Grant}/account/confirmation", "treasurer-4", Seen("Ana")));

        Assert.Equal(Agreements.OtherIban, (string)(await LineAsync(client, paid.Payment))["to"]!["iban"]!);
    }

    [Fact]
    public async Task An_account_that_changes_between_preview_and_order_or_while_it_is_ordered_is_never_ordered()
    {
        using var client = funding.Client();
        using var other = funding.Client(1);
        var (sound, changed) = (await PaidAsync(client), await PaidAsync(client));
        await LineAsync(client, changed.Payment);

        var change = other.RecordAsync(changed.Grant, "Lopov", Late);
        var file = await OrderedAsync(client);
        await change;

        Assert.Contains(EndToEnd(sound.Payment), file, StringComparison.Ordinal);
        Assert.DoesNotContain(Late, file, StringComparison.Ordinal);
        // It was ordered to the approved account, or not at all.
        var again = await client.GetAsync($"{Service}/payment-orders?{Days}", "treasurer");
        Assert.NotEqual(
            file.Contains(EndToEnd(changed.Payment), StringComparison.Ordinal),
            again.Body!["leftOut"]!.AsArray().Any(l => (string?)l!["paymentId"] == changed.Payment));
    }

    [Fact]
    public async Task What_is_approved_while_the_account_changes_is_for_the_account_that_was_seen_or_for_none()
    {
        using var client = funding.Client();
        using var other = funding.Client(1);
        for (var i = 0; i < 10; i++)
        {
            var (reservation, grant) = await CommittedAsync(client);
            await client.RecordAsync(grant);

            var change = other.RecordAsync(grant, "Lopov", Agreements.OtherIban);
            var pay = new { account = Seen("Ana", Agreements.Iban) };
            var paid = await client.PostAsync($"{reservation}/commitments/{grant}/payments", "treasurer-2", pay);
            await change;

            var payments = await client.GetAsync($"{Service}/payments?commitmentId={grant}", "treasurer");
            Assert.True(paid.Status is HttpStatusCode.OK or HttpStatusCode.Conflict, paid.Detail);
            Assert.Equal(
                paid.Status == HttpStatusCode.OK ? [Agreements.Iban] : [],
                payments.Body!["items"]!.AsArray().Select(p => (string)p!["approvedFor"]!["iban"]!));
        }
    }

    [Fact]
    public async Task A_confirmation_of_one_account_is_none_of_the_next()
    {
        using var client = funding.Client();
        var paid = await PaidAsync(client);
        var confirmation = $"{Service}/grants/{paid.Grant}/account/confirmation";
        await client.RecordAsync(paid.Grant, "Ana", Agreements.OtherIban);
        await Done(client.PostAsync(confirmation, "treasurer-3", Seen("Ana")));

        await client.RecordAsync(paid.Grant, "Lopov", Agreements.OtherIban);

        await LeftOutAsync(client, paid.Payment);
        await RefusedAsync(client, confirmation, "treasurer-3", 409, "another account", Seen("Ana"));
    }

    [Theory]
    [InlineData(false, "agreement")]
    [InlineData(true, "account")]
    public async Task Without_an_agreement_and_an_account_nothing_is_paid_by_any_way(bool isAgreed, string missing)
    {
        using var client = funding.Client();
        var (reservation, grant) = await CommittedAsync(client);
        var award = await funding.AwardAsync(client, "U3-P4", 2022, 100, "member-ana");
        if (isAgreed)
        {
            await client.RecordAsync(grant, iban: null);
            await client.RecordAsync(award, iban: null);
            var asked = await AskAsync(client, award, "member-ana", 50);
            var approval = $"{Service}/grants/{award}/payment-requests/{asked}/approval";
            await RefusedAsync(client, approval, "treasurer-2", 409, missing, new { });
        }

        await RefusedAsync(client, $"{Service}/grants/{award}/payment", "treasurer-2", 409, missing);
        await RefusedAsync(client, $"{reservation}/commitments/{grant}/payments", "treasurer-2", 409, missing, new { });
        using var ledger = funding.Ledger("treasurer-2");
        var pay = new Wire.PayRequest
        {
            Region = "gorenjska",
            Row = Row,
            ReservationId = reservation[(reservation.LastIndexOf('/') + 1)..],
            CommitmentId = grant,
        };
        var refused = await LedgerClient.RefusedAsync(ledger.Calls.PayAsync(pay, ledger.Headers()));
        Assert.Equal(StatusCode.FailedPrecondition, refused.Status);
        await client.RecordAsync(grant);
        await client.RecordAsync(award);
        await Done(client.PostAsync($"{Service}/grants/{award}/payment", "treasurer-2"));
        await ledger.Calls.PayAsync(pay, ledger.Headers());
    }

    [Fact]
    public async Task Who_approves_names_the_account_that_they_saw_and_is_refused_when_it_is_another_by_now()
    {
        using var client = funding.Client();
        var (reservation, commitment) = await CommittedAsync(client);
        var award = await funding.AwardAsync(client, "U3-P4", 2022, 100, "member-ana");
        foreach (var grant in (string[])[commitment, award])
        {
            await client.RecordAsync(grant);
            await client.RecordAsync(grant, "Lopov", Agreements.OtherIban);
        }

        var asked = await AskAsync(client, award, "member-ana", 60);
        string[] ways =
        [
            $"{reservation}/commitments/{commitment}/payments",
            $"{Service}/grants/{award}/payment-requests/{asked}/approval",
            $"{Service}/grants/{award}/payment",
        ];
        var (before, now) = (Seen("Ana", Agreements.Iban), Seen("Lopov", "de89 3704 0044 0532 0130 00"));
        foreach (var way in ways)
            await RefusedAsync(client, way, "treasurer-2", 409, "another account", new { account = before });
        foreach (var way in ways)
            await Done(client.PostAsync(way, "treasurer-2", new { account = now }));

        var seen = (await client.GetAsync($"{Service}/grants/{award}", "auditor")).Body!;
        var paid = seen["paymentRequests"]![0]!;
        var (amount, approved) = (paid["amount"]!, paid["approvedFor"]!);
        Assert.Equal(
            (60, Agreements.OtherIban, "Lopov"),
            ((int)amount["amount"]!, (string?)approved["iban"], (string?)approved["holder"]));
        var payments = await client.GetAsync($"{Service}/payments?commitmentId={award}", "auditor");
        Assert.All(
            payments.Body!["items"]!.AsArray(),
            l => Assert.Equal(Agreements.OtherIban, (string?)l!["approvedFor"]?["iban"]));
        var publicly = (await client.GetAsync($"{Service}/grants/{award}")).Body!.ToJsonString();
        Assert.DoesNotContain(Agreements.OtherIban, publicly, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_holder_who_is_not_the_recipient_and_an_account_of_several_are_shown_before_approval()
    {
        using var client = funding.Client();
        const string iban = "AT611904300234573201";
        var (_, one) = await CommittedAsync(client, "Šola  ŽIVA");
        var (reservation, other) = await CommittedAsync(client, "Bor");
        async Task<string[]> WarningsAsync(string grant, string who) =>
        [
            .. ((await client.GetAsync($"{Service}/grants/{grant}", who)).Body!["warnings"]?.AsArray() ?? [])
                .Select(w => (string)w!),
        ];

        // As banks write it, it is the same name.
        await client.RecordAsync(one, "sola ziva", iban);
        Assert.Empty(await WarningsAsync(one, "treasurer"));
        await client.RecordAsync(other, "Cene", iban);

        foreach (var who in (string[])["treasurer", "coordinator", "auditor"])
        {
            var warnings = await WarningsAsync(other, who);
            Assert.Contains("The account is of Cene, and the recipient is Bor.", warnings);
            Assert.Contains(warnings, w => w.Contains("sola ziva", StringComparison.Ordinal));
            Assert.Contains(await WarningsAsync(one, who), w => w.Contains("Cene", StringComparison.Ordinal));
        }

        Assert.Empty(await WarningsAsync(other, "member-ana"));
        await Done(client.PostAsync($"{reservation}/commitments/{other}/payments", "treasurer-2", new { }));
        var payment = await PaymentOfAsync(client, other);
        var preview = (await client.GetAsync($"{Service}/payment-orders?{Days}", "treasurer")).Body!;
        Assert.Equal(2, preview["accountWarnings"]!.AsArray().Count(w => (string?)w!["paymentId"] == payment));
    }

    [Fact]
    public async Task What_is_stored_of_approvals_is_verified_and_made_anew_from_the_papers()
    {
        using var client = funding.Client();
        var paid = await PaidAsync(client);
        string Set(string table, string field, string where) =>
            $"update {table} set data = jsonb_set(data, '{field}', '\"XX\"') where {where}";

        await funding.TamperAsync(
            Set("mt_doc_paymentapproval", "{to,iban}", $"data ->> 'commitmentId' = '{paid.Grant}'"),
            Set("mt_doc_payment", "{recipient}", $"id = '{paid.Payment}'"));
        var verified = await funding.VerifyAsync();
        Assert.Equal(2, verified["faults"]!.AsArray().Count);
        await funding.StreamAsync(HttpMethod.Post, "ledger/rebuild", "operator");

        Assert.True((bool)(await funding.VerifyAsync())["isIntact"]!);
        Assert.Equal(Agreements.Iban, (string)(await LineAsync(client, paid.Payment))["to"]!["iban"]!);
    }

    private static object OrderOf => new { from = "2026-11-25", to = "2026-11-25" };

    private static JsonObject Eur(long cents) => new() { ["amount"] = cents, ["currency"] = "EUR" };

    private static JsonObject Seen(string holder = "Ana d.o.o.", string iban = Agreements.OtherIban) =>
        new() { ["iban"] = iban, ["holder"] = holder };

    private static string EndToEnd(string payment) => Guid.Parse(payment).ToString("N");

    private static async Task<Answer> Done(Task<Answer> answer)
    {
        var given = await answer;
        Assert.True(given.Status is HttpStatusCode.OK or HttpStatusCode.Created, given.Detail);
        return given;
    }

    private static async Task RefusedAsync(
        Client client, string path, string who, int status, string why, object? body = null)
    {
        var isConfirmation = path.EndsWith("confirmation", StringComparison.Ordinal);
        var refused = await client.PostAsync(path, who, body ?? (isConfirmation ? Seen() : null));
        Assert.Equal((status, true), ((int)refused.Status, refused.Detail?.Contains(why, StringComparison.Ordinal)));
    }

    private static async Task<string> AskAsync(Client client, string grant, string who, long cents)
    {
        var documents = new[] { new { name = "Račun", sha256 = new string('a', 64), reference = "arhiv/2" } };
        var request = new { amount = Eur(cents), documents };
        var asked = await Done(client.PostAsync($"{Service}/grants/{grant}/payment-requests", who, request));
        return (string)asked.Body!["paymentRequests"]!.AsArray()[^1]!["id"]!;
    }

    /// <summary>What the treasurer promises to somebody: the reservation's address, and the grant's id.</summary>
    private static async Task<(string Reservation, string Grant)> CommittedAsync(
        Client client, string recipient = "Ana")
    {
        var reserve = new { fiscalYear = 2023, amount = Eur(100), purpose = "Poskus" };
        var reserved = await Done(client.PostAsync($"{Service}/rows/{Row}/reservations", "treasurer", reserve));
        var reservation = reserved.Headers.Location!.ToString();
        var commit = new { recipient, amount = Eur(100) };
        var committed = await Done(client.PostAsync($"{reservation}/commitments", "treasurer", commit));
        return (reservation, (string)committed.Body!["commitments"]![0]!["id"]!);
    }

    /// <summary>A payment that the second treasurer approved, of what the first one promised.</summary>
    private static async Task<(string Grant, string Payment)> PaidAsync(Client client)
    {
        var (reservation, grant) = await CommittedAsync(client);
        await client.RecordAsync(grant);
        await Done(client.PostAsync($"{reservation}/commitments/{grant}/payments", "treasurer-2", new { }));
        return (grant, await PaymentOfAsync(client, grant));
    }

    private static async Task<string> PaymentOfAsync(Client client, string grant)
    {
        var payments = await client.GetAsync($"{Service}/payments?commitmentId={grant}", "treasurer");
        return (string)Assert.Single(payments.Body!["items"]!.AsArray())!["payment"]!["id"]!;
    }

    private static async Task<JsonNode> LineAsync(Client client, string payment) => Assert.Single(
        (await client.GetAsync($"{Service}/payment-orders?{Days}", "treasurer")).Body!["lines"]!.AsArray(),
        l => (string?)l!["paymentId"] == payment)!;

    /// <summary>Why a payment is in no order.</summary>
    private static async Task<string> LeftOutAsync(Client client, string payment) => (string)Assert.Single(
        (await client.GetAsync($"{Service}/payment-orders?{Days}", "treasurer")).Body!["leftOut"]!.AsArray(),
        l => (string?)l!["paymentId"] == payment)!["reason"]!;

    private async Task<string> OrderedAsync(Client client)
    {
        var order = await Done(client.PostAsync($"{Service}/payment-orders", "treasurer", OrderOf));
        using var http = funding.Http("treasurer");
        return await http.GetStringAsync($"{order.Headers.Location}/file");
    }

    /// <summary>The public events that tell of changes of a grant's account.</summary>
    private static async Task<JsonNode[]> ChangesAsync(Client client, string grant)
    {
        const string type = "kki.funding.grant-account-changed.v1";
        var events = await client.GetAsync($"{Service}/events?pageSize=500&type={type}", "auditor");
        return
        [
            .. events.Body!["items"]!.AsArray()
                .Where(e => (string?)e!["type"] == type).Select(e => e!["data"]!)
                .Where(data => (string?)data["commitmentId"] == grant),
        ];
    }
}
