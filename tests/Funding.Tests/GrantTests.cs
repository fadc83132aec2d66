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
        Assert.Equal(404, _grant!.Approve(_reservation, new PaymentRequestId(Guid.CreateVersion7()), "tina", Day).Refusal!.Status);

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
        Given(_reservation.Pay(Id, Money.Eur(1), "tina", Day));
        Assert.Equal(409, Approve(0, "tina").Refusal!.Status);

        var paid = Assert.IsType<FundsPaid>(Assert.Single(_reservation.Pay(Id, Money.Eur(900), "tina", Day, Asked[0]).Events));
        Given([paid]);
        Given(_reservation.Reverse(Row(), Guid.CreateVersion7(), paid, "Zmota", Day));

        Assert.Equal((PaymentRequestStatus.Open, 1, 999), (_grant!.PaymentRequests[0].Status, _grant.Paid.Amount, _grant.Outstanding.Amount));
    }

    [Fact]
    public void A_report_is_accepted_by_another_and_what_was_not_used_is_to_be_returned()
    {
        Given(Agree());
        Assert.Equal(409, Report(0).Refusal!.Status);
        Given(_reservation.Pay(Id, null, "tina", Day));
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
        Given(_reservation.Pay(Id, Money.Eur(10), "tina", Day));
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
            [], Ceilings.Default));
        Given(_grant.Ask(Asked[0], Money.Eur(1), [Secret], "ana", Day));
        Given(_grant.Decline(Asked[0], "skrivnost"));
        Given(_reservation.Pay(Id, null, "tina", Day));
        Given(_grant.ReportUse(Money.Eur(1), "skrivnost", [Secret], "ana", Day));
        Given(_grant.SendReportBack("skrivnost"));
        string Json(Grant grant) => System.Text.Json.JsonSerializer.Serialize(grant, ContractJson.Options);

        Assert.Equal(14, Json(_grant).ToLowerInvariant().Split("skrivnost").Length - 1);
        Assert.DoesNotContain("skrivnost", Json(_grant.WithoutPapers()), StringComparison.OrdinalIgnoreCase);
    }

    private static Document Secret => new("skrivnost", new string('a', 64), "skrivnost");

    private static AgreementFiled Agreed(SubjectId? subject) => new(Id, "410-1/2026", Day, Day.AddDays(30), Paper, false, subject, null, [], null, null);

    private static PlanRow Row() => PlanRow.Apply(null, "U3-P4", new RowPlanned("U3-P4", 3, "Projekt 4", "Vrstica", "RAS", null, [], [], Day))!;

    private Decision Agree(SubjectId? subject = null) => _grant!.Agree(Agreed(subject), [], Ceilings.Default);

    private Decision Ask(int request, long cents) => _grant!.Ask(Asked[request], Money.Eur(cents), [Paper], "ana", Day);

    private Decision Approve(int request, string approver) => _grant!.Approve(_reservation, Asked[request], approver, Day);

    private Decision Report(long cents) => _grant!.ReportUse(Money.Eur(cents), "Natisnjeno", [], "ana", Day);

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
