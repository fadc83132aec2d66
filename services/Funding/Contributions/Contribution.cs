using System.Globalization;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>How far a contribution has come in.</summary>
public enum ContributionState
{
    /// <summary>Called; nothing has come in.</summary>
    Called,

    /// <summary>A part has come in.</summary>
    PartlyReceived,

    /// <summary>All has come in, to the cent.</summary>
    Received,

    /// <summary>More has come in than was called.</summary>
    Overpaid,
}

/// <summary>Money that came in.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Amount">How much.</param>
/// <param name="Date">The day that it came in.</param>
/// <param name="BankTransaction">The bank's own id of it; null where it is not said.</param>
/// <param name="CarriedFrom">The year whose credit it is; null where it came from the bank.</param>
/// <param name="IsReversed">Whether it was a mistake, and taken back.</param>
public sealed record Receipt(Guid Id, Money Amount, DateOnly Date, string? BankTransaction, int? CarriedFrom, bool IsReversed = false);

/// <summary>
/// What a municipality gives for a year (policy, measure 4: earmarked in its budget, by the
/// contribution key and on the basis of the annual plan), as a ledger of its own. Called −
/// outstanding + credit = received, after every transaction.
/// </summary>
/// <param name="Id">Its year and municipality, with a slash between; the stream has a longer key.</param>
/// <param name="Year">The budget year.</param>
/// <param name="Municipality">The municipality's code.</param>
/// <param name="PlanVersion">The version of the annual plan that it was called for.</param>
/// <param name="DueOn">The last day to pay.</param>
/// <param name="Reference">The newest reference to pay with.</param>
/// <param name="References">All of them, the oldest first.</param>
/// <param name="Called">What it was asked for.</param>
/// <param name="Received">What came in, less what was given back or carried on.</param>
/// <param name="Outstanding">What is still to come.</param>
/// <param name="Credit">What came beyond the call; somebody decides what becomes of it.</param>
/// <param name="Receipts">What came in, the oldest first.</param>
/// <param name="Reminded">The last reminder: 0 is due soon, 1, 15 and 30 are days after; −1 is none yet.</param>
/// <param name="Head">The hash of its newest event, over that one and all before it.</param>
public sealed record Contribution(
    string Id,
    int Year,
    string Municipality,
    int PlanVersion,
    DateOnly DueOn,
    string Reference,
    IReadOnlyList<string> References,
    Money Called,
    Money Received,
    Money Outstanding,
    Money Credit,
    IReadOnlyList<Receipt> Receipts,
    int Reminded,
    string? Head = null) : IAggregate<Contribution>, IAddressed, IChained
{
    /// <inheritdoc />
    string IAddressed.AddressId => $"{Year}/{Municipality}";

    private const int MostCalls = 99;
    private const int MostReceipts = 200;
    private const long LargestAmount = 100_000_000_000;

    private static readonly int[] Overdue = [1, 15, 30];

    /// <summary>How far it has come in.</summary>
    public ContributionState State =>
        Credit.Amount > 0 ? ContributionState.Overpaid
        : Outstanding.Amount == 0 ? ContributionState.Received
        : Received.Amount > 0 ? ContributionState.PartlyReceived
        : ContributionState.Called;

    /// <summary>The key of its stream.</summary>
    public static string Stream(int year, string municipality) => string.Create(CultureInfo.InvariantCulture, $"{LedgerStreams.Contributions}/{year}/{municipality}");

    /// <summary>Whether what is called, outstanding, credit and received fit together.</summary>
    internal bool IsBalanced =>
        Called.Amount - Outstanding.Amount + Credit.Amount == Received.Amount && Math.Min(Outstanding.Amount, Credit.Amount) == 0 && Received.Amount >= 0;

    /// <inheritdoc />
    public static Contribution? Apply(Contribution? state, string id, object e) => (state, e) switch
    {
        (_, ContributionCalled c) => ((state ?? Nothing(id, c)) with
        {
            PlanVersion = c.PlanVersion,
            DueOn = c.DueOn,
            Reference = c.Reference,
            References = [.. state?.References ?? [], c.Reference],
            Reminded = -1,
        }).Post(c),
        ({ }, ContributionReceived r) => (state with
        {
            Receipts = [.. state.Receipts, new Receipt(r.ReceiptId, r.Amount, r.BusinessDate, r.BankTransaction, r.CarriedFrom)],
        }).Post(r),
        ({ }, ContributionReceiptReversed r) => (state with
        {
            Receipts = [.. state.Receipts.Select(known => known.Id == r.ReceiptId ? known with { IsReversed = true } : known)],
        }).Post(r),
        ({ }, ContributionDueSoon) => state with { Reminded = 0 },
        ({ }, ContributionOverdue o) => state with { Reminded = o.Days },
        ({ }, IContributionTransaction t) => state.Post(t),
        _ => state,
    };

    /// <inheritdoc />
    public IChained WithHead(string head) => this with { Head = head };

    /// <summary>
    /// Asks a municipality for its confirmed share: for the first time, or anew
    /// after a newer version of the annual plan.
    /// </summary>
    /// <param name="state">What was called before; null where nothing was.</param>
    /// <param name="plan">The annual plan.</param>
    /// <param name="municipality">The municipality's code.</param>
    /// <param name="dueOn">The last day to pay.</param>
    /// <param name="today">The day that it counts for.</param>
    public static Decision Call(Contribution? state, AnnualPlan plan, string municipality, DateOnly dueOn, DateOnly today)
    {
        if (plan.Find(municipality) is not { } answer)
            return Refusal.NotFound($"The municipality {municipality} has no share in the annual plan of {plan.Year}.");
        if (answer.State != ShareState.Confirmed)
            return Refusal.Conflict($"The municipality {municipality} has not confirmed version {plan.SubmittedVersion} of the annual plan of {plan.Year}.");
        if (answer.Share.Amount == 0 && state is null)
            return Refusal.Conflict($"The municipality {municipality} has a share of zero: there is nothing to call.");
        if (state?.PlanVersion >= plan.SubmittedVersion)
            return Refusal.Conflict($"The municipality {municipality} was called for version {plan.SubmittedVersion} already.");
        if (state?.References.Count >= MostCalls)
            return Refusal.Conflict($"A contribution is called at most {MostCalls} times.");
        if (dueOn < today || dueOn > today.AddYears(2))
            return Refusal.Invalid("dueOn", "The last day to pay is today or later, within two years.");
        if (ContributionReference.Of(plan.Year, municipality, (state?.References.Count ?? 0) + 1) is not { } reference)
            return Refusal.Conflict($"The code {municipality} has not three digits, so that no reference can be made of it.");
        var (called, received) = (state?.Called.Amount ?? 0, state?.Received.Amount ?? 0);
        return [new ContributionCalled(
            plan.Year, municipality, answer.Share, plan.SubmittedVersion, dueOn, reference.ToString(),
            ContributionAccount.Move(plan.Year, called, received, answer.Share.Amount - called, 0), today)];
    }

    /// <summary>Takes money that came in: all, a part, or more than was called.</summary>
    /// <param name="receipt">The new receipt.</param>
    /// <param name="amount">How much.</param>
    /// <param name="reference">The reference that it was paid with; null where none is said.</param>
    /// <param name="bankTransaction">The bank's own id of it; null where it is not said.</param>
    /// <param name="date">The day that it came in.</param>
    public Decision Receive(Guid receipt, Money amount, string? reference, string? bankTransaction, DateOnly date) =>
        reference is not null && !References.Contains(reference)
            ? Refusal.Invalid("reference", $"The municipality {Municipality} was not called with {reference} for {Year}.")
        : Fault(amount) is { } fault ? fault
        : bankTransaction is not null && Receipts.Any(r => r.BankTransaction == bankTransaction && !r.IsReversed)
            ? Refusal.Conflict($"The bank's transaction {bankTransaction} is booked already.")
        : Receipts.Count >= MostReceipts ? Refusal.Conflict($"A contribution has at most {MostReceipts} receipts.")
        : [NewReceipt(receipt, amount, date) with { BankTransaction = bankTransaction }];

    /// <summary>Takes what is carried over from an earlier year. Told once more it changes nothing.</summary>
    public Decision TakeOver(ContributionCreditCarried credit) =>
        Receipts.Any(r => r.Id == credit.ReceiptId) ? [] : [NewReceipt(credit.ReceiptId, credit.Amount, credit.BusinessDate) with { CarriedFrom = credit.Year }];

    /// <summary>Takes a mistaken receipt back.</summary>
    public Decision Reverse(Guid receipt, string reason, DateOnly date)
    {
        if (Receipts.FirstOrDefault(r => r.Id == receipt) is not { } mistake)
            return Refusal.NotFound($"The municipality {Municipality} has no receipt {receipt} for {Year}.");
        if (mistake.IsReversed)
            return Refusal.Conflict($"The receipt {receipt} is reversed already.");
        if (mistake.CarriedFrom is { } from)
            return Refusal.Conflict($"This is the credit of {from}, and no receipt of the bank: it is not reversed.");
        if (Received.Amount < mistake.Amount.Amount)
            return Refusal.Conflict($"Of what came in, only {PlanRow.Text(Received)} has not been given back or carried on.");
        var (after, postings) = Move(-mistake.Amount.Amount);
        return [new ContributionReceiptReversed(
            Year, Municipality, receipt, mistake.Amount, reason, after.Outstanding, after.Credit, postings, date, mistake.BankTransaction)];
    }

    /// <summary>Gives back what came beyond the call, or a part of it.</summary>
    public Decision Refund(Money? amount, string reason, DateOnly date)
    {
        if (CreditFault(amount ?? Credit) is { } fault)
            return fault;
        var (after, postings) = Move(-(amount ?? Credit).Amount);
        return [new ContributionCreditRefunded(Year, Municipality, amount ?? Credit, reason, after.Credit, postings, date)];
    }

    /// <summary>Carries what came beyond the call, or a part of it, to the call of a later year.</summary>
    public Decision Carry(int toYear, Guid receipt, Money? amount, DateOnly date)
    {
        if (toYear <= Year)
            return Refusal.Invalid("toYear", $"A credit is carried to a later year than {Year}.");
        if (CreditFault(amount ?? Credit) is { } fault)
            return fault;
        var (after, postings) = Move(-(amount ?? Credit).Amount);
        return [new ContributionCreditCarried(Year, Municipality, toYear, receipt, amount ?? Credit, after.Credit, postings, date)];
    }

    /// <summary>
    /// Reminds of what is still to come: once before the last day to pay, and 1, 15 and 30 days after
    /// it. Of several that were missed, only the newest is told.
    /// </summary>
    /// <param name="today">The day.</param>
    /// <param name="daysBefore">How many days before the last one.</param>
    public Decision Remind(DateOnly today, int daysBefore)
    {
        var late = today.DayNumber - DueOn.DayNumber;
        var days = Overdue.LastOrDefault(d => d <= late);
        return Outstanding.Amount == 0 || late < -daysBefore || days <= Reminded ? []
            : days == 0 ? [new ContributionDueSoon(Year, Municipality, Outstanding, DueOn, Reference, today)]
            : [new ContributionOverdue(Year, Municipality, Outstanding, DueOn, days, Reference, today)];
    }

    private static Contribution Nothing(string id, ContributionCalled c) => new(
        id, c.Year, c.Municipality, 0, c.DueOn, c.Reference, [], Money.Eur(0), Money.Eur(0), Money.Eur(0), Money.Eur(0), [], -1);

    private ContributionReceived NewReceipt(Guid receipt, Money amount, DateOnly date)
    {
        var (after, postings) = Move(amount.Amount);
        return new ContributionReceived(Year, Municipality, receipt, amount, after.Outstanding, after.Credit, postings, date);
    }

    private (Contribution After, IReadOnlyList<Posting> Postings) Move(long received)
    {
        var postings = ContributionAccount.Move(Year, Called.Amount, Received.Amount, 0, received);
        return (Post(postings), postings);
    }

    private static Refusal? Fault(Money amount) =>
        amount.Currency != "EUR" || amount.Amount is < 1 or > LargestAmount
            ? Refusal.Invalid("amount", $"An amount is more than zero and at most {PlanRow.Text(Money.Eur(LargestAmount))}.")
            : null;

    private Refusal? CreditFault(Money amount) =>
        Credit.Amount == 0 ? Refusal.Conflict($"The municipality {Municipality} has no credit for {Year}.")
        : Fault(amount) is { } fault ? fault
        : amount.Amount > Credit.Amount ? Refusal.Conflict($"The credit is {PlanRow.Text(Credit)}; {PlanRow.Text(amount)} is more.")
        : null;

    private Contribution Post(IContributionTransaction t) => Post(t.Postings);

    private Contribution Post(IReadOnlyList<Posting> postings)
    {
        if (postings.Sum(p => p.Amount.Amount) != 0)
            throw new InvalidOperationException($"The postings on {Id} do not sum to zero.");
        Money Of(string account) => Money.Eur(postings.Where(p => p.Account == account).Sum(p => p.Amount.Amount));
        Money Owed(string account) => Money.Eur(-Of(account).Amount);
        return this with
        {
            Called = Called.Plus(Owed(ContributionAccount.Called)),
            Received = Received.Plus(Of(ContributionAccount.Received)),
            Outstanding = Outstanding.Plus(Of(ContributionAccount.Receivable)),
            Credit = Credit.Plus(Owed(ContributionAccount.Credit)),
        };
    }
}

