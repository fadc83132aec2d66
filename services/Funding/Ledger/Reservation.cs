using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>Money that is promised to somebody.</summary>
/// <param name="Id">Its id; an awarded idea's own.</param>
/// <param name="Recipient">Who receives it.</param>
/// <param name="Outstanding">What is still to be paid, by source.</param>
/// <param name="Paid">What was paid and not given back, by source.</param>
/// <param name="EntryId">The awarded idea; null where it is no award.</param>
/// <param name="RequesterKey">Who asked for it, as an account's key for the
/// commitment; null where it is not known.</param>
/// <param name="Since">The newest day that something counts for which was promised, or is to be paid again.</param>
/// <param name="PaidSince">The newest day that a payment counts for; null where nothing was paid.</param>
public sealed record Commitment(
    CommitmentId Id,
    string Recipient,
    IReadOnlyList<Share> Outstanding,
    IReadOnlyList<Share> Paid,
    EntryId? EntryId,
    string? RequesterKey,
    DateOnly? Since = null,
    DateOnly? PaidSince = null)
{
    internal Commitment Post(IReservationTransaction t) => this with
    {
        Outstanding = Outstanding.Post(t.Postings, Account.Committed),
        Paid = Paid.Post(t.Postings, Account.Paid),
        Since = Days.Newest(Since, t, Account.Committed),
        PaidSince = Days.Newest(PaidSince, t, Account.Paid),
    };
}

/// <summary>
/// Days within a reservation. Money is not taken from an account for a day before it came there: so on no day was less
/// than nothing reserved, committed or paid, in whichever order transactions were recorded.
/// </summary>
internal static class Days
{
    public static DateOnly? Newest(DateOnly? since, IReservationTransaction t, string account) =>
        !(since >= t.BusinessDate) && t.Postings.Any(p => p.Account == account && p.Amount.Amount > 0) ? t.BusinessDate : since;

    /// <summary>What is wrong with a day; null where what the transaction rests on had happened by then.</summary>
    public static Refusal? WhyBefore(DateOnly? since, DateOnly date) => date < since
        ? Refusal.Invalid("date", $"It rests on what counts for {since:yyyy-MM-dd}: it does not count for a day before that.")
        : null;
}

