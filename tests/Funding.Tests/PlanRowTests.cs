using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding.Tests;

/// <summary>What a challenge does with the money of a row.</summary>
public sealed class PlanRowTests
{
    private const int Year = 2022;
    private static readonly DateOnly Day = new(2022, 5, 1);
    private readonly ChallengeId _challenge = new(Guid.CreateVersion7());
    private readonly EntryId[] _entries = [new(Guid.CreateVersion7()), new(Guid.CreateVersion7())];
    private PlanRow _row = PlanRow.Apply(null, "U1-P1", new RowPlanned(
        "U1-P1", 1, "Projekt 1", "Vrstica", "RAS", null,
        [new PlannedYear(Year, PlannedState.Amount, Money.Eur(1000))],
        Account.Transfer(Account.Planned, Account.Available, Year, [new Share(FundingSource.NotStated, Money.Eur(1000))]),
        Day))!;

    private Reservation? _reservation;

    [Fact]
    public void Who_asked_for_a_payment_does_not_approve_it()
    {
        Given(Reserve(900));
        Given(Commit(0, 400, AccountKey.Of(_entries[0], "cene")));

        Assert.Equal(403, Pay(0, "cene").Refusal!.Status);
        Assert.Single(Pay(0, "tina").Events);
    }

    [Fact]
    public void A_call_is_reserved_committed_paid_and_its_rest_released()
    {
        Given(Reserve(900));
        Given(Commit(0, 400));
        Given(Pay(0));
        Assert.Equal(409, Pay(0).Refusal!.Status);
        Given(_reservation!.Conclude(Money.Eur(400), Day));

        Assert.Equal(new Balance(Money.Eur(1000), Money.Eur(600), Money.Eur(0), Money.Eur(0), Money.Eur(400)), _row.Balances[Year]);
        Assert.Empty(_reservation.Remaining);
    }

    [Fact]
    public void A_conclusion_keeps_the_money_of_an_award_that_is_still_under_way()
    {
        Given(Reserve(900));
        Given(Commit(0, 400));
        Given(_reservation!.Conclude(Money.Eur(700), Day));
        Assert.Equal(300, _row.Balances[Year].Reserved.Amount);

        Given(Commit(1, 300));

        Assert.Equal((0, 700, 300), (_row.Balances[Year].Reserved.Amount, _row.Balances[Year].Committed.Amount, _row.Balances[Year].Available.Amount));
    }

    [Fact]
    public void What_cannot_be_had_is_refused_with_its_reason_and_once_is_enough()
    {
        Assert.Contains("10.00 EUR available", Assert.IsType<FundsRefused>(Assert.Single(Reserve(1001))).Reason, StringComparison.Ordinal);
        Assert.IsType<FundsRefused>(Assert.Single(_row.Reserve(null, _challenge, 2030, Money.Eur(1), Day)));
        Assert.IsType<FundsRefused>(Assert.Single(_row.Reserve(null, _challenge, Year, new Money(1, "USD"), Day)));
        Given(Reserve(1000));

        Assert.Empty(Reserve(1000));
        Assert.Equal(409, Commit(0, 1001).Refusal!.Status);
        Assert.Equal(404, Pay(1).Refusal!.Status);
    }

    [Fact]
    public void A_thousand_open_reservations_leave_the_row_as_small_as_one()
    {
        var one = System.Text.Json.JsonSerializer.Serialize(PlanRow.Apply(_row, _row.Id, Assert.Single(Reserve(1))), ContractJson.Options).Length;
        for (var i = 0; i < 1000; i++)
            _row = PlanRow.Apply(_row, _row.Id, Assert.Single(_row.Reserve(null, new ChallengeId(Guid.CreateVersion7()), Year, Money.Eur(1), Day)))!;

        Assert.InRange(System.Text.Json.JsonSerializer.Serialize(_row, ContractJson.Options).Length, one - 50, one + 50);
    }

    private Decision Reserve(long cents) => _row.Reserve(_reservation, _challenge, Year, Money.Eur(cents), Day);

    private Decision Commit(int entry, long cents, string? requester = null) =>
        _reservation!.Commit(new CommitmentId(_entries[entry].Value), "Ana", Money.Eur(cents), Day, requester, _entries[entry]);

    private Decision Pay(int entry, string approver = "treasurer") => _reservation!.Pay(
        new CommitmentId(_entries[entry].Value), null, new Approval(Guid.CreateVersion7(), approver, Day));

    private void Given(Decision decision)
    {
        foreach (var e in decision.Events)
            (_row, _reservation) = (PlanRow.Apply(_row, _row.Id, e)!, Reservation.Apply(_reservation, e));
    }
}