/// <summary>The accounts of a contribution.</summary>
internal static class ContributionAccount
{
    public const string Called = "called";
    public const string Receivable = "receivable";
    public const string Received = "received";
    public const string Credit = "credit";

    /// <summary>
    /// What changes where more, or less, is called or received: what is open is receivable, what is beyond is credit.
    /// </summary>
    public static IReadOnlyList<Posting> Move(int year, long called, long received, long moreCalled, long moreReceived)
    {
        var before = checked(called - received);
        var after = checked(before + moreCalled - moreReceived);
        (string Account, long Cents)[] lines =
        [
            (Called, -moreCalled),
            (Receivable, Math.Max(0, after) - Math.Max(0, before)),
            (Received, moreReceived),
            (Credit, Math.Max(0, -before) - Math.Max(0, -after)),
        ];
        return [.. lines.Where(l => l.Cents != 0).Select(l => new Posting(l.Account, year, FundingSource.MunicipalKey, Money.Eur(l.Cents)))];
    }
}

/// <summary>References of calls: model 12, of year (4 digits), municipality (3) and a running number (5).</summary>
internal static class ContributionReference
{
    private const int Digits = 13;

    /// <summary>The reference of a call; null where the municipality's code has not three digits.</summary>
    public static SiReference? Of(int year, string municipality, int number) =>
        municipality.Length == 3 && municipality.All(char.IsAsciiDigit)
            ? SiReference.Of12(string.Create(CultureInfo.InvariantCulture, $"{year:0000}{municipality}{number:00000}"))
            : null;

    /// <summary>What a reference was made for; null where it is not one of a call.</summary>
    public static (int Year, string Municipality)? Read(SiReference reference) =>
        reference is { Model: "12", Content: { Length: Digits } content }
            ? (int.Parse(content[..4], CultureInfo.InvariantCulture), content[4..7])
            : null;
}