/// <summary>Money of a row that is set aside, and what becomes of it: committed, paid, released, returned.</summary>
/// <param name="Id">Its id; a challenge's own.</param>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="ChallengeId">The challenge that it is for; null where it is for something else.</param>
/// <param name="Purpose">What it is for, in words; null for a challenge.</param>
/// <param name="ExpiresOn">The last day on which it can be committed; null: it does not lapse.</param>
/// <param name="ExpenditurePurpose">Which purpose of systemic money it serves; null where nobody said it.</param>
/// <param name="IsConcluded">Whether the challenge is over: what remains is
/// for awards that are still under way.</param>
/// <param name="Awarded">What was ever committed, in cents, less what was reversed.</param>
/// <param name="Remaining">What is not committed, by source.</param>
/// <param name="Commitments">What is promised, in the order of the promises.</param>
/// <param name="Reversed">Transactions that were taken back.</param>
/// <param name="Since">The newest day that something counts for which was set
/// aside, or came back from a commitment.</param>
public sealed record Reservation(
    [Format("uuid")] string Id,
    string Row,
    int FiscalYear,
    ChallengeId? ChallengeId,
    string? Purpose,
    DateOnly? ExpiresOn,
    ExpenditurePurpose? ExpenditurePurpose,
    bool IsConcluded,
    long Awarded,
    IReadOnlyList<Share> Remaining,
    IReadOnlyList<Commitment> Commitments,
    IReadOnlyList<Guid> Reversed,
    DateOnly? Since = null) : IPart<Reservation>
{
    private const int MostCommitments = 200;
    private const int MostReversals = 500;

    private ReservationId Key => new(Guid.Parse(Id));

    /// <inheritdoc />
    public static string? KeyOf(object e) => e is IReservationTransaction t ? t.ReservationId.ToString() : null;

    /// <inheritdoc />
    public static Reservation? Apply(Reservation? state, object e) => (state, e) switch
    {
        (null, FundsReserved r) => new Reservation(
            r.ReservationId.ToString(), r.Row, r.FiscalYear, r.ChallengeId, r.Purpose, r.ExpiresOn, r.ExpenditurePurpose, false, 0, [], [], []).Post(r),
        ({ }, FundsCommitted c) => (state with
        {
            Awarded = checked(state.Awarded + c.Amount.Amount),
            Commitments = [.. state.Commitments, new Commitment(c.CommitmentId, c.Recipient, [], [], c.EntryId, c.RequesterKey)],
        }).Post(c),
        ({ }, FundsReleased r) => (state with { IsConcluded = state.IsConcluded || r.Reason == ReleaseReason.Concluded }).Post(r),
        ({ }, TransactionReversed r) => (state with { Reversed = [.. state.Reversed, r.Reverses], Awarded = state.Awarded - Uncommitted(r) }).Post(r),
        ({ }, IReservationTransaction t) => state.Post(t),
        _ => state,
    };

    /// <summary>Promises reserved money to somebody.</summary>
    public Decision Commit(
        CommitmentId id, string recipient, Money amount, DateOnly date, string? requesterKey = null, EntryId? entry = null, string? municipality = null, DateOnly? dueOn = null)
    {
        if (Commitments.Any(c => c.Id == id))
            return Refusal.Conflict($"There is a commitment {id} already.");
        if (Commitments.Count >= MostCommitments)
            return Refusal.Conflict($"A reservation has at most {MostCommitments} commitments.");
        if (ExpiresOn < date)
            return Refusal.Conflict($"The reservation has expired on {ExpiresOn:yyyy-MM-dd}.");
        if (Fault(amount, Remaining, "committed") is { } fault)
            return fault;
        if (Days.WhyBefore(Since, date) is { } before)
            return before;
        return [new FundsCommitted(
            Key, id, Row, FiscalYear, recipient, amount, Move(Account.Reserved, Account.Committed, Remaining.Take(amount.Amount)), date,
            ChallengeId, entry, requesterKey, municipality, dueOn)];
    }

    /// <summary>Pays what was promised, or a part of it; who asked for it does not approve it.</summary>
    /// <param name="id">The commitment.</param>
    /// <param name="amount">How much; null: all that is outstanding.</param>
    /// <param name="approval">Who approves it.</param>
    /// <param name="request">The request that it answers; null: none.</param>
    /// <remarks>To which account is the grant's business: <see cref="Grant.Pay"/>.</remarks>
    internal Decision Pay(CommitmentId id, Money? amount, Approval approval, PaymentRequestId? request = null)
    {
        if (Find(id) is not { } commitment)
            return NoCommitment(id);
        if (IsAskedForBy(id, approval.Approver))
            return Refusal.Forbidden("Who promised this money, or asked for it, does not approve its payment: another treasurer has to.");
        if (commitment.Outstanding.Count == 0)
            return Refusal.Conflict($"The commitment {id} is paid already.");
        var pays = amount ?? Money.Eur(commitment.Outstanding.Sum());
        if (Fault(pays, commitment.Outstanding, "paid") is { } fault)
            return fault;
        if (Days.WhyBefore(commitment.Since, approval.Date) is { } before)
            return before;
        return [new FundsPaid(
            Key, id, Row, FiscalYear, commitment.Recipient, pays, Money.Eur(commitment.Outstanding.Sum() - pays.Amount),
            Move(Account.Committed, Account.Paid, commitment.Outstanding.Take(pays.Amount)), approval.Date,
            ChallengeId, commitment.EntryId, request, approval.Id)];
    }

    /// <summary>Whether somebody promised this money, or asked for it.</summary>
    /// <param name="id">The commitment.</param>
    /// <param name="account">The subject of their token.</param>
    internal bool IsAskedForBy(CommitmentId id, string account) => Find(id)?.RequesterKey == AccountKey.Of(id, account);

    /// <summary>
    /// Gives back what a concluded challenge did not award. Awards that have not arrived here yet
    /// (one may wait in the error queue) keep their money.
    /// </summary>
    /// <param name="awarded">What it awarded in all.</param>
    /// <param name="date">The day that it counts for.</param>
    public Decision Conclude(Money awarded, DateOnly date)
    {
        if (IsConcluded)
            return [];
        var underWay = Math.Max(0, awarded.Amount - Awarded);
        return [Released(ReleaseReason.Concluded, Remaining.Take(Math.Max(0, Remaining.Sum() - underWay)), NotBefore(date))];
    }

    /// <summary>Gives back what is left after the last day.</summary>
    public Decision Expire(DateOnly today) =>
        ExpiresOn < today && Remaining.Count > 0 ? [Released(ReleaseReason.Expired, Remaining, today)] : [];

    /// <summary>
    /// Gives back what is not needed: of the reservation to its row, of a commitment to the reservation.
    /// </summary>
    /// <param name="id">The commitment; null: the reservation.</param>
    /// <param name="amount">How much; null: all that is left.</param>
    /// <param name="date">The day that it counts for.</param>
    public Decision Release(CommitmentId? id, Money? amount, DateOnly date)
    {
        if (id is { } named && Find(named) is null)
            return NoCommitment(named);
        var left = id is { } of ? Find(of)!.Outstanding : Remaining;
        var release = amount ?? Money.Eur(left.Sum());
        if (Fault(release, left, "released") is { } fault)
            return fault;
        if (Days.WhyBefore(id is { } since ? Find(since)!.Since : Since, date) is { } before)
            return before;
        return id is null
            ? [Released(ReleaseReason.NotNeeded, left.Take(release.Amount), date)]
            : [new FundsReleased(
                Key, Row, FiscalYear, release, ReleaseReason.NotNeeded, Move(Account.Committed, Account.Reserved, left.Take(release.Amount)), date, id, ChallengeId)];
    }

    /// <summary>Takes back what was paid and not used; it is available again on the row.</summary>
    public Decision Return(CommitmentId id, Money amount, string reason, DateOnly date)
    {
        if (Find(id) is not { } commitment)
            return NoCommitment(id);
        if (Fault(amount, commitment.Paid, "returned") is { } fault)
            return fault;
        if (Days.WhyBefore(commitment.PaidSince, date) is { } before)
            return before;
        return [new FundsReturned(
            Key, id, Row, FiscalYear, commitment.Recipient, amount, reason, Move(Account.Paid, Account.Available, commitment.Paid.Take(amount.Amount)), date, commitment.EntryId)];
    }

    /// <summary>Takes a mistaken transaction back, as long as nothing else rests on what it moved.</summary>
    /// <param name="row">The row, as it is now.</param>
    /// <param name="id">The transaction.</param>
    /// <param name="mistake">What it was.</param>
    /// <param name="reason">What was wrong.</param>
    /// <param name="date">The day that the reversal counts for.</param>
    public Decision Reverse(PlanRow row, Guid id, IReservationTransaction mistake, string reason, DateOnly date)
    {
        if (Reversed.Contains(id))
            return Refusal.Conflict($"The transaction {id} is reversed already.");
        if (mistake is TransactionReversed)
            return Refusal.Conflict("A reversal is not reversed: do anew what it took back.");
        if (Reversed.Count >= MostReversals)
            return Refusal.Conflict($"A reservation has at most {MostReversals} reversals.");
        IReadOnlyList<Posting> postings = [.. mistake.Postings.Select(p => p with { Amount = Money.Eur(-p.Amount.Amount) })];
        var commitment = mistake.CommitmentId is { } of ? Find(of) : null;
        IEnumerable<Share> after =
        [
            .. row.Available(FiscalYear, null, date).Post(postings, Account.Available),
            .. Remaining.Post(postings, Account.Reserved),
            .. (commitment?.Outstanding ?? []).Post(postings, Account.Committed),
            .. (commitment?.Paid ?? []).Post(postings, Account.Paid),
        ];
        if (WhyBefore(postings, commitment, mistake.BusinessDate, date) is { } before)
            return before;
        return after.Any(s => s.Amount.Amount < 0)
            ? Refusal.Conflict("What this transaction moved has been moved on since: reverse that first.")
            : [new TransactionReversed(
                id, Key, Row, FiscalYear, reason, postings, date, mistake.CommitmentId, ChallengeId, commitment?.EntryId, (mistake as FundsPaid)?.PaymentRequestId)];
    }

    /// <summary>
    /// The day, or the one on which its money was there: for what others have decided on their own day.
    /// </summary>
    public DateOnly NotBefore(DateOnly date) => Since is { } since && since > date ? since : date;

    internal static Refusal NoCommitment(CommitmentId id) =>
        Refusal.NotFound($"The reservation has no commitment {id}.");

    private static Refusal? Fault(Money amount, IReadOnlyList<Share> left, string done) =>
        left.Count == 0 ? Refusal.Conflict($"Nothing is left that could be {done}.")
        : amount.Currency != "EUR" || amount.Amount < 1 ? Refusal.Invalid("amount", "An amount is more than zero, in EUR.")
        : amount.Amount > left.Sum() ? Refusal.Conflict($"{PlanRow.Text(Money.Eur(left.Sum()))} is left; {PlanRow.Text(amount)} cannot be {done}.")
        : null;

    // A reversal takes from wherever the mistake had put it.
    private Refusal? WhyBefore(IReadOnlyList<Posting> postings, Commitment? commitment, DateOnly mistake, DateOnly date)
    {
        bool Takes(string account) => postings.Any(p => p.Account == account && p.Amount.Amount < 0);
        return Days.WhyBefore(mistake, date)
            ?? (Takes(Account.Reserved) ? Days.WhyBefore(Since, date) : null)
            ?? (Takes(Account.Committed) ? Days.WhyBefore(commitment!.Since, date) : null)
            ?? (Takes(Account.Paid) ? Days.WhyBefore(commitment!.PaidSince, date) : null);
    }

    private static long Uncommitted(TransactionReversed r) =>
        r.Postings.Any(p => p.Account == Account.Reserved) ? -r.Postings.Where(p => p.Account == Account.Committed).Sum(p => p.Amount.Amount) : 0;

    private Commitment? Find(CommitmentId id) => Commitments.FirstOrDefault(c => c.Id == id);

    private IReadOnlyList<Posting> Move(string from, string to, IReadOnlyList<Share> shares) => Account.Transfer(from, to, FiscalYear, shares);

    private FundsReleased Released(ReleaseReason reason, IReadOnlyList<Share> shares, DateOnly date) => new(
        Key, Row, FiscalYear, Money.Eur(shares.Sum()), reason, Move(Account.Reserved, Account.Available, shares), date, null, ChallengeId);

    private Reservation Post(IReservationTransaction t) => this with
    {
        Remaining = Remaining.Post(t.Postings, Account.Reserved),
        Commitments = [.. Commitments.Select(c => c.Id == t.CommitmentId ? c.Post(t) : c)],
        Since = Days.Newest(Since, t, Account.Reserved),
    };
}
