using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding.Tests;

/// <summary>Given the papers of a grant, when somebody decides, then this happens: without a database.</summary>
public sealed class GrantTests
{
    private static readonly DateOnly Day = new(2026, 5, 1);
    private static readonly Document Paper = new("Pogodba", new string('a', 64), "arhiv/1");
    private static readonly CommitmentId Id = new(Guid.CreateVersion7());
    private static readonly PaymentRequestId[] Asked = [new(Guid.CreateVersion7()), new(Guid.CreateVersion7())];
    private Reservation _reservation = Funding.Reservation.Apply(null, new FundsReserved(
        new ReservationId(Guid.CreateVersion7()), "U3-P4", 2022, Money.Eur(1000), Account.Transfer(Account.Available, Account.Reserved, 2022, [new Share(FundingSource.NotStated, Money.Eur(1000))]), Day))!;

    private Grant? _grant;

    public GrantTests() => Given(_reservation.Commit(Id, "Ana", Money.Eur(1000), Day, AccountKey.Of(Id, "cene")));

    [Fact]
    public void Payments_are_asked_for_after_the_agreement_and_together_for_no_more_than_is_outstanding()
    {
        Assert.Equal(409, Ask(0, 600).Refusal!.Status);
        Given(Agree());
        Assert.Equal("amount", Ask(0, 0).Refusal!.Field);
        Given(Ask(0, 600));

        Assert.Contains("4.00 EUR can be asked for", Ask(1, 401).Refusal!.Reason, StringComparison.Ordinal);
        Given(Ask(1, 400));
        Given(_grant!.Decline(Asked[1], "Brez računa"));
        Assert.Single(_grant.Ask(new PaymentRequestId(Guid.CreateVersion7()), Money.Eur(400), [Paper], "ana", Day).Events);
    }

    [Fact]
    public void A_request_is_approved_once_by_neither_who_asked_nor_who_promised()
    {
        Given(Agree());
        Given(Ask(0, 600));
        Given(Ask(1, 400));
        Assert.Equal(403, Approve(0, "ana").Refusal!.Status);
        Assert.Equal(403, Approve(0, "cene").Refusal!.Status);
        var nothing = new PaymentRequestId(Guid.CreateVersion7());
        Assert.Equal(404, _grant!.Approve(_reservation, nothing, By("tina")).Refusal!.Status);

        Given(Approve(0, "tina"));

        Assert.Equal((600, 400), (_grant.Paid.Amount, _grant.Outstanding.Amount));
        Assert.Equal([PaymentRequestStatus.Paid, PaymentRequestStatus.Open], _grant.PaymentRequests.Select(r => r.Status));
        Assert.Equal(409, Approve(0, "tina").Refusal!.Status);
        Assert.Equal(409, _grant.Decline(Asked[0], "Prepozno").Refusal!.Status);
        Given(_grant.Decline(Asked[1], "Brez računa"));
        Assert.Equal(409, Approve(1, "tina").Refusal!.Status);
    }

    [Fact]
    public void A_request_cannot_take_what_was_paid_otherwise_meanwhile_and_waits_again_when_its_payment_is_reversed()
    {
        Given(Agree());
        Given(Ask(0, 1000));
        Given(Pay(1));
        Assert.Equal(409, Approve(0, "tina").Refusal!.Status);

        var decided = _grant!.Pay(_reservation, Money.Eur(900), By("tina"), Asked[0]);
        Given(decided);
        var paid = decided.Events.OfType<FundsPaid>().Single();
        Assert.NotNull(_grant.PaymentRequests[0].ApprovedFor);
        Given(_reservation.Reverse(Row(), Guid.CreateVersion7(), paid, "Zmota", Day));

        Assert.Null(_grant.PaymentRequests[0].ApprovedFor);
        Assert.Equal((PaymentRequestStatus.Open, 1, 999), (_grant!.PaymentRequests[0].Status, _grant.Paid.Amount, _grant.Outstanding.Amount));
    }

    [Fact]
    public void A_report_is_accepted_by_another_and_what_was_not_used_is_to_be_returned()
    {
        Given(Agree());
        Assert.Equal(409, Report(0).Refusal!.Status);
        Given(Pay(null));
        Assert.Equal("used", Report(1001).Refusal!.Field);
        Assert.Equal("used", Report(-1).Refusal!.Field);
        Given(Report(700));
        Assert.Equal(409, Report(700).Refusal!.Status);
        Assert.Equal(403, _grant!.AcceptReport("ana").Refusal!.Status);
        Assert.Equal(0, _grant.ToBeReturned.Amount);

        Given(_grant.SendReportBack("Manjka račun"));
        Assert.Equal((ReportStatus.SentBack, "Manjka račun"), (_grant.Report!.Status, _grant.Report.Reason));
        Assert.Equal(409, _grant.AcceptReport("tina").Refusal!.Status);
        Given(Report(800));
        Given(_grant.AcceptReport("tina"));

        Assert.Equal((200, 2), (_grant.ToBeReturned.Amount, _grant.Report.Edition));
        Given(_reservation.Return(Id, Money.Eur(150), "Ni porabljeno", Day));
        Assert.Equal(50, _grant.ToBeReturned.Amount);
    }

