using System.Net;
using CsCheck;
using Grpc.Core;
using KkiMesh.TestKit;
using Wire = Kki.Funding.V1;

namespace KkiMesh.Funding.Tests;

/// <summary>The ledger by gRPC, as a partner's program calls it.</summary>
public sealed class LedgerCallsTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    private const string Region = "gorenjska";
    private const string Rows = "/gorenjska/funding/rows";

    [Fact]
    public async Task Money_is_reserved_promised_paid_and_released_on_either_replica()
    {
        using var one = funding.Ledger("treasurer-1");
        using var other = funding.Ledger("treasurer-2", replica: 1);

        var reserved = await one.ReserveAsync("U3-P5", 2023, 1_500_000);
        Assert.Equal(1_500_000, reserved.Remaining.Single().Amount.Amount);
        var committed = await one.Calls.CommitAsync(
            new Wire.CommitRequest { Region = Region, Row = "U3-P5", ReservationId = reserved.Id, Recipient = "Layerjeva hiša", Amount = LedgerClient.Eur(1_000_000), Date = "2026-11-25" }, one.Headers());
        var commitment = Assert.Single(committed.Commitments);
        var pay = new Wire.PayRequest { Region = Region, Row = "U3-P5", ReservationId = reserved.Id, CommitmentId = commitment.Id, Amount = LedgerClient.Eur(400_000) };
        Assert.Equal(StatusCode.PermissionDenied, (await LedgerClient.RefusedAsync(one.Calls.PayAsync(pay, one.Headers()))).Status);
        using var client = funding.Client();
        await client.RecordAsync(commitment.Id);
        pay.Account = new Wire.SeenAccount { Iban = Agreements.OtherIban, Holder = "Ana" };
        async Task<StatusCode> RefusedAsync() =>
            (await LedgerClient.RefusedAsync(other.Calls.PayAsync(pay, other.Headers()))).Status;
        Assert.Equal(StatusCode.FailedPrecondition, await RefusedAsync());
        pay.Account.Holder = "";
        Assert.Equal(StatusCode.InvalidArgument, await RefusedAsync());
        pay.Account = new Wire.SeenAccount { Iban = Agreements.Iban, Holder = "Ana" };
        await other.Calls.PayAsync(pay, other.Headers());
        await one.Calls.ReleaseAsync(new Wire.ReleaseRequest { Region = Region, Row = "U3-P5", ReservationId = reserved.Id }, one.Headers());

        var shown = await other.Calls.GetReservationAsync(new Wire.GetReservationRequest { Region = Region, Row = "U3-P5", ReservationId = reserved.Id });
        Assert.Equal(("Layerjeva hiša", 600_000, 400_000), (shown.Commitments[0].Recipient, shown.Commitments[0].Outstanding[0].Amount.Amount, shown.Commitments[0].Paid[0].Amount.Amount));
        Assert.Empty(shown.Remaining);
        Assert.Equal("Layerjeva hiša", (string?)(await client.GetAsync($"{Rows}/U3-P5/reservations/{reserved.Id}")).Body!["commitments"]![0]!["recipient"]);
    }

    [Fact]
    public async Task What_a_reservation_is_for_and_where_and_when_it_will_be_paid_are_said_as_over_HTTP()
    {
        using var ledger = funding.Ledger();
        const string row = "U3-P6";
        var reserved = await ledger.Calls.ReserveAsync(
            new Wire.ReserveRequest
            {
                Region = Region,
                Row = row,
                FiscalYear = 2022,
                Amount = LedgerClient.Eur(900),
                Purpose = "Prenova",
                ExpenditurePurpose = Wire.ExpenditurePurpose.Infrastructure,
            },
            ledger.Headers());
        var commit = new Wire.CommitRequest { Region = Region, Row = row, ReservationId = reserved.Id, Recipient = "Ana", Amount = LedgerClient.Eur(900), Municipality = "052", DueOn = "2027-03-01" };
        var committed = await ledger.Calls.CommitAsync(commit, ledger.Headers());

        Assert.Equal(Wire.ExpenditurePurpose.Infrastructure, committed.ExpenditurePurpose);
        using var client = funding.Client();
        Assert.Equal("infrastructure", (string?)(await client.GetAsync($"{Rows}/{row}/reservations/{reserved.Id}")).Body!["expenditurePurpose"]);
        var transaction = (await client.GetAsync($"{Rows}/{row}/transactions?pageSize=100")).Body!["items"]!.AsArray()
            .Single(t => (string?)t!["data"]?["commitmentId"] == committed.Commitments.Single().Id)!;
        Assert.Equal(("052", "2027-03-01"), ((string?)transaction["data"]!["municipality"], (string?)transaction["data"]!["dueOn"]));
    }

    [Fact]
    public async Task The_plan_is_changed_and_money_moves_to_another_row()
    {
        using var ledger = funding.Ledger();

        var changed = await ledger.Calls.ChangePlanAsync(new Wire.ChangePlanRequest
        {
            Region = Region,
            Row = "U3-P7",
            FiscalYear = 2027,
            Source = Wire.FundingSource.MunicipalOwn,
            Amount = LedgerClient.Eur(250_000),
            Reason = "Letni načrt 2027",
        }, ledger.Headers());
        var moved = await ledger.Calls.MoveFundsAsync(new Wire.MoveFundsRequest
        {
            Region = Region,
            Row = "U3-P7",
            FiscalYear = 2027,
            Source = Wire.FundingSource.MunicipalOwn,
            Amount = LedgerClient.Eur(100_000),
            Reason = "Odbor",
            ToRow = "U6-A1",
            ToSource = Wire.FundingSource.Eu,
        }, ledger.Headers());

        Assert.Equal(250_000, changed.Funds.Single(f => f.FiscalYear == 2027).Balance.Available.Amount);
        Assert.Equal(["U3-P7", "U6-A1"], moved.Rows.Select(r => r.Id));
        Assert.Equal(150_000, moved.Rows[0].Funds.Single(f => f.FiscalYear == 2027).Balance.Planned.Amount);
        var taken = moved.Rows[1].Funds.Single(f => f.FiscalYear == 2027);
        Assert.Equal((Wire.FundingSource.Eu, 100_000), (taken.Source, taken.Balance.Available.Amount));
    }

    [Fact]
    public async Task What_was_paid_comes_back_and_mistakes_are_reversed_of_a_reservation_a_plan_and_a_move()
    {
        const string row = "U6-P3a";
        using var ledger = funding.Ledger("treasurer-1");
        using var other = funding.Ledger("treasurer-2", replica: 1);
        var year = (await other.Calls.GetBalanceAsync(new Wire.GetBalanceRequest { Region = Region, Row = row })).Rows[0].Funds[0].FiscalYear;
        var reserved = await ledger.ReserveAsync(row, year, 1_000);
        var commit = new Wire.CommitRequest { Region = Region, Row = row, ReservationId = reserved.Id, Recipient = "Ana", Amount = LedgerClient.Eur(1_000) };
        var commitment = (await ledger.Calls.CommitAsync(commit, ledger.Headers())).Commitments[0].Id;
        using var client = funding.Client();
        await client.RecordAsync(commitment);
        await other.Calls.PayAsync(new Wire.PayRequest { Region = Region, Row = row, ReservationId = reserved.Id, CommitmentId = commitment }, other.Headers());

        var give = new Wire.ReturnRequest { Region = Region, Row = row, ReservationId = reserved.Id, CommitmentId = commitment, Amount = LedgerClient.Eur(300), Reason = "Ni porabljeno" };
        var returned = await ledger.Calls.ReturnAsync(give, ledger.Headers("r"));
        var more = await ledger.Calls.ReturnAsync(give, ledger.Headers("s"));
        Assert.Equal((700, 400), (returned.Commitments[0].Paid[0].Amount.Amount, more.Commitments[0].Paid[0].Amount.Amount));
        Assert.Equal(returned, await ledger.Calls.ReturnAsync(give, ledger.Headers("r")));
        give.Amount = LedgerClient.Eur(401);
        Assert.Equal(StatusCode.FailedPrecondition, (await LedgerClient.RefusedAsync(ledger.Calls.ReturnAsync(give, ledger.Headers()))).Status);

        // The newest is the second return.
        var mistake = new Wire.ReverseRequest { Region = Region, Row = row, TransactionId = await NewestAsync(row), Reason = "Dvakrat" };
        var reversed = await ledger.Calls.ReverseAsync(mistake, ledger.Headers("v"));
        Assert.Equal((700, 0), (reversed.Reservation.Commitments[0].Paid[0].Amount.Amount, reversed.Rows.Count));
        Assert.Equal(reversed, await ledger.Calls.ReverseAsync(mistake, ledger.Headers("v")));
        Assert.Equal(StatusCode.FailedPrecondition, (await LedgerClient.RefusedAsync(ledger.Calls.ReverseAsync(mistake, ledger.Headers()))).Status);

        var change = new Wire.ChangePlanRequest { Region = Region, Row = row, FiscalYear = 2028, Source = Wire.FundingSource.Eu, Amount = LedgerClient.Eur(900), Reason = "Odbor" };
        await ledger.Calls.ChangePlanAsync(change, ledger.Headers());
        var changed = await NewestAsync(row);
        var move = new Wire.MoveFundsRequest { Region = Region, Row = row, FiscalYear = 2028, Source = Wire.FundingSource.Eu, Amount = LedgerClient.Eur(900), Reason = "Odbor", ToRow = "U6-A1" };
        await ledger.Calls.MoveFundsAsync(move, ledger.Headers());
        mistake.TransactionId = await NewestAsync(row);
        Assert.Equal([row, "U6-A1"], (await ledger.Calls.ReverseAsync(mistake, ledger.Headers())).Rows.Select(r => r.Id).OrderDescending());
        mistake.TransactionId = changed;
        var plan = await ledger.Calls.ReverseAsync(mistake, ledger.Headers());
        Assert.Equal((null, row, 0), (plan.Reservation, plan.Rows.Single().Id, plan.Rows[0].Funds.Single(f => f.FiscalYear == 2028).Balance.Planned.Amount));

        async Task<string> NewestAsync(string of)
        {
            return (string)(await client.GetAsync($"{Rows}/{of}/transactions?pageSize=100")).Body!["items"]!.AsArray()[^1]!["id"]!;
        }
    }

    [Fact]
    public async Task Bytes_that_are_no_message_and_a_call_that_there_is_not_are_the_callers_fault()
    {
        using var ledger = funding.Ledger();
        // A text that is longer than the message; one that is not UTF-8; a field without a number.
        foreach (var bytes in (byte[][])[[0x0a, 0x7f, 0x41], [0x0a, 0x02, 0xc3, 0x28], [0x02, 0x01]])
        {
            foreach (var method in Wire.Ledger.Descriptor.Methods)
            {
                var refused = await ledger.RefusalAsync(method.Name, bytes, method.IsServerStreaming);
                Assert.Equal((StatusCode.InvalidArgument, "The bytes are no message of this call."), (refused.StatusCode, refused.Status.Detail));
            }
        }

        Assert.Equal(StatusCode.ResourceExhausted, (await ledger.RefusalAsync("Reserve", new byte[70_000])).StatusCode);
        Assert.Equal(StatusCode.ResourceExhausted, (await ledger.RefusalAsync("StreamPostings", new byte[70_000], isStream: true)).StatusCode);
        Assert.Equal(StatusCode.Unimplemented, (await ledger.RefusalAsync("Burn", [])).StatusCode);
        // Without a word it is a message that says nothing.
        Assert.Equal(StatusCode.InvalidArgument, (await ledger.RefusalAsync("Reserve", [])).StatusCode);
    }

    [Fact]
    public async Task A_call_that_is_sent_again_has_one_effect_and_its_key_fits_no_other_message()
    {
        using var ledger = funding.Ledger();
        using var elsewhere = funding.Ledger(replica: 1);
        using var client = funding.Client();
        var key = Guid.NewGuid().ToString();

        var first = await ledger.ReserveAsync("U6-P2", 2023, 700, key);
        var again = elsewhere.Calls.ReserveAsync(
            new Wire.ReserveRequest { Region = Region, Row = "U6-P2", FiscalYear = 2023, Amount = LedgerClient.Eur(700), Purpose = "Tisk" }, elsewhere.Headers(key));
        Assert.Equal(first, await again);
        Assert.Equal("true", (await again.ResponseHeadersAsync).GetValue("idempotency-replayed"));
        var other = new Wire.ReserveRequest { Region = Region, Row = "U6-P2", FiscalYear = 2023, Amount = LedgerClient.Eur(701), Purpose = "Tisk" };
        Assert.Equal((StatusCode.InvalidArgument, "Idempotency-Key"), Where(await LedgerClient.RefusedAsync(ledger.Calls.ReserveAsync(other, ledger.Headers(key)))));

        // Over HTTP it is another command.
        var body = new { fiscalYear = 2023, amount = new { amount = 700, currency = "EUR" }, purpose = "Tisk" };
        Assert.Equal(HttpStatusCode.Created, (await client.PostAsync($"{Rows}/U6-P2/reservations", "treasurer", body, key)).Status);
        Assert.Equal(1_400, (await ledger.Calls.GetBalanceAsync(new Wire.GetBalanceRequest { Region = Region, Row = "U6-P2" })).Total.Reserved.Amount);
    }

    [Fact]
    public async Task A_text_is_given_back_as_it_is_stored_in_nfc()
    {
        using var ledger = funding.Ledger();
        var request = new Wire.ReserveRequest
        {
            Region = Region,
            Row = "U6-P2",
            FiscalYear = 2023,
            Amount = LedgerClient.Eur(1),
            Purpose = "Ka\u0301va \U0001F469\u200D\U0001F680",
        };

        var reserved = await ledger.Calls.ReserveAsync(request, ledger.Headers());

        Assert.Equal("K\u00E1va \U0001F469\u200D\U0001F680", reserved.Purpose);
        var release = new Wire.ReleaseRequest { Region = Region, Row = "U6-P2", ReservationId = reserved.Id };
        await ledger.Calls.ReleaseAsync(release, ledger.Headers());
    }

    [Theory]
    [InlineData("Reserve", """{"amount":{"amount":"0","currency":"EUR"}}""", StatusCode.InvalidArgument, "amount")]
    [InlineData("Reserve", """{"amount":{"amount":"5","currency":"CHF"}}""", StatusCode.InvalidArgument, "amount")]
    [InlineData("Reserve", """{"amount":{"amount":"9223372036854775807","currency":"EUR"}}""", StatusCode.InvalidArgument, "amount")]
    [InlineData("Reserve", """{"amount":null}""", StatusCode.InvalidArgument, "amount")]
    [InlineData("Reserve", """{"purpose":""}""", StatusCode.InvalidArgument, "purpose")]
    [InlineData("Reserve", """{"purpose":"long"}""", StatusCode.InvalidArgument, "purpose")]
    [InlineData("Reserve", """{"purpose":"a\u0000b"}""", StatusCode.InvalidArgument, "purpose")]
    [InlineData("Reserve", """{"purpose":"a\u202Eb"}""", StatusCode.InvalidArgument, "purpose")]
    [InlineData("Reserve", """{"purpose":"a\nb"}""", StatusCode.InvalidArgument, "purpose")]
    [InlineData("Reserve", """{"amount":{"currency":"\uE000"}}""", StatusCode.InvalidArgument, "amount.currency")]
    [InlineData("Return", """{"reason":"a\tb"}""", StatusCode.InvalidArgument, "reason")]
    [InlineData("Reserve", """{"source":77}""", StatusCode.InvalidArgument, "source")]
    [InlineData("Reserve", """{"expenditurePurpose":77}""", StatusCode.InvalidArgument, "expenditure_purpose")]
    [InlineData("Commit", """{"municipality":"52"}""", StatusCode.InvalidArgument, "municipality")]
    [InlineData("Commit", """{"municipality":"999"}""", StatusCode.InvalidArgument, "municipality")]
    [InlineData("Commit", """{"dueOn":"tomorrow"}""", StatusCode.InvalidArgument, "due_on")]
    [InlineData("Commit", """{"dueOn":"2026-01-01"}""", StatusCode.InvalidArgument, "due_on")]
    [InlineData("Commit", """{"recipient":"Ana\u0001"}""", StatusCode.InvalidArgument, "recipient")]
    [InlineData("Reserve", """{"expiresOn":"2026-02-30"}""", StatusCode.InvalidArgument, "expires_on")]
    [InlineData("Reserve", """{"expiresOn":"2026-01-01"}""", StatusCode.InvalidArgument, "expires_on")]
    [InlineData("Reserve", """{"date":"2026-12-24"}""", StatusCode.InvalidArgument, "date")]
    [InlineData("Reserve", """{"region":"Gorenjska"}""", StatusCode.InvalidArgument, "region")]
    [InlineData("Reserve", """{"row":""}""", StatusCode.InvalidArgument, "row")]
    [InlineData("Reserve", """{"row":"U9-X"}""", StatusCode.NotFound, null)]
    [InlineData("Commit", """{"reservationId":"x"}""", StatusCode.InvalidArgument, "reservation_id")]
    [InlineData("Commit", """{}""", StatusCode.NotFound, null)]
    [InlineData("Commit", """{"recipient":""}""", StatusCode.InvalidArgument, "recipient")]
    [InlineData("Pay", """{"commitmentId":""}""", StatusCode.InvalidArgument, "commitment_id")]
    [InlineData("Release", """{"commitmentId":"x"}""", StatusCode.InvalidArgument, "commitment_id")]
    [InlineData("Return", """{"reason":""}""", StatusCode.InvalidArgument, "reason")]
    [InlineData("Return", """{"amount":null}""", StatusCode.InvalidArgument, "amount")]
    [InlineData("Return", """{"date":"2026-12-24"}""", StatusCode.InvalidArgument, "date")]
    [InlineData("Return", """{}""", StatusCode.NotFound, null)]
    [InlineData("Reverse", """{"transactionId":"x"}""", StatusCode.InvalidArgument, "transaction_id")]
    [InlineData("Reverse", """{"transactionId":"0190c0de-0000-7000-8000-000000000003","reason":"long"}""", StatusCode.InvalidArgument, "reason")]
    [InlineData("Reverse", """{"transactionId":"0190c0de-0000-7000-8000-000000000003","date":"2019-01-01"}""", StatusCode.InvalidArgument, "date")]
    [InlineData("Reverse", """{"transactionId":"0190c0de-0000-7000-8000-000000000003"}""", StatusCode.NotFound, null)]
    [InlineData("ChangePlan", """{"source":"FUNDING_SOURCE_UNSPECIFIED"}""", StatusCode.InvalidArgument, "source")]
    [InlineData("ChangePlan", """{"reason":""}""", StatusCode.InvalidArgument, "reason")]
    [InlineData("ChangePlan", """{"fiscalYear":1850}""", StatusCode.InvalidArgument, "fiscal_year")]
    [InlineData("ChangePlan", """{"finding":"D77"}""", StatusCode.InvalidArgument, "finding")]
    [InlineData("MoveFunds", """{}""", StatusCode.InvalidArgument, "to_row")]
    [InlineData("MoveFunds", """{"toFiscalYear":1850}""", StatusCode.InvalidArgument, "to_fiscal_year")]
    [InlineData("MoveFunds", """{"toRow":"U9-X"}""", StatusCode.NotFound, null)]
    [InlineData("GetBalance", """{"row":"U9-X"}""", StatusCode.NotFound, null)]
    [InlineData("GetBalance", """{"region":"koroska"}""", StatusCode.NotFound, null)]
    [InlineData("Reserve", """{"region":"koroska"}""", StatusCode.NotFound, null)]
    [InlineData("GetBalance", """{"asOf":"2201-01-01"}""", StatusCode.InvalidArgument, "as_of")]
    [InlineData("GetBalance", """{"knownAt":"9999-12-31T23:59:59.9999999Z"}""", StatusCode.InvalidArgument, "known_at")]
    [InlineData("GetReservation", """{}""", StatusCode.NotFound, null)]
    public async Task What_breaks_a_rule_is_refused_at_its_field_and_changes_nothing(string method, string change, StatusCode status, string? field)
    {
        using var ledger = funding.Ledger();
        var row = new Wire.GetBalanceRequest { Region = Region, Row = "U3-P4" };
        var before = (await ledger.Calls.GetBalanceAsync(row)).Rows;

        var refused = await ledger.RefusalAsync(Wire.Ledger.Descriptor.FindMethodByName(method), change.Replace("\"long\"", $"\"{new string('x', 501)}\"", StringComparison.Ordinal));

        Assert.Equal((status, field), Where(refused));
        Assert.EndsWith(".", refused.Sentence, StringComparison.Ordinal);
        Assert.Equal(before, (await ledger.Calls.GetBalanceAsync(row)).Rows);
    }

    [Fact]
    public async Task A_state_that_does_not_allow_it_a_message_that_is_too_large_and_a_missing_key_are_told_apart()
    {
        using var ledger = funding.Ledger();
        var reserved = await ledger.ReserveAsync("U6-A3", 2023, 100);
        var commit = new Wire.CommitRequest { Region = Region, Row = "U6-A3", ReservationId = reserved.Id, Recipient = "Ana", Amount = LedgerClient.Eur(101) };

        var tooMuch = await LedgerClient.RefusedAsync(ledger.Calls.CommitAsync(commit, ledger.Headers()));
        Assert.Equal((StatusCode.FailedPrecondition, null), Where(tooMuch));
        Assert.Contains("1.00 EUR is left", tooMuch.Sentence, StringComparison.Ordinal);
        Assert.Equal((StatusCode.InvalidArgument, "Idempotency-Key"), Where(await LedgerClient.RefusedAsync(ledger.Calls.CommitAsync(commit, ledger.Headers("")))));
        commit.Recipient = new string('x', 70_000);
        Assert.Equal(StatusCode.ResourceExhausted, (await LedgerClient.RefusedAsync(ledger.Calls.CommitAsync(commit, ledger.Headers()))).Status);
    }

    [Fact]
    public async Task What_nobody_foresaw_is_told_without_its_inside()
    {
        using var ledger = funding.Ledger();
        var reserved = await ledger.ReserveAsync("U3-A1", 2022, 100);
        await funding.TamperAsync($"update mt_doc_reservation set data = '{{\"row\":7}}' where id = '{reserved.Id}'");

        var failed = await LedgerClient.RefusedAsync(ledger.Calls.GetReservationAsync(new Wire.GetReservationRequest { Region = Region, Row = "U3-A1", ReservationId = reserved.Id }));

        Assert.Equal((StatusCode.Internal, null, "Something went wrong that nobody foresaw; the trace id leads the operator to it."), failed);
    }

    [Fact]
    public async Task Each_call_takes_just_whom_the_table_names_and_is_written_down()
    {
        var table = await AccessTable.ReadAsync();
        var methods = Wire.Ledger.Descriptor.Methods;
        Assert.Equal(table.OfCalls(Wire.Ledger.Descriptor.FullName), methods.Select(Name).Order(StringComparer.Ordinal));
        const string nothing = """{"region":"gorenjska","row":"U9-X"}""";
        foreach (var method in methods)
        {
            var isOpen = table.Who(Name(method)).Contains(AccessTable.Everybody);
            foreach (var role in AccessTable.Roles)
            {
                using var ledger = funding.Ledger($"{role}-9");
                Assert.Equal(!table.Allows(Name(method), role), await ledger.TryAsync(method, nothing) is StatusCode.PermissionDenied);
            }

            using var visitor = funding.Ledger(who: null);
            using var foreign = funding.Ledger("treasurer", region: "koroska");
            Assert.Equal(!isOpen, await visitor.TryAsync(method, nothing) is StatusCode.Unauthenticated);
            Assert.Equal(!isOpen, await foreign.TryAsync(method, nothing) is StatusCode.PermissionDenied);
        }

        using var client = funding.Client();
        var accesses = (await client.GetAsync("/gorenjska/funding/access-log?account=member-9&pageSize=100", "auditor")).Body!["items"]!.AsArray();
        Assert.Contains(accesses, a => ((string?)a!["path"], (int?)a["status"], (string?)a["role"]) == ("/kki.funding.v1.Ledger/Reserve/U9-X", 403, null));
        var allowed = (await client.GetAsync("/gorenjska/funding/access-log?account=treasurer-9&pageSize=100", "auditor")).Body!["items"]!.AsArray();
        Assert.Contains(allowed, a => ((string?)a!["path"], (int?)a["status"], (string?)a["role"]) == ("/kki.funding.v1.Ledger/Release/U9-X/", 400, "treasurer"));

        static string Name(Google.Protobuf.Reflection.MethodDescriptor method) => $"{method.Service.FullName}/{method.Name}";
    }

    [Fact]
    public async Task A_stream_tells_all_transactions_in_order_in_batches_and_goes_on_with_those_that_come_later()
    {
        using var ledger = funding.Ledger();
        using var elsewhere = funding.Ledger(replica: 1);
        await Task.WhenAll(Enumerable.Range(0, 120).Select(_ => ledger.ReserveAsync("U3-P3", 2023, 1)));
        using var stream = elsewhere.Calls.StreamPostings(new Wire.StreamPostingsRequest { Region = Region, Row = "U3-P3", FromSequence = 2, Follow = true });

        var batches = new List<Wire.StreamPostingsResponse> { await NextAsync(stream), await NextAsync(stream) };
        Assert.Equal([100, 20], batches.Select(b => b.Transactions.Count));
        Assert.Equal(Enumerable.Range(2, 120).Select(n => (long)n), batches.SelectMany(b => b.Transactions).Select(t => t.Sequence));
        Assert.All(batches.SelectMany(b => b.Transactions), t => Assert.Equal(0, t.Postings.Sum(p => p.Amount.Amount)));

        var next = NextAsync(stream);
        var later = await ledger.ReserveAsync("U3-P3", 2023, 5);
        await Eventually.Is(Pass, _ => next.IsCompleted);
        var told = Assert.Single((await next).Transactions);
        Assert.Equal((122, later.Id, "kki.funding.funds-reserved.v1", $"{funding.Today:yyyy-MM-dd}"), (told.Sequence, told.ReservationId, told.Type, told.BusinessDate));
        Assert.Equal([("available", -5), ("reserved", 5)], told.Postings.Select(p => (p.Account, p.Amount.Amount)));
        Assert.Equal(123, (await next).NextSequence);

        // Nothing new: a sign of life.
        var sign = NextAsync(stream);
        await Eventually.Is(Pass, _ => sign.IsCompleted);
        Assert.Equal((0, 123), ((await sign).Transactions.Count, (await sign).NextSequence));

        Task<bool> Pass()
        {
            funding.Time.Advance(TimeSpan.FromSeconds(1));
            return Task.FromResult(true);
        }
    }

    [Fact]
    public async Task Who_does_not_follow_gets_what_there_is_and_one_caller_has_ten_streams_at_the_most()
    {
        using var ledger = funding.Ledger("auditor-7");
        var request = new Wire.StreamPostingsRequest { Region = Region, Row = "U6-A2" };
        using (var once = ledger.Calls.StreamPostings(request, ledger.Headers()))
        {
            Assert.Equal("kki.funding.row-planned.v1", (await NextAsync(once)).Transactions[0].Type);
            Assert.False(await once.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        }

        request.Follow = true;
        var open = Enumerable.Range(0, 10).Select(_ => ledger.Calls.StreamPostings(request, ledger.Headers())).ToList();
        foreach (var stream in open)
            await NextAsync(stream);
        using var tooMany = ledger.Calls.StreamPostings(request, ledger.Headers());
        Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => NextAsync(tooMany))).StatusCode);

        foreach (var stream in open)
            stream.Dispose();
        await Eventually.Is(
            async () =>
            {
                using var room = ledger.Calls.StreamPostings(request, ledger.Headers());
                return await Record.ExceptionAsync(() => NextAsync(room));
            },
            failed => failed is null);
    }

    [Fact]
    public async Task Over_HTTP_and_by_gRPC_balances_are_the_same_whatever_happened()
    {
        using var ledger = funding.Ledger();
        using var client = funding.Client();
        var step = Gen.Select(Gen.Int[0, 2], Gen.Int[1, 900], Gen.Int[0, 60]);

        await step.Array[1, 6].SampleAsync(
            async steps =>
            {
                foreach (var (way, cents, daysAgo) in steps)
                {
                    var date = $"{funding.Today.AddDays(-daysAgo):yyyy-MM-dd}";
                    var (amount, reason) = (new { amount = cents, currency = "EUR" }, "Odbor");
                    if (way == 0)
                        await ledger.ReserveAsync("U4-A2", 2022, cents);
                    else if (way == 1)
                        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{Rows}/U4-A2/plan-changes", "treasurer", new { fiscalYear = 2022, source = "eu", amount, reason, date })).Status);
                    else
                        await ledger.Calls.ChangePlanAsync(
                            new Wire.ChangePlanRequest { Region = Region, Row = "U4-A2", FiscalYear = 2023, Source = Wire.FundingSource.Eu, Amount = LedgerClient.Eur(cents), Reason = reason, Date = date }, ledger.Headers());
                }

                var asOf = $"{funding.Today.AddDays(-steps[0].Item3):yyyy-MM-dd}";
                var json = (await client.GetAsync($"/gorenjska/funding/balances?row=U4-A2&asOf={asOf}")).Body!;
                var told = await ledger.Calls.GetBalanceAsync(new Wire.GetBalanceRequest { Region = Region, Row = "U4-A2", AsOf = asOf });
                Assert.Equal(
                    json["rows"]!.AsArray().SelectMany(r => r!["funds"]!.AsArray()).Select(f => ((int)f!["fiscalYear"]!, Letters((string)f["source"]!), Of(a => (long)f["balance"]![a]!["amount"]!))),
                    told.Rows.SelectMany(r => r.Funds).Select(f => (f.FiscalYear, Letters($"{f.Source}"), (f.Balance.Planned.Amount, f.Balance.Available.Amount, f.Balance.Reserved.Amount, f.Balance.Committed.Amount, f.Balance.Paid.Amount))));
            },
            iter: 8, threads: 1);

        static (long, long, long, long, long) Of(Func<string, long> amount) => (amount("planned"), amount("available"), amount("reserved"), amount("committed"), amount("paid"));

        static string Letters(string source) => source.Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();
    }

    [Fact]
    public void Each_source_has_its_word()
    {
        var sources = Enum.GetValues<Contracts.Funding.V1.FundingSource>();

        Assert.Equal(sources, sources.Select(s => s.Write().Read("source")));
        Assert.Equal(Enum.GetValues<Wire.FundingSource>().Skip(1), sources.Select(s => s.Write()));
    }

    private static (StatusCode Status, string? Field) Where((StatusCode Status, string? Field, string Sentence) refused) => (refused.Status, refused.Field);

    private static async Task<Wire.StreamPostingsResponse> NextAsync(AsyncServerStreamingCall<Wire.StreamPostingsResponse> stream)
    {
        Assert.True(await stream.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        return stream.ResponseStream.Current;
    }
}
