using CsCheck;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding.Tests;

/// <summary>Whatever is asked for, in whatever order, a row is balanced and nothing of it is overdrawn.</summary>
public sealed class LedgerTests
{
    private const int Slots = 3;
    private static readonly DateOnly Day = new(2022, 5, 1);

    private enum Verb
    {
        Reserve,
        Commit,
        Pay,
        ReleaseReservation,
        ReleaseCommitment,
        Return,
        Expire,
        Conclude,
        Reverse,
        ChangePlan,
    }

    // Later: how many days after the first one it counts for, in whichever order things are recorded.
    private sealed record Step(Verb Verb, int Reservation, int Commitment, int Earlier, long Cents, FundingSource? Source, int Later = 0);

    [Fact]
    public void Any_history_is_balanced_by_year_and_source_and_is_what_a_simple_model_says()
    {
        var step = Gen.Select(
            Gen.Enum<Verb>(), Gen.Int[0, Slots - 1], Gen.Int[0, Slots - 1], Gen.Int[0, 60], Gen.Long[-10, 900],
            Gen.OneOf(Gen.Const((FundingSource?)null), Gen.Const((FundingSource?)FundingSource.Eu), Gen.Const((FundingSource?)FundingSource.BscRegular)),
            Gen.Int[0, 40],
            (verb, reservation, commitment, earlier, cents, source, later) => new Step(verb, reservation, commitment, earlier, cents, source, later));
        Gen.Select(Gen.Long[0, 1500], Gen.Long[1, 1500], step.List[0, 60]).Sample((eu, bsc, steps) =>
        {
            var history = new History(eu, bsc);
            foreach (var s in steps)
            {
                history.Do(s);
                history.Check();
            }

            history.FoldsToTheSame();
            history.OverdrawsNothingOnAnyDay();
        });
    }

    [Fact]
    public void Money_is_drawn_from_one_source_after_the_other_and_comes_back_to_where_it_came_from()
    {
        var history = new History(eu: 300, bsc: 500);
        history.Do(new Step(Verb.Reserve, 0, 0, 0, 600, null));
        Assert.Equal([new Share(FundingSource.Eu, Money.Eur(300)), new Share(FundingSource.BscRegular, Money.Eur(300))], history.Reservation(0)!.Remaining);

        history.Do(new Step(Verb.Commit, 0, 0, 0, 400, null));
        history.Do(new Step(Verb.Pay, 0, 0, 0, 350, null));
        history.Do(new Step(Verb.Return, 0, 0, 0, 320, null));
        history.Do(new Step(Verb.ReleaseCommitment, 0, 0, 0, 50, null));
        history.Do(new Step(Verb.ReleaseReservation, 0, 0, 0, 250, null));

        Assert.Equal([(300, 0), (470, 30)], history.Row.Funds.Select(f => (f.Balance.Available.Amount, f.Balance.Paid.Amount)));
    }

    [Fact]
    public void What_rests_on_a_transaction_is_reversed_first_and_each_only_once()
    {
        var history = new History(eu: 0, bsc: 1000);
        history.Do(new Step(Verb.Reserve, 0, 0, 0, 600, null));
        history.Do(new Step(Verb.Commit, 0, 0, 0, 600, null));
        history.Do(new Step(Verb.Pay, 0, 0, 0, 600, null));

        Assert.Equal(409, history.Do(new Step(Verb.Reverse, 0, 0, 0, 0, null)).Refusal!.Status);
        Assert.Equal(409, history.Do(new Step(Verb.Reverse, 0, 0, 1, 0, null)).Refusal!.Status);
        foreach (var last in (int[])[2, 1, 0])
            Assert.Null(history.Do(new Step(Verb.Reverse, 0, 0, last, 0, null)).Refusal);

        Assert.Equal(1000, history.Row.Balances[2022].Available.Amount);
        Assert.Contains("already", history.Do(new Step(Verb.Reverse, 0, 0, 0, 0, null)).Refusal!.Reason, StringComparison.Ordinal);
        Assert.Contains("not reversed", history.Do(new Step(Verb.Reverse, 0, 0, 3, 0, null)).Refusal!.Reason, StringComparison.Ordinal);
    }

    /// <summary>A row, its reservations, and beside them the plainest model of what they should be.</summary>
    private sealed class History
    {
        private readonly ReservationId[] _ids = [.. Enumerable.Range(0, Slots).Select(_ => new ReservationId(Guid.CreateVersion7()))];
        private readonly CommitmentId[,] _commitments = new CommitmentId[Slots, Slots];
        private readonly Reservation?[] _reservations = new Reservation?[Slots];
        private readonly Dictionary<string, Grant> _grants = [];
        private readonly List<(Guid Id, object Event)> _events = [];
        private readonly RowPlanned _planned;
        private long _sum;
        private long _reserved;
        private long _committed;
        private long _paid;
        private long _promised;

