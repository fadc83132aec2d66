using System.Globalization;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>The money of a row in a year. Planned = available + reserved + committed + paid, always.</summary>
/// <param name="Planned">What the plan gives.</param>
/// <param name="Available">What nobody has asked for yet.</param>
/// <param name="Reserved">Set aside for open challenges.</param>
/// <param name="Committed">Promised to winners.</param>
/// <param name="Paid">Paid to winners.</param>
public sealed record Balance(Money Planned, Money Available, Money Reserved, Money Committed, Money Paid)
{
    internal static readonly Balance Zero = new(Money.Eur(0), Money.Eur(0), Money.Eur(0), Money.Eur(0), Money.Eur(0));

    /// <summary>Account by account.</summary>
    public static Balance operator +(Balance a, Balance b) => new(
        Sum(a.Planned, b.Planned), Sum(a.Available, b.Available), Sum(a.Reserved, b.Reserved), Sum(a.Committed, b.Committed), Sum(a.Paid, b.Paid));

    internal Balance Post(Posting posting) => posting.Account switch
    {
        // The plan is where money comes from: its account is credited, so what is planned is its negative balance.
        Account.Planned => this with { Planned = Money.Eur(Planned.Amount - posting.Amount.Amount) },
        Account.Available => this with { Available = Sum(Available, posting.Amount) },
        Account.Reserved => this with { Reserved = Sum(Reserved, posting.Amount) },
        Account.Committed => this with { Committed = Sum(Committed, posting.Amount) },
        Account.Paid => this with { Paid = Sum(Paid, posting.Amount) },
        _ => throw new InvalidOperationException($"There is no account {posting.Account}."),
    };

    private static Money Sum(Money a, Money b) => Money.Eur(checked(a.Amount + b.Amount));
}

/// <summary>The accounts of a row.</summary>
internal static class Account
{
    public const string Planned = "planned";
    public const string Available = "available";
    public const string Reserved = "reserved";
    public const string Committed = "committed";
    public const string Paid = "paid";

    /// <summary>A double entry: what one account gives, the other takes.</summary>
    public static IReadOnlyList<Posting> Transfer(string from, string to, int year, long cents) =>
        cents == 0 ? [] : [new Posting(from, year, Money.Eur(-cents)), new Posting(to, year, Money.Eur(cents))];
}

/// <summary>Money that is set aside for a challenge.</summary>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Remaining">What is not committed yet.</param>
/// <param name="Committed">What was committed so far, paid or not.</param>
/// <param name="Concluded">Whether the challenge is over: what remains is for awards that are still under way.</param>
/// <param name="Grants">What is committed and not paid, by the awarded idea.</param>
public sealed record Reservation(
    int FiscalYear, Money Remaining, Money Committed, bool Concluded, IReadOnlyDictionary<EntryId, OpenGrant> Grants);

/// <summary>Money that is promised to a winner and not paid yet.</summary>
/// <param name="Recipient">Who is to receive it.</param>
/// <param name="Amount">How much.</param>
/// <param name="RequesterKey">Who asked for it, as an account's key for the idea; null where it is not known.</param>
public sealed record OpenGrant(string Recipient, Money Amount, string? RequesterKey = null);

