using CsCheck;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding.Tests;

/// <summary>
/// What a municipality gives for a year: given what happened, when somebody decides, then these are its accounts.
/// </summary>
public sealed class ContributionTests
{
    private static readonly DateOnly Day = new(2026, 3, 1);
    private static readonly DateOnly Due = new(2026, 3, 31);
    private Contribution? _state;

    private enum Verb
    {
        Call,
        Receive,
        Reverse,
        Refund,
        Carry,
        TakeOver,
    }

    [Fact]
    public void Any_history_is_balanced_and_is_what_a_simple_model_says() =>
        Gen.Select(Gen.Enum<Verb>(), Gen.Long[0, 900], Gen.Int[0, 10]).List[0, 40].Sample(steps =>
        {
            // Samples run side by side: each has a state of its own.
            Contribution? state = null;
            long called = 0, received = 0;
            var (version, mine) = (0, new List<(Guid Id, long Cents)>());
            foreach (var (verb, cents, earlier) in steps)
            {
                var id = Guid.CreateVersion7();
                var mistake = earlier < mine.Count ? mine[earlier] : (Id: id, Cents: 0);
                var decision = (verb, state) switch
                {
                    (Verb.Call, _) => Contribution.Call(state, Confirmed(++version, cents), "052", Due, Day),
                    (_, null) => [],
                    (Verb.Receive, { } c) => c.Receive(id, Money.Eur(cents), null, null, Day),
                    (Verb.Reverse, { } c) => c.Reverse(mistake.Id, "Zmota", Day),
                    (Verb.Refund, { } c) => c.Refund(Money.Eur(cents), "Preveč", Day),
                    (Verb.Carry, { } c) => c.Carry(2027, id, Money.Eur(cents), Day),
                    (_, { } c) => c.TakeOver(new ContributionCreditCarried(2025, "052", 2026, id, Money.Eur(cents + 1), Money.Eur(0), [], Day)),
                };
                foreach (var e in decision)
                {
                    state = Contribution.Apply(state, "contributions/2026/052", e);
                    Assert.Equal(0, ((IContributionTransaction)e).Postings.Sum(p => p.Amount.Amount));
                    Assert.All(((IContributionTransaction)e).Postings, p => Assert.Equal((2026, FundingSource.MunicipalKey), (p.FiscalYear, p.Source)));
                    (called, received) = e switch
                    {
                        ContributionCalled c => (c.Amount.Amount, received),
                        ContributionReceived r => (called, received + r.Amount.Amount),
                        ContributionReceiptReversed r => (called, received - r.Amount.Amount),
                        ContributionCreditRefunded r => (called, received - r.Amount.Amount),
                        ContributionCreditCarried c => (called, received - c.Amount.Amount),
                        _ => throw new InvalidOperationException(e.GetType().Name),
                    };
                    if (e is ContributionReceived { CarriedFrom: null } mineNow)
                        mine.Add((mineNow.ReceiptId, mineNow.Amount.Amount));
                }

                Assert.Equal([called, received, Math.Max(0, called - received), Math.Max(0, received - called)], Accounts(state));
                Assert.True(received >= 0);
            }
        });

    [Fact]
    public void A_part_then_more_than_the_rest_leaves_a_credit_that_can_be_given_back_but_not_twice()
    {
        Given(Contribution.Call(null, Confirmed(1, 1000), "052", Due, Day));
        Given(_state!.Receive(Guid.NewGuid(), Money.Eur(400), _state.Reference, "a", Day));
        Assert.Equal(ContributionState.PartlyReceived, _state.State);
        Given(_state.Receive(Guid.NewGuid(), Money.Eur(700), null, "b", Day));
        Assert.Equal((ContributionState.Overpaid, 100), (_state.State, _state.Credit.Amount));

        Assert.Equal(409, _state.Refund(Money.Eur(101), "Preveč", Day).Refusal!.Status);
        Given(_state.Refund(null, "Preveč", Day));

        Assert.Equal([1000, 1000, 0, 0], Accounts(_state));
        Assert.Equal(409, _state.Refund(null, "Preveč", Day).Refusal!.Status);
        Assert.Equal(409, _state.Receive(Guid.NewGuid(), Money.Eur(1), null, "b", Day).Refusal!.Status);
        Assert.Equal("reference", _state.Receive(Guid.NewGuid(), Money.Eur(1), "SI12 2026052000022", null, Day).Refusal!.Field);
    }

    [Fact]
    public void A_newer_version_of_the_plan_is_called_anew_with_a_reference_of_its_own()
    {
        Given(Contribution.Call(null, Confirmed(1, 1000), "052", Due, Day));
        Given(_state!.Receive(Guid.NewGuid(), Money.Eur(1000), null, null, Day));
        Assert.Equal(409, Contribution.Call(_state, Confirmed(1, 1000), "052", Due, Day).Refusal!.Status);

        Given(Contribution.Call(_state, Confirmed(2, 800), "052", Due, Day));

        Assert.Equal([800, 1000, 0, 200], Accounts(_state));
        Assert.Equal(["SI12 2026052000011", "SI12 2026052000020"], _state!.References);
        Given(_state.Receive(Guid.NewGuid(), Money.Eur(1), "SI12 2026052000011", null, Day));
    }

    [Fact]
    public void Only_what_is_confirmed_is_called()
    {
        var plan = Confirmed(1, 1000);

        Assert.Equal(409, Contribution.Call(null, plan, "003", Due, Day).Refusal!.Status);
        Assert.Equal(404, Contribution.Call(null, plan, "122", Due, Day).Refusal!.Status);
        Assert.Equal("dueOn", Contribution.Call(null, plan, "052", Day.AddDays(-1), Day).Refusal!.Field);
    }

    [Theory]
    [InlineData(-15, -1, null)]
    [InlineData(-14, -1, 0)]
    [InlineData(0, -1, 0)]
    [InlineData(0, 0, null)]
    [InlineData(1, 0, 1)]
    [InlineData(14, 1, null)]
    [InlineData(15, 1, 15)]
    [InlineData(29, -1, 15)]
    [InlineData(30, 15, 30)]
    [InlineData(400, 30, null)]
    public void Each_reminder_is_told_once_and_of_those_that_were_missed_the_newest(int late, int reminded, int? told)
    {
        Given(Contribution.Call(null, Confirmed(1, 1000), "052", Due, Day));

        var decision = (_state! with { Reminded = reminded }).Remind(Due.AddDays(late), 14);

        Assert.Equal(told, decision.Events.Count == 0 ? null : decision.Events[0] is ContributionOverdue overdue ? overdue.Days : 0);
    }

    [Fact]
    public void Nobody_is_reminded_of_what_has_come_in()
    {
        Given(Contribution.Call(null, Confirmed(1, 1000), "052", Due, Day));
        Given(_state!.Receive(Guid.NewGuid(), Money.Eur(1000), null, null, Day));

        Assert.Empty(_state.Remind(Due.AddDays(30), 14));
    }

    private static AnnualPlan Confirmed(int version, long cents) => new(
        "annual-plans/2026", 2026, version, null, [], "k", 1,
        [new("052", Money.Eur(cents), ShareState.Confirmed), new("003", Money.Eur(5), ShareState.Waiting)]);

    private static long[] Accounts(Contribution? c) => c is null ? [0, 0, 0, 0] : [c.Called.Amount, c.Received.Amount, c.Outstanding.Amount, c.Credit.Amount];

    private void Given(Decision decision)
    {
        foreach (var e in decision.Events)
            _state = Contribution.Apply(_state, "contributions/2026/052", e);
    }
}