    [Fact]
    public void A_report_is_awaited_from_the_first_payment_until_one_stands()
    {
        Given(Agree());
        Assert.Null(_grant!.ReportAwaitedUntil);
        Given(Pay(10));
        Assert.Equal(Day.AddDays(30), _grant.ReportAwaitedUntil);
        Given(Report(10));
        Assert.Null(_grant.ReportAwaitedUntil);
        Given(_grant.SendReportBack("Manjka račun"));
        Assert.Equal(Day.AddDays(30), _grant.ReportAwaitedUntil);
        Given(_reservation.Return(Id, Money.Eur(10), "Ni porabljeno", Day));
        Assert.Null(_grant.ReportAwaitedUntil);
    }

    [Fact]
    public void An_annex_replaces_what_was_agreed_but_not_for_another_beneficiary()
    {
        var subject = new SubjectId(Guid.CreateVersion7());
        Given([new BeneficiaryNoted(Id, null, subject)]);
        Assert.Equal("subjectId", Agree().Refusal!.Field);

        Given(Agree(subject));
        Given(Agree(subject));

        Assert.Equal(2, _grant!.Agreement!.Edition);
        Given(_reservation.Release(Id, null, Day));
        Assert.Equal((GrantStatus.Withdrawn, 409), (_grant.Status, Agree(subject).Refusal!.Status));
    }