/// <summary>A row of the action plan and its money: the unit that is kept balanced.</summary>
/// <param name="Id">The row's id, e.g. U3-P4.</param>
/// <param name="Measure">The number of its measure.</param>
/// <param name="Code">Its code, as printed: not unique.</param>
/// <param name="Title">Its title, as printed.</param>
/// <param name="Holder">Who carries it out, as printed.</param>
/// <param name="Source">Where its money comes from, as printed; null where nothing is printed.</param>
/// <param name="Years">What the plan says of each year: an amount, a tick or unknown.</param>
/// <param name="Balances">The money, by year; only years with an amount have any.</param>
/// <param name="Reservations">The reservations that are not settled, by challenge.</param>
public sealed record PlanRow(
    string Id,
    int Measure,
    string Code,
    string Title,
    string Holder,
    string? Source,
    IReadOnlyList<PlannedYear> Years,
    IReadOnlyDictionary<int, Balance> Balances,
    IReadOnlyDictionary<ChallengeId, Reservation> Reservations) : IAggregate<PlanRow>
{
    /// <inheritdoc />
    public static PlanRow? Apply(PlanRow? state, string id, object e) => (state, e) switch
    {
        (null, RowPlanned p) => new PlanRow(
            id, p.Measure, p.Code, p.Title, p.Holder, p.Source, p.Years, new Dictionary<int, Balance>(), new Dictionary<ChallengeId, Reservation>())
            .Post(p.Postings),
        ({ }, FundsReserved r) => state.Post(r.Postings).With(
            r.ChallengeId, new Reservation(r.FiscalYear, r.Amount, Money.Eur(0), false, new Dictionary<EntryId, OpenGrant>())),
        ({ }, FundsCommitted c) => state.Post(c.Postings).With(c.ChallengeId, Commit(state.Reservations[c.ChallengeId], c)),
        ({ }, GrantPaid p) => state.Post(p.Postings).With(p.ChallengeId, Pay(state.Reservations[p.ChallengeId], p)),
        ({ }, FundsReleased r) => state.Post(r.Postings).With(r.ChallengeId, Release(state.Reservations[r.ChallengeId], r)),
        _ => state,
    };

    /// <summary>Sets money aside for a challenge, or says why not.</summary>
    public Decision Reserve(ChallengeId challenge, int year, Money amount)
    {
        if (Reservations.ContainsKey(challenge))
            return [];
        return WhyNot(year, amount) is { } reason
            ? [new FundsRefused(challenge, Id, year, amount, reason)]
            : [new FundsReserved(challenge, Id, year, amount, Account.Transfer(Account.Available, Account.Reserved, year, amount.Amount))];
    }

    /// <summary>Promises reserved money to a winner.</summary>
    public Decision Commit(ChallengeId challenge, EntryId entry, string recipient, Money amount, string? requesterKey = null)
    {
        if (Reservations.GetValueOrDefault(challenge) is not { } reservation)
            return Refusal.Conflict($"The row {Id} has no reservation for the challenge {challenge}.");
        if (amount.Currency != "EUR" || amount.Amount < 1 || amount.Amount > reservation.Remaining.Amount)
            return Refusal.Conflict($"Of the reservation for the challenge {challenge} {Text(reservation.Remaining)} is left; {Text(amount)} cannot be committed.");
        return [new FundsCommitted(
            challenge, entry, Id, reservation.FiscalYear, recipient, amount,
            Account.Transfer(Account.Reserved, Account.Committed, reservation.FiscalYear, amount.Amount), requesterKey)];
    }

    /// <summary>Pays a winner what was promised, once; who asked for it does not approve it.</summary>
    public Decision Pay(ChallengeId challenge, EntryId entry, string approver)
    {
        if (Reservations.GetValueOrDefault(challenge) is not { } reservation || reservation.Grants.GetValueOrDefault(entry) is not { } grant)
            return Refusal.Conflict($"The grant {entry} is paid already.");
        if (grant.RequesterKey == AccountKey.Of(entry, approver))
            return Refusal.Forbidden("Who asked for a payment does not approve it: another treasurer has to.");
        return [new GrantPaid(
            challenge, entry, Id, reservation.FiscalYear, grant.Recipient, grant.Amount,
            Account.Transfer(Account.Committed, Account.Paid, reservation.FiscalYear, grant.Amount.Amount))];
    }

    /// <summary>
    /// Gives back what a concluded challenge did not award. Awards that have not arrived here yet (one may wait in the error
    /// queue) keep their money.
    /// </summary>
    /// <param name="challenge">The challenge.</param>
    /// <param name="awarded">What it awarded in all.</param>
    public Decision Release(ChallengeId challenge, Money awarded)
    {
        if (Reservations.GetValueOrDefault(challenge) is not { Concluded: false } reservation)
            return [];
        var underWay = Math.Max(0, awarded.Amount - reservation.Committed.Amount);
        var release = Math.Max(0, reservation.Remaining.Amount - underWay);
        return [new FundsReleased(
            challenge, Id, reservation.FiscalYear, Money.Eur(release),
            Account.Transfer(Account.Reserved, Account.Available, reservation.FiscalYear, release))];
    }

    internal static string Text(Money money) => string.Create(CultureInfo.InvariantCulture, $"{money.Amount / 100m:N2} {money.Currency}");

    private string? WhyNot(int year, Money amount)
    {
        if (amount.Currency != "EUR" || amount.Amount < 1)
            return "A reservation is more than zero, in EUR.";
        var planned = Years.FirstOrDefault(y => y.FiscalYear == year);
        if (planned?.Amount is null)
            return planned?.State switch
            {
                PlannedState.Tick => $"The row {Id} is carried by regular funds in {year}; the plan gives it no amount.",
                PlannedState.Unknown => $"The amount of the row {Id} for {year} is not known.",
                _ => $"The plan says nothing of the row {Id} for {year}.",
            };
        var available = Balances.GetValueOrDefault(year, Balance.Zero).Available;
        return amount.Amount > available.Amount
            ? $"The row {Id} has {Text(available)} available for {year}; {Text(amount)} was asked for."
            : null;
    }

    private static Reservation Commit(Reservation r, FundsCommitted e) => r with
    {
        Remaining = Money.Eur(r.Remaining.Amount - e.Amount.Amount),
        Committed = Money.Eur(r.Committed.Amount + e.Amount.Amount),
        Grants = new Dictionary<EntryId, OpenGrant>(r.Grants) { [e.EntryId] = new(e.Recipient, e.Amount, e.RequesterKey) },
    };

    private static Reservation Pay(Reservation r, GrantPaid e) =>
        r with { Grants = r.Grants.Where(g => g.Key != e.EntryId).ToDictionary() };

    private static Reservation Release(Reservation r, FundsReleased e) =>
        r with { Remaining = Money.Eur(r.Remaining.Amount - e.Amount.Amount), Concluded = true };

    private PlanRow Post(IReadOnlyList<Posting> postings)
    {
        if (postings.Sum(p => p.Amount.Amount) != 0)
            throw new InvalidOperationException($"The postings on row {Id} do not sum to zero.");
        var balances = new Dictionary<int, Balance>(Balances);
        foreach (var posting in postings)
            balances[posting.FiscalYear] = balances.GetValueOrDefault(posting.FiscalYear, Balance.Zero).Post(posting);
        return this with { Balances = balances };
    }

    // A reservation that is settled leaves the row, so that the row does not grow with its history.
    private PlanRow With(ChallengeId challenge, Reservation reservation)
    {
        var reservations = new Dictionary<ChallengeId, Reservation>(Reservations);
        if (reservation is { Concluded: true, Remaining.Amount: 0, Grants.Count: 0 })
            reservations.Remove(challenge);
        else
            reservations[challenge] = reservation;
        return this with { Reservations = reservations };
    }
}
