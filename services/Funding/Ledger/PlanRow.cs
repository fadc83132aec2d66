using System.Globalization;
using JasperFx.Events;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>
/// A row of the action plan and its money: the unit that is kept balanced. Its reservations are parts of it.
/// </summary>
/// <param name="Id">The row's id, e.g. U3-P4.</param>
/// <param name="Measure">The number of its measure.</param>
/// <param name="Code">Its code: not unique.</param>
/// <param name="Title">Its title.</param>
/// <param name="Holder">Who carries it out.</param>
/// <param name="Source">Where its money comes from, as printed; null where nothing is printed.</param>
/// <param name="Years">What the plan says of each year: an amount, a tick or unknown.</param>
/// <param name="Funds">The money, by year and source; only years with an amount have any.</param>
/// <param name="ClosedYears">The years that take no more transactions.</param>
/// <param name="Reversed">Changes of the plan, and moves, that were taken back.</param>
/// <param name="Credits">What came to what is available, by the day that it counts for; what came
/// on days between may be told with a later one.</param>
/// <param name="Head">The hash of its newest transaction, over that one and all before it.</param>
public sealed record PlanRow(
    string Id,
    int Measure,
    string Code,
    string Title,
    string Holder,
    string? Source,
    IReadOnlyList<PlannedYear> Years,
    IReadOnlyList<Fund> Funds,
    IReadOnlyList<int> ClosedYears,
    IReadOnlyList<Guid> Reversed,
    IReadOnlyList<Credit>? Credits = null,
    string? Head = null) : IAggregate<PlanRow>, IChained, IJournaled
{
    // Budgets are not made for farther away; this keeps slips of the pen out.
    internal const int FirstYear = 2020;
    internal const int LastYear = 2099;
    internal const long MostPlanned = 100_000_000_000_00;
    private const int MostReversals = 500;

    /// <summary>The money, by year.</summary>
    public IReadOnlyDictionary<int, Balance> Balances =>
        Funds.GroupBy(f => f.FiscalYear).ToDictionary(year => year.Key, year => year.Aggregate(Balance.Zero, (sum, f) => sum + f.Balance));

    /// <inheritdoc />
    public static PlanRow? Apply(PlanRow? state, string id, object e) => (state, e) switch
    {
        (null, RowPlanned p) => new PlanRow(id, p.Measure, p.Code, p.Title, p.Holder, p.Source, p.Years, [], [], []).Post(p),
        ({ }, RowYearPlanned y) => state.Saying(y.Year).Post(y),
        ({ }, RowHolderChanged h) => state with { Holder = h.Holder },
        ({ }, PlanChanged c) => state.Without(c.Reverses).Post(c),
        ({ }, FundsMoved m) => state.Without(m.Reverses).Post(m),
        ({ }, ITransaction t) => state.Post(t),
        ({ }, YearClosed c) => state with { ClosedYears = [.. state.ClosedYears.Append(c.FiscalYear).Order()] },
        ({ }, YearReopened r) => state with { ClosedYears = [.. state.ClosedYears.Where(y => y != r.FiscalYear)] },
        _ => state,
    };

    /// <inheritdoc />
    public IChained WithHead(string head) => this with { Head = head };

    /// <inheritdoc />
    public void Journal(IDocumentOperations session, IEvent e, long version) => Funding.Journal.Waiting.Add(session, Lines(e.Id, e.Data, version, Chain.RecordedOf(e)));

    /// <summary>
    /// The journal's lines of a transaction, after which this is the state: one for each year and source.
    /// </summary>
    internal IReadOnlyList<JournalLine> Lines(Guid id, object data, long version, DateTimeOffset recordedAt) => data is not ITransaction t ? [] :
    [
        .. t.Postings.GroupBy(p => (p.FiscalYear, p.Source)).Select(fund => new JournalLine(
            Id, version, fund.Key.FiscalYear, fund.Key.Source, id, t.BusinessDate, InMicroseconds(recordedAt),
            (t as IReservationTransaction)?.ReservationId.Value, (t as IReservationTransaction)?.CommitmentId?.Value,
            fund.Aggregate(Balance.Zero, (sum, p) => sum.Post(p)), Funds.First(f => f.FiscalYear == fund.Key.FiscalYear && f.Source == fund.Key.Source).Balance)),
    ];

    // As the database keeps it.
    private static DateTimeOffset InMicroseconds(DateTimeOffset at) => new(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);

    /// <summary>Begins a row with what the plan says of it.</summary>
    /// <param name="planned">The row; its years, postings and their order are not looked at.</param>
    /// <param name="years">What the plan says of each year, and from where an amount comes.</param>
    /// <param name="closed">The region's closed years: they are closed on the new row, too.</param>
    public static Decision Plan(RowPlanned planned, IReadOnlyList<YearOfPlan> years, IReadOnlyList<int> closed)
    {
        if (years.GroupBy(y => y.FiscalYear).Any(year => year.Count() > 1))
            return Refusal.Invalid("years", "The plan says one thing of a year.");
        if (years.Select(y => y.Fault("years") ?? WhyClosed(y.FiscalYear, closed)).FirstOrDefault(f => f is not null) is { } fault)
            return fault;
        var said = years.OrderBy(y => y.FiscalYear).ToList();
        var postings = said.SelectMany(y => y.Postings).ToList();
        return
        [
            planned with { Years = [.. said.Select(y => y.Planned)], Postings = postings },
            .. closed.Select(year => new YearClosed(planned.Row, year, [], planned.BusinessDate)),
        ];
    }

    /// <summary>
    /// Says what the plan gives the row in a year of which it said nothing yet, or no amount. An amount that it said, and
    /// money that the year has, change by changes of the plan.
    /// </summary>
    public Decision PlanYear(YearOfPlan year, string reason, DateOnly date) =>
        year.Fault(null) is { } fault ? fault
        : WhyClosed(year.FiscalYear) is { } closed ? closed
        : Funds.Any(f => f.FiscalYear == year.FiscalYear) || Years.Any(y => y.FiscalYear == year.FiscalYear && y.Amount is not null)
            ? Refusal.Conflict($"The row {Id} has money for {year.FiscalYear} already: a change of the plan gives or takes.")
        : Years.Contains(year.Planned) ? Refusal.Conflict($"The plan says that already of the row {Id} for {year.FiscalYear}.")
        : [new RowYearPlanned(Id, year.Planned, reason, year.Postings, date)];

    /// <summary>Gives the row to somebody else.</summary>
    public Decision ChangeHolder(string holder, string reason, DateOnly date) =>
        holder == Holder
            ? Refusal.Conflict($"The row {Id} is carried out by them already.")
            : [new RowHolderChanged(Id, holder, reason, date)];

    /// <summary>Sets money aside for a challenge, or says why not. Asked once more it changes nothing.</summary>
    public Decision Reserve(Reservation? known, ChallengeId challenge, int year, Money amount, DateOnly date)
    {
        if (known is not null)
            return [];
        // It was asked for on that day; where the money came later, it was not set aside before.
        var day = Available(year, null, date).Sum() < amount.Amount ? (Credits ?? []).Where(c => c.FiscalYear == year).Select(c => c.On).Append(date).Max() : date;
        return WhyNot(year, amount, null, day) is { } refusal
            ? [new FundsRefused(challenge, Id, year, amount, refusal.Reason)]
            : [Reserved(new ReservationId(challenge.Value), year, amount, null, day) with { ChallengeId = challenge }];
    }

    /// <summary>Sets money aside for a purpose.</summary>
    /// <param name="id">The new reservation.</param>
    /// <param name="year">The budget year.</param>
    /// <param name="amount">How much.</param>
    /// <param name="source">From which source; null: from all that the row has, in their order.</param>
    /// <param name="purpose">What it is for.</param>
    /// <param name="expiresOn">The last day on which it can be committed; null: it does not lapse.</param>
    /// <param name="date">The day that it counts for.</param>
    /// <param name="kind">Which purpose of systemic money it serves; null: not said.</param>
    public Decision Reserve(
        ReservationId id, int year, Money amount, FundingSource? source, string purpose, DateOnly? expiresOn, DateOnly date, ExpenditurePurpose? kind = null) =>
        expiresOn < date ? Refusal.Invalid("expiresOn", "A reservation does not expire before the day that it counts for.")
        : WhyNot(year, amount, source, date) is { } refusal ? refusal
        : [Reserved(id, year, amount, source, date) with { Purpose = purpose, ExpiresOn = expiresOn, ExpenditurePurpose = kind }];

    /// <summary>Gives the row more money in a year, or takes away what nobody has asked for.</summary>
    /// <param name="amount">How much more; negative: less.</param>
    /// <param name="change">All else of the transaction; its amount and postings are not looked at.</param>
    public Decision ChangePlan(Money amount, PlanChanged change)
    {
        if (amount.Currency != "EUR" || amount.Amount is 0 or < -MostPlanned or > MostPlanned)
            return Refusal.Invalid("amount", $"A change of the plan is not zero, at most {Text(Money.Eur(MostPlanned))}, and in EUR.");
        if (WhyNotReverse(change.Reverses) is { } twice)
            return twice;
        if (amount.Amount < 0 && WhyNotTake(change.FiscalYear, change.Source, -amount.Amount, change.BusinessDate) is { } refusal)
            return refusal;
        if (amount.Amount > 0 && WhyNotGive("fiscalYear", change.FiscalYear, amount.Amount) is { } full)
            return full;
        return [change with
        {
            Amount = amount,
            Postings = Account.Transfer(Account.Planned, Account.Available, change.FiscalYear, [new Share(change.Source, amount)]),
        }];
    }

    /// <summary>Moves money that nobody has asked for to another row, year or source.</summary>
    /// <param name="from">The row that gives.</param>
    /// <param name="to">The row that takes; the same one where only year or source change.</param>
    /// <param name="move">The transaction; its row and postings are not looked at.</param>
    /// <returns>What happens on the one, and on the other where it is another one.</returns>
    public static IReadOnlyList<Decision> Move(PlanRow from, PlanRow to, FundsMoved move)
    {
        if (move.Amount.Currency != "EUR" || move.Amount.Amount < 1)
            return [Refusal.Invalid("amount", "A move is more than zero, in EUR.")];
        if (move.From == move.To)
            return [Refusal.Invalid("toRow", "The money is there already: another row, year or source has to be named.")];
        if ((from.WhyNotReverse(move.Reverses)
            ?? from.WhyNotTake(move.From.FiscalYear, move.From.Source, move.Amount.Amount, move.BusinessDate)
            ?? to.WhyNotGive("toFiscalYear", move.To.FiscalYear, move.Amount.Amount)) is { } refusal)
            return [refusal];
        var given = Account.Transfer(Account.Available, Account.Planned, move.From.FiscalYear, [new Share(move.From.Source, move.Amount)]);
        var taken = Account.Transfer(Account.Planned, Account.Available, move.To.FiscalYear, [new Share(move.To.Source, move.Amount)]);
        return from.Id == to.Id
            ? [[move with { Row = from.Id, Postings = [.. given, .. taken] }]]
            : [[move with { Row = from.Id, Postings = given }], [move with { Row = to.Id, Postings = taken }]];
    }

    /// <summary>Closes a year's books; what is still reserved or committed is settled first.</summary>
    public Decision Close(int year, DateOnly date)
    {
        if (ClosedYears.Contains(year))
            return Refusal.Conflict($"The year {year} is closed already.");
        var funds = Funds.Where(f => f.FiscalYear == year).ToList();
        if (funds.Any(f => f.Balance.Reserved.Amount != 0 || f.Balance.Committed.Amount != 0))
        {
            var sum = funds.Aggregate(Balance.Zero, (sum, f) => sum + f.Balance);
            return Refusal.Conflict($"The row {Id} has {Text(sum.Reserved)} reserved and {Text(sum.Committed)} committed for {year}: pay or release it first.");
        }

        return [new YearClosed(Id, year, [.. funds.Select(f => new ClosingBalance(f.Source, f.Balance.Planned, f.Balance.Available, f.Balance.Paid))], date)];
    }

    /// <summary>Opens a closed year again.</summary>
    public Decision Reopen(int year, string reason, DateOnly date) => ClosedYears.Contains(year)
        ? [new YearReopened(Id, year, reason, date)]
        : Refusal.Conflict($"The year {year} is not closed.");

    /// <summary>Why nothing may happen in a year; null where it is open.</summary>
    internal Refusal? WhyClosed(int year) => WhyClosed(year, ClosedYears);

    private static Refusal? WhyClosed(int year, IReadOnlyList<int> closed) =>
        closed.Contains(year) ? Refusal.Conflict($"The books of {year} are closed: an auditor can open them again.") : null;

    /// <summary>
    /// What nobody has asked for yet in a year, by source, and what was there on a day: what came later is not in.
    /// </summary>
    internal IReadOnlyList<Share> Available(int year, FundingSource? source, DateOnly date) =>
    [
        .. Funds.Where(f => f.FiscalYear == year && (source is null || f.Source == source)).Select(f => new Share(
            f.Source, Money.Eur(Math.Max(0, f.Balance.Available.Amount - (Credits ?? []).Where(c => c.IsOf(f) && c.On > date).Sum(c => c.Amount.Amount))))),
    ];

    internal static string Text(Money money) => string.Create(CultureInfo.InvariantCulture, $"{money.Amount / 100m:N2} {money.Currency}");

    private FundsReserved Reserved(ReservationId id, int year, Money amount, FundingSource? source, DateOnly date) => new(
        id, Id, year, amount, Account.Transfer(Account.Available, Account.Reserved, year, Available(year, source, date).Take(amount.Amount)), date);

    private Refusal? WhyNotReverse(Guid? mistake) =>
        mistake is not { } id ? null
        : Reversed.Contains(id) ? Refusal.Conflict($"The transaction {id} is reversed already.")
        : Reversed.Count >= MostReversals ? Refusal.Conflict($"A row has at most {MostReversals} reversals of its plan.")
        : null;

    private PlanRow Saying(PlannedYear year) =>
        this with { Years = [.. Years.Where(y => y.FiscalYear != year.FiscalYear).Append(year).OrderBy(y => y.FiscalYear)] };

    private PlanRow Without(Guid? mistake) => mistake is { } id ? this with { Reversed = [.. Reversed, id] } : this;

    private Refusal? WhyNotTake(int year, FundingSource source, long cents, DateOnly date)
    {
        var available = Available(year, source, date).Sum();
        return WhyClosed(year) ?? (cents > available
            ? Refusal.Invalid("amount", $"The row {Id} has {Text(Money.Eur(available))} available for {year} from this source{On(year, source, date)}; it cannot give {Text(Money.Eur(cents))}.")
            : null);
    }

    private Refusal? WhyNotGive(string field, int year, long cents) =>
        WhyClosed(year)
        ?? (year is < FirstYear or > LastYear ? Refusal.Invalid(field, $"A budget year is {FirstYear} to {LastYear}.") : null)
        ?? (cents > MostPlanned - Funds.Where(f => f.FiscalYear == year).Sum(f => f.Balance.Planned.Amount)
            ? Refusal.Invalid("amount", $"A row has at most {Text(Money.Eur(MostPlanned))} for a year.")
            : null);

    // Where the day makes the difference, the sentence says so.
    private string On(int year, FundingSource? source, DateOnly date) =>
        Available(year, source, date).Sum() == Available(year, source, DateOnly.MaxValue).Sum() ? "" : $" that was there on {date:yyyy-MM-dd}";

    private Refusal? WhyNot(int year, Money amount, FundingSource? source, DateOnly date)
    {
        if (amount.Currency != "EUR" || amount.Amount < 1)
            return Refusal.Invalid("amount", "A reservation is more than zero, in EUR.");
        if (WhyClosed(year) is { } closed)
            return closed;
        var planned = Years.FirstOrDefault(y => y.FiscalYear == year);
        if (planned?.Amount is null && !Funds.Any(f => f.FiscalYear == year))
            return Refusal.Invalid("fiscalYear", planned?.State switch
            {
                PlannedState.Tick => $"The row {Id} is carried by regular funds in {year}; the plan gives it no amount.",
                PlannedState.Unknown => $"The amount of the row {Id} for {year} is not known.",
                _ => $"The plan says nothing of the row {Id} for {year}.",
            });
        var available = Money.Eur(Available(year, source, date).Sum());
        return amount.Amount > available.Amount
            ? Refusal.Invalid("amount", $"The row {Id} has {Text(available)} available for {year}{On(year, source, date)}; {Text(amount)} was asked for.")
            : null;
    }

    private PlanRow Post(ITransaction transaction)
    {
        var postings = transaction.Postings;
        if (postings.GroupBy(p => (p.FiscalYear, p.Source)).Any(fund => fund.Sum(p => p.Amount.Amount) != 0))
            throw new InvalidOperationException($"The postings on row {Id} do not sum to zero.");
        var funds = Funds.ToDictionary(f => (f.FiscalYear, f.Source), f => f.Balance);
        foreach (var posting in postings)
            funds[(posting.FiscalYear, posting.Source)] = funds.GetValueOrDefault((posting.FiscalYear, posting.Source), Balance.Zero).Post(posting);
        return this with
        {
            Funds = [.. funds.OrderBy(f => f.Key).Select(f => new Fund(f.Key.FiscalYear, f.Key.Source, f.Value))],
            Credits = (Credits ?? []).With(transaction),
        };
    }
}