        public History(long eu, long bsc)
        {
            for (var i = 0; i < Slots; i++)
            {
                for (var j = 0; j < Slots; j++)
                    _commitments[i, j] = new CommitmentId(Guid.CreateVersion7());
            }

            _sum = eu + bsc;
            _planned = new RowPlanned(
                "U1-P1", 1, "Projekt 1", "Vrstica", "RAS", null, [new PlannedYear(2022, PlannedState.Amount, Money.Eur(eu + bsc))],
                Account.Transfer(Account.Planned, Account.Available, 2022, [new(FundingSource.Eu, Money.Eur(eu)), new(FundingSource.BscRegular, Money.Eur(bsc))]), Day);
            Row = PlanRow.Apply(null, "U1-P1", _planned)!;
        }

        public PlanRow Row { get; private set; }

        public Reservation? Reservation(int slot) => _reservations[slot];

        public Decision Do(Step step)
        {
            var decision = Decide(step);
            foreach (var e in decision.Events)
            {
                var before = _reservations[step.Reservation];
                Assert.Equal(0, ((ITransaction)e).Postings.Sum(p => p.Amount.Amount));
                Row = PlanRow.Apply(Row, Row.Id, e)!;
                _reservations[step.Reservation] = Funding.Reservation.Apply(before, e);
                if (Grant.KeyOf(e) is { } grant)
                    _grants[grant] = Grant.Apply(_grants.GetValueOrDefault(grant), e)!;
                Model(e);
                _events.Add((Guid.CreateVersion7(), e));
            }

            return decision;
        }

        public void Check()
        {
            Assert.All(Row.Funds, f => Assert.Equal(f.Balance.Planned.Amount, Spread(f.Balance).Sum()));
            Assert.All(Row.Funds.SelectMany(f => Spread(f.Balance)), cents => Assert.True(cents >= 0));
            var balance = Row.Balances.GetValueOrDefault(2022, Balance.Zero);
            Assert.Equal((_sum, _sum - _reserved - _committed - _paid, _reserved, _committed, _paid), (balance.Planned.Amount, balance.Available.Amount, balance.Reserved.Amount, balance.Committed.Amount, balance.Paid.Amount));
            // The parts are the row's money, to the cent and the source.
            var parts = _reservations.OfType<Reservation>().ToList();
            Assert.Equal(Row.Funds.Sum(f => f.Balance.Reserved.Amount), parts.Sum(r => r.Remaining.Sum()));
            Assert.Equal(Row.Funds.Sum(f => f.Balance.Committed.Amount), parts.SelectMany(r => r.Commitments).Sum(c => c.Outstanding.Sum()));
            Assert.Equal(Row.Funds.Sum(f => f.Balance.Paid.Amount), parts.SelectMany(r => r.Commitments).Sum(c => c.Paid.Sum()));
            // A grant and its commitment are two views of the same money.
            Assert.Equal(
                parts.SelectMany(r => r.Commitments).Select(c => (c.Id.ToString(), c.Outstanding.Sum(), c.Paid.Sum())).Order(),
                _grants.Values.Select(g => (g.Id, g.Outstanding.Amount, g.Paid.Amount)).Order());
            Assert.Equal(_promised, _grants.Values.Sum(g => g.Amount.Amount));
            Assert.All(_grants.Values, g => Assert.Equal(g.Amount.Amount == 0 ? GrantStatus.Withdrawn : g.Outstanding.Amount == 0 ? GrantStatus.Paid : GrantStatus.Committed, g.Status));
            Assert.All(parts.SelectMany(r => r.Remaining.Concat(r.Commitments.SelectMany(c => c.Outstanding.Concat(c.Paid)))), s => Assert.True(s.Amount.Amount > 0));
        }

        /// <summary>The states are nothing but their events.</summary>
        public void FoldsToTheSame()
        {
            var row = _events.Aggregate(PlanRow.Apply(null, Row.Id, _planned), (state, e) => PlanRow.Apply(state, Row.Id, e.Event))!;
            Assert.Equivalent(Row, row, strict: true);
            foreach (var r in _reservations.OfType<Reservation>())
            {
                var folded = _events.Where(e => Funding.Reservation.KeyOf(e.Event) == r.Id).Aggregate((Reservation?)null, (state, e) => Funding.Reservation.Apply(state, e.Event))!;
                Assert.Equivalent(r, folded, strict: true);
            }
        }