    [Fact]
    public void What_everybody_may_see_has_nobodys_papers_words_or_account()
    {
        Given(_grant!.Agree(
            Agreed(null) with { IsDeMinimis = true, Beneficiary = "skrivnost", DeclaredAid = [new DeclaredAid(Money.Eur(1), Day, "skrivnost")], Account = new BankAccount("SI56skrivnost", "skrivnost"), Document = Secret },
            [], Ceilings.Default, "cene", Day));
        Given(_grant.Ask(Asked[0], Money.Eur(1), [Secret], "ana", Day));
        Given(_grant.Decline(Asked[0], "skrivnost"));
        Given(Pay(null));
        Given(_grant.ReportUse(Money.Eur(1), "skrivnost", [Secret], "ana", Day));
        Given(_grant.SendReportBack("skrivnost"));
        string Json(Grant grant) => System.Text.Json.JsonSerializer.Serialize(grant, ContractJson.Options);

        Assert.Equal(16, Json(_grant).ToLowerInvariant().Split("skrivnost").Length - 1);
        Assert.DoesNotContain("skrivnost", Json(_grant.WithoutPapers()), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_payment_of_before_approvals_was_for_the_account_that_was_agreed_on_then()
    {
        Given(Agree(Where));
        GivenBefore(100);
        Assert.False(_grant!.IsAccountToBeConfirmed);

        Given(Agree(Elsewhere, "bine"));

        Assert.True(_grant.IsAccountToBeConfirmed);
        Assert.Equal(403, Confirm("bine", Elsewhere).Refusal!.Status);
        Assert.Equal(409, Confirm("tina", Where).Refusal!.Status);
        Given(Confirm("tina", Elsewhere));
        Assert.False(_grant.IsAccountToBeConfirmed);
        Assert.Equal(409, Confirm("tina", Elsewhere).Refusal!.Status);
    }

    [Fact]
    public void An_account_that_is_named_after_a_payment_of_before_approvals_is_confirmed_by_somebody_else()
    {
        Given(Agree(account: null));
        GivenBefore(100);
        Assert.Equal(409, Confirm("tina", Where).Refusal!.Status);

        var named = Agree(Where, "bine");
        Given(named);

        Assert.Single(named.Events.OfType<GrantAccountChanged>());
        Assert.True(_grant!.IsAccountToBeConfirmed);
        Assert.Equal(403, Confirm("bine", Where).Refusal!.Status);
        Given(Confirm("tina", Where));
        Assert.Equal(Where, _grant.Approvals!.Of(null));
    }

    [Fact]
    public void Approvals_are_made_anew_from_their_papers_and_of_payments_of_before_from_what_was_agreed_on_then()
    {
        var walk = new ApprovalsWalk("U3-P4");
        var (none, before, after) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        var paid = (FundsPaid)_reservation.Pay(Id, Money.Eur(1), By("tina")).Events[0];
        FundsPaid Paid(Guid? approval) => paid with { ApprovalId = approval };
        void Take(Guid id, params object[] events) => Array.ForEach(events, e => walk.Take(id, e));

        Take(none, Paid(null));
        Take(before, Agreed(null), Paid(null), Agreed(null) with { Account = Elsewhere });
        Take(after, new PaymentApproved(Id, after, Money.Eur(1), Elsewhere, "key", 2), Paid(after));

        Assert.Null(walk.Made($"{none}"));
        Assert.Equal((Where, 1), (walk.Made($"{before}")!.To, walk.Made($"{before}")!.Edition));
        Assert.Equal((Elsewhere, 2), (walk.Made($"{after}")!.To, walk.Made($"{after}")!.Edition));
        Assert.Throws<InvalidOperationException>(() => Take(none, Paid(Guid.CreateVersion7())));
    }

    [Fact]
    public void Before_anything_is_paid_an_account_is_named_without_a_word_and_changed_with_one()
    {
        static bool IsChange(object e) => e is AccountChanged or GrantAccountChanged;
        Assert.DoesNotContain(Agree(Where).Events, IsChange);
        Given(Agree(Where));
        Assert.DoesNotContain(Agree(Where with { Bic = "BAKOSI2X" }).Events, IsChange);

        Assert.Equal(2, Agree(Elsewhere).Events.Count(IsChange));

        Given(Agree(Elsewhere));
        Assert.False(_grant!.IsAccountToBeConfirmed);
    }

    [Fact]
    public void An_approval_after_a_confirmation_is_for_the_account_of_its_own_day()
    {
        Given(Agree(Where));
        var (first, second) = (By("tina"), By("tina"));
        Given(_grant!.Pay(_reservation, Money.Eur(1), first));
        Given(Agree(Elsewhere, "bine"));
        Given(Confirm("tina", Elsewhere));
        Given(Agree(Where, "bine"));
        var later = _grant.Pay(_reservation, Money.Eur(1), second);
        Given(later);
        PaymentApproval Of(Approval approval, int edition) =>
            new(approval.Id, "U3-P4", Id, Money.Eur(1), Where, edition, null);

        Assert.Equal((Elsewhere, Where), (_grant.Approvals!.Of(Of(first, 1)), _grant.Approvals.Of(Of(second, 3))));
        Assert.Equal(3, later.Events.OfType<PaymentApproved>().Single().Edition);
        Assert.True(_grant.IsAccountToBeConfirmed);
        Assert.Equal(403, Confirm("bine", Where).Refusal!.Status);
    }

    private static BankAccount Where => new("SI56263300012039086", "Ana");

    private static BankAccount Elsewhere => new("DE89370400440532013000", "Ana");

    private static Document Secret => new("skrivnost", new string('a', 64), "skrivnost");

    private static AgreementFiled Agreed(SubjectId? subject) =>
        new(Id, "410-1/2026", Day, Day.AddDays(30), Paper, false, subject, null, [], null, Where);

    private static PlanRow Row() => PlanRow.Apply(null, "U3-P4", new RowPlanned("U3-P4", 3, "Projekt 4", "Vrstica", "RAS", null, [], [], Day))!;

    private Decision Agree(SubjectId? subject = null) =>
        _grant!.Agree(Agreed(subject), [], Ceilings.Default, "cene", Day);

    private Decision Agree(BankAccount? account, string recorder = "cene") =>
        _grant!.Agree(Agreed(null) with { Account = account }, [], Ceilings.Default, recorder, Day);

    private static Approval By(string approver) => new(Guid.CreateVersion7(), approver, Day);

    private Decision Pay(long? cents) =>
        _grant!.Pay(_reservation, cents is { } part ? Money.Eur(part) : null, By("tina"));

    private Decision Ask(int request, long cents) => _grant!.Ask(Asked[request], Money.Eur(cents), [Paper], "ana", Day);

    private Decision Approve(int request, string approver) =>
        _grant!.Approve(_reservation, Asked[request], By(approver));

    private Decision Report(long cents) => _grant!.ReportUse(Money.Eur(cents), "Natisnjeno", [], "ana", Day);

    private Decision Confirm(string confirmer, BankAccount seen) =>
        _grant!.ConfirmAccount(_reservation, new SeenAccount(seen.Iban, seen.Holder), confirmer);

    /// <summary>A payment as it was stored before approvals were kept.</summary>
    private void GivenBefore(long cents) =>
        Given([((FundsPaid)_reservation.Pay(Id, Money.Eur(cents), By("tina")).Events[0]) with { ApprovalId = null }]);

    private void Given(Decision decision)
    {
        Assert.Null(decision.Refusal);
        foreach (var e in decision.Events)
        {
            _grant = Grant.KeyOf(e) is null ? _grant : Grant.Apply(_grant, e);
            _reservation = Funding.Reservation.KeyOf(e) is null ? _reservation : Funding.Reservation.Apply(_reservation, e)!;
        }
    }
}
