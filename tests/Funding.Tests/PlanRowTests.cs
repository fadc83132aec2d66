using CsCheck;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding.Tests;

public sealed class PlanRowTests
{
    private const int Year = 2022;
    private static readonly ChallengeId[] Challenges = [.. Enumerable.Range(0, 3).Select(_ => new ChallengeId(Guid.CreateVersion7()))];
    private static readonly EntryId[] Entries = [.. Enumerable.Range(0, 4).Select(_ => new EntryId(Guid.CreateVersion7()))];

    private enum Verb
    {
        Reserve,
        Commit,
        Pay,
        Release,
    }

    /// <summary>Whatever is asked for, in whatever order: each transaction sums to zero, and nothing is ever overdrawn.</summary>
    [Fact]
    public void The_row_is_balanced_after_any_sequence_of_decisions()
    {
        var step = Gen.Select(Gen.Enum<Verb>(), Gen.Int[0, Challenges.Length - 1].Select(i => Challenges[i]), Gen.Int[0, Entries.Length - 1].Select(i => Entries[i]), Gen.Long[-10, 1200]);
        Gen.Select(Gen.Long[1, 2000], step.List[0, 40]).Sample((planned, steps) =>
        {
            var row = Row(planned);
            foreach (var (verb, challenge, entry, cents) in steps)
            {
                var decision = Decide(row, verb, challenge, entry, cents);
                foreach (var e in decision.Events)
                {
                    Assert.Equal(0, Postings(e).Sum(p => p.Amount.Amount));
                    row = PlanRow.Apply(row, row.Id, e)!;
                    Check(row.Balances[Year], planned);
                }
            }
        });
    }

    [Fact]
    public void Who_asked_for_a_payment_does_not_approve_it()
    {
        var row = Row(1000);
        row = Given(row, row.Reserve(Challenges[0], Year, Money.Eur(900)));
        row = Given(row, row.Commit(Challenges[0], Entries[0], "Ana", Money.Eur(400), AccountKey.Of(Entries[0], "cene")));

        Assert.Equal(403, row.Pay(Challenges[0], Entries[0], "cene").Refusal!.Status);
        Assert.Single(row.Pay(Challenges[0], Entries[0], "tina").Events);
    }

    [Fact]
    public void A_call_is_reserved_committed_paid_and_its_rest_released()
    {
        var row = Row(1000);
        row = Given(row, row.Reserve(Challenges[0], Year, Money.Eur(900)));
        row = Given(row, row.Commit(Challenges[0], Entries[0], "Ana", Money.Eur(400)));
        row = Given(row, row.Pay(Challenges[0], Entries[0], "treasurer"));
        Assert.Equal(409, row.Pay(Challenges[0], Entries[0], "treasurer").Refusal!.Status);
        row = Given(row, row.Release(Challenges[0], Money.Eur(400)));

        Assert.Equal(new Balance(Money.Eur(1000), Money.Eur(600), Money.Eur(0), Money.Eur(0), Money.Eur(400)), row.Balances[Year]);
        Assert.Empty(row.Reservations);
    }

    [Fact]
    public void A_conclusion_keeps_the_money_of_an_award_that_is_still_under_way()
    {
        var row = Row(1000);
        row = Given(row, row.Reserve(Challenges[0], Year, Money.Eur(900)));
        row = Given(row, row.Commit(Challenges[0], Entries[0], "Ana", Money.Eur(400)));
        row = Given(row, row.Release(Challenges[0], Money.Eur(700)));
        Assert.Equal(300, row.Balances[Year].Reserved.Amount);

        row = Given(row, row.Commit(Challenges[0], Entries[1], "Bor", Money.Eur(300)));

        Assert.Equal((0, 700, 300), (row.Balances[Year].Reserved.Amount, row.Balances[Year].Committed.Amount, row.Balances[Year].Available.Amount));
    }

    [Fact]
    public void What_cannot_be_had_is_refused_with_its_reason_and_once_is_enough()
    {
        var row = Row(1000);
        Assert.Contains("10.00 EUR available", Assert.IsType<FundsRefused>(Assert.Single(row.Reserve(Challenges[0], Year, Money.Eur(1001)))).Reason, StringComparison.Ordinal);
        Assert.IsType<FundsRefused>(Assert.Single(row.Reserve(Challenges[0], 2030, Money.Eur(1))));
        Assert.IsType<FundsRefused>(Assert.Single(row.Reserve(Challenges[0], Year, new Money(1, "USD"))));
        row = Given(row, row.Reserve(Challenges[0], Year, Money.Eur(1000)));

        Assert.Empty(row.Reserve(Challenges[0], Year, Money.Eur(1000)));
        Assert.Equal(409, row.Commit(Challenges[1], Entries[0], "Ana", Money.Eur(1)).Refusal!.Status);
        Assert.Equal(409, row.Commit(Challenges[0], Entries[0], "Ana", Money.Eur(1001)).Refusal!.Status);
    }

    private static PlanRow Row(long planned) => PlanRow.Apply(null, "U1-P1", new RowPlanned(
        "U1-P1", 1, "Projekt 1", "Vrstica", "RAS", null,
        [new PlannedYear(Year, PlannedState.Amount, Money.Eur(planned))],
        Account.Transfer(Account.Planned, Account.Available, Year, planned)))!;

    private static PlanRow Given(PlanRow row, Decision decision) => decision.Events.Aggregate(row, (r, e) => PlanRow.Apply(r, r.Id, e)!);

    private static Decision Decide(PlanRow row, Verb verb, ChallengeId challenge, EntryId entry, long cents) => verb switch
    {
        Verb.Reserve => row.Reserve(challenge, Year, Money.Eur(cents)),
        Verb.Commit => row.Commit(challenge, entry, "Ana", Money.Eur(cents)),
        Verb.Pay => row.Pay(challenge, entry, "treasurer"),
        _ => row.Release(challenge, Money.Eur(Math.Max(0, cents))),
    };

    private static IReadOnlyList<Posting> Postings(object e) => e switch
    {
        FundsReserved x => x.Postings,
        FundsCommitted x => x.Postings,
        GrantPaid x => x.Postings,
        FundsReleased x => x.Postings,
        _ => [],
    };

    private static void Check(Balance b, long planned)
    {
        Assert.Equal(planned, b.Planned.Amount);
        Assert.Equal(planned, b.Available.Amount + b.Reserved.Amount + b.Committed.Amount + b.Paid.Amount);
        Assert.All((long[])[b.Available.Amount, b.Reserved.Amount, b.Committed.Amount, b.Paid.Amount], a => Assert.True(a >= 0));
    }
}