        /// <summary>
        /// As of each day, by what counts for it and for the days before, whatever was recorded first.
        /// </summary>
        public void OverdrawsNothingOnAnyDay()
        {
            var transactions = _events.Select(e => (ITransaction)e.Event).Prepend(_planned).ToList();
            foreach (var day in transactions.Select(t => t.BusinessDate).Distinct())
            {
                var accounts = transactions.Where(t => t.BusinessDate <= day).SelectMany(t => t.Postings)
                    .GroupBy(p => (p.Account, p.Source), p => p.Account == Account.Planned ? -p.Amount.Amount : p.Amount.Amount);
                Assert.All(accounts, a => Assert.True(a.Sum() >= 0, $"{a.Key} has {a.Sum()} on {day:yyyy-MM-dd}."));
            }
        }

        private static long[] Spread(Balance b) => [b.Available.Amount, b.Reserved.Amount, b.Committed.Amount, b.Paid.Amount];

        private Decision Decide(Step s)
        {
            var day = Day.AddDays(s.Later);
            if (s.Verb == Verb.ChangePlan)
                return Row.ChangePlan(Money.Eur(s.Earlier % 2 == 0 ? s.Cents : -s.Cents), new PlanChanged(Row.Id, 2022, s.Source ?? FundingSource.Eu, Money.Eur(0), "Sklep", [], day));
            if (s.Verb == Verb.Reserve)
                return _reservations[s.Reservation] is null ? Row.Reserve(_ids[s.Reservation], 2022, Money.Eur(s.Cents), s.Source, "Tisk", Day.AddDays(50), day) : [];
            if (_reservations[s.Reservation] is not { } reservation)
                return [];
            var commitment = _commitments[s.Reservation, s.Commitment];
            return s.Verb switch
            {
                Verb.Commit => reservation.Commit(commitment, "Ana", Money.Eur(s.Cents), day),
                Verb.Pay => reservation.Pay(
                    commitment, Money.Eur(s.Cents), new Approval(Guid.CreateVersion7(), "tina", day)),
                Verb.ReleaseReservation => reservation.Release(null, Money.Eur(s.Cents), day),
                Verb.ReleaseCommitment => reservation.Release(commitment, Money.Eur(s.Cents), day),
                Verb.Return => reservation.Return(commitment, Money.Eur(s.Cents), "Ni porabljeno", day),
                Verb.Expire => reservation.Expire(s.Cents > 700 ? Day.AddDays(51) : Day.AddDays(50)),
                Verb.Conclude => reservation.Conclude(Money.Eur(Math.Max(0, s.Cents)), day),
                _ => Reverse(reservation, s.Earlier, day),
            };
        }

        private Decision Reverse(Reservation reservation, int earlier, DateOnly day)
        {
            var mine = _events.Where(e => Funding.Reservation.KeyOf(e.Event) == reservation.Id).ToList();
            return earlier < mine.Count ? reservation.Reverse(Row, mine[earlier].Id, (IReservationTransaction)mine[earlier].Event, "Zmota", day) : [];
        }

        private void Model(object e)
        {
            switch (e)
            {
                case PlanChanged c:
                    _sum += c.Amount.Amount;
                    break;
                case FundsReserved r:
                    _reserved += r.Amount.Amount;
                    break;
                case FundsCommitted c:
                    (_reserved, _committed, _promised) = (_reserved - c.Amount.Amount, _committed + c.Amount.Amount, _promised + c.Amount.Amount);
                    break;
                case FundsPaid p:
                    (_committed, _paid) = (_committed - p.Amount.Amount, _paid + p.Amount.Amount);
                    break;
                case FundsReleased { CommitmentId: null } r:
                    _reserved -= r.Amount.Amount;
                    break;
                case FundsReleased r:
                    (_committed, _reserved, _promised) = (_committed - r.Amount.Amount, _reserved + r.Amount.Amount, _promised - r.Amount.Amount);
                    break;
                case FundsReturned r:
                    _paid -= r.Amount.Amount;
                    break;
                case TransactionReversed r:
                    long Of(string account) => r.Postings.Where(p => p.Account == account).Sum(p => p.Amount.Amount);
                    (_reserved, _committed, _paid) = (_reserved + Of("reserved"), _committed + Of("committed"), _paid + Of("paid"));
                    _promised += Of("reserved") == 0 ? 0 : Of("committed");
                    break;
                default:
                    throw new InvalidOperationException(e.GetType().Name);
            }
        }
    }
}
