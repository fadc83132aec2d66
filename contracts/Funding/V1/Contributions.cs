namespace KkiMesh.Contracts.Funding.V1;

/// <summary>What a part of a contribution key divides by.</summary>
public enum KeyBasis
{
    /// <summary>The number of inhabitants, as the key's version states it.</summary>
    Population,

    /// <summary>The same for each municipality.</summary>
    Equal,

    /// <summary>A fixed table of weights.</summary>
    Table,
}

/// <summary>A municipality's figure in a part of a contribution key.</summary>
/// <param name="Municipality">Its code, e.g. <c>003</c>.</param>
/// <param name="Value">Inhabitants, or a weight; a whole number, not negative.</param>
public sealed record KeyFigure(string Municipality, long Value);

/// <summary>A part of a contribution key: how its part of the money is divided.</summary>
/// <param name="Basis">What it divides by.</param>
/// <param name="Weight">How much of the money it divides, in proportion to
/// the other parts' weights; at least 1.</param>
/// <param name="Figures">One for each municipality of the key; null where all have the same.</param>
/// <param name="FiguresOn">The day that the figures hold for; null where it is not said.</param>
/// <param name="FiguresSource">Where they come from; null where it is not said.</param>
public sealed record KeyPart(
    KeyBasis Basis, int Weight, IReadOnlyList<KeyFigure>? Figures = null, DateOnly? FiguresOn = null, string? FiguresSource = null);

/// <summary>
/// The region adopted a contribution key (ključ delitve; policy, measure 4), or a newer version of one. A version is
/// never changed: its figures are its own, and a later census changes nothing that was decided by it.
/// </summary>
/// <param name="Key">The key's name in addresses.</param>
/// <param name="Version">Its version; the first is 1.</param>
/// <param name="NameSl">What it is called, in Slovene.</param>
/// <param name="NameEn">What it is called, in English.</param>
/// <param name="LegalBasis">By what it was adopted, in words.</param>
/// <param name="ValidFrom">The first day that it holds for (Europe/Ljubljana);
/// it holds until a newer version does.</param>
/// <param name="Municipalities">The codes of the municipalities that take part.</param>
/// <param name="Parts">How the money is divided: one part, or several with weights.</param>
/// <param name="BusinessDate">The day that it was recorded.</param>
[PublicEvent("kki.funding.contribution-key-adopted.v1")]
public sealed record ContributionKeyAdopted(
    string Key,
    int Version,
    string NameSl,
    string NameEn,
    string LegalBasis,
    DateOnly ValidFrom,
    IReadOnlyList<string> Municipalities,
    IReadOnlyList<KeyPart> Parts,
    DateOnly BusinessDate);

/// <summary>What systemic money is spent on (policy, measure 4).</summary>
public enum ExpenditurePurpose
{
    /// <summary>Costs of management.</summary>
    ManagementCosts,

    /// <summary>Upkeep of infrastructure, or investment in it.</summary>
    Infrastructure,

    /// <summary>Small incentives for small and medium-sized enterprises.</summary>
    SmallIncentives,
}

/// <summary>An item of an annual plan.</summary>
/// <param name="Row">The row of the action plan; one that has municipal money by the contribution key.</param>
/// <param name="Description">What for, in words.</param>
/// <param name="Purpose">Which of the three purposes it serves.</param>
/// <param name="Amount">How much, indicative (okvirno); more than zero.</param>
public sealed record AnnualPlanItem(string Row, string Description, ExpenditurePurpose Purpose, Money Amount);

/// <summary>A municipality's share of a total.</summary>
/// <param name="Municipality">Its code.</param>
/// <param name="Amount">Its share.</param>
public sealed record MunicipalShare(string Municipality, Money Amount);

/// <summary>
/// An annual plan (Letni načrt; policy, measure 4) was submitted to the municipalities for confirmation, or submitted
/// anew in a revised version. What was confirmed before was another version.
/// </summary>
/// <param name="Year">The budget year.</param>
/// <param name="Version">Its version; the first is 1.</param>
/// <param name="Items">What the money is for.</param>
/// <param name="Key">The contribution key that it is divided by.</param>
/// <param name="KeyVersion">The key's version.</param>
/// <param name="Shares">What each municipality is asked for; they sum to the items.</param>
/// <param name="BusinessDate">The day of submission.</param>
[PublicEvent("kki.funding.annual-plan-submitted.v1")]
public sealed record AnnualPlanSubmitted(
    int Year,
    int Version,
    IReadOnlyList<AnnualPlanItem> Items,
    string Key,
    int KeyVersion,
    IReadOnlyList<MunicipalShare> Shares,
    DateOnly BusinessDate);

/// <summary>A municipality confirmed its share of an annual plan.</summary>
/// <param name="Year">The budget year.</param>
/// <param name="Version">The version that it confirmed.</param>
/// <param name="Municipality">Its code.</param>
/// <param name="Amount">Its share.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
[PublicEvent("kki.funding.annual-plan-confirmed.v1")]
public sealed record AnnualPlanConfirmed(int Year, int Version, string Municipality, Money Amount, DateOnly BusinessDate);

/// <summary>A municipality declined its share of an annual plan.</summary>
/// <param name="Year">The budget year.</param>
/// <param name="Version">The version that it declined.</param>
/// <param name="Municipality">Its code.</param>
/// <param name="Amount">The share that it was asked for.</param>
/// <param name="Reason">Why, in a sentence.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
[PublicEvent("kki.funding.annual-plan-declined.v1")]
public sealed record AnnualPlanDeclined(int Year, int Version, string Municipality, Money Amount, string Reason, DateOnly BusinessDate);

/// <summary>
/// A transaction on what a municipality gives for a year. Its postings sum to zero over accounts of its own:
/// <c>called</c> (what is asked for, as a negative balance), <c>receivable</c> (what of it is still to come),
/// <c>received</c>, and <c>credit</c> (what came beyond the call, as a negative balance).
/// </summary>
public interface IContributionTransaction
{
    /// <summary>The budget year.</summary>
    int Year { get; }

    /// <summary>The municipality's code.</summary>
    string Municipality { get; }

    /// <summary>What it moves.</summary>
    IReadOnlyList<Posting> Postings { get; }

    /// <summary>The day that it counts for (Europe/Ljubljana); when it was recorded is the event's time.</summary>
    DateOnly BusinessDate { get; }
}

/// <summary>
/// A municipality was asked for its confirmed share; or asked anew, after a newer version of the annual plan.
/// </summary>
/// <param name="Year">The budget year.</param>
/// <param name="Municipality">The municipality's code.</param>
/// <param name="Amount">Its share; all of it, also where it was asked before.</param>
/// <param name="PlanVersion">The version of the annual plan that it has confirmed.</param>
/// <param name="DueOn">The last day to pay.</param>
/// <param name="Reference">The reference to pay with (SI12), new for each call.</param>
/// <param name="Postings">Called to receivable: what is asked for now less what was asked before.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
[PublicEvent("kki.funding.contribution-called.v1")]
public sealed record ContributionCalled(
    int Year,
    string Municipality,
    Money Amount,
    int PlanVersion,
    DateOnly DueOn,
    string Reference,
    IReadOnlyList<Posting> Postings,
    DateOnly BusinessDate) : IContributionTransaction;

/// <summary>Money of a municipality came in: all that it was asked for, a part, or more.</summary>
/// <param name="Year">The budget year.</param>
/// <param name="Municipality">The municipality's code.</param>
/// <param name="ReceiptId">The receipt.</param>
/// <param name="Amount">How much; more than zero.</param>
/// <param name="Outstanding">What is still to come.</param>
/// <param name="Credit">What came beyond the call, in all.</param>
/// <param name="Postings">Receivable to received; what is beyond the call, to credit.</param>
/// <param name="BusinessDate">The day that it came in.</param>
/// <param name="BankTransaction">The bank's own id of it; null where it is not said.</param>
/// <param name="CarriedFrom">The year whose credit it is; null where it came from the bank.</param>
[PublicEvent("kki.funding.contribution-received.v1")]
public sealed record ContributionReceived(
    int Year,
    string Municipality,
    Guid ReceiptId,
    Money Amount,
    Money Outstanding,
    Money Credit,
    IReadOnlyList<Posting> Postings,
    DateOnly BusinessDate,
    string? BankTransaction = null,
    int? CarriedFrom = null) : IContributionTransaction;

/// <summary>A receipt was a mistake: this takes it back. Both stay.</summary>
/// <param name="Year">The budget year.</param>
/// <param name="Municipality">The municipality's code.</param>
/// <param name="ReceiptId">The receipt.</param>
/// <param name="Amount">How much it was.</param>
/// <param name="Reason">What was wrong, in a sentence.</param>
/// <param name="Outstanding">What is still to come.</param>
/// <param name="Credit">What came beyond the call, in all.</param>
/// <param name="Postings">From received back.</param>
/// <param name="BusinessDate">The day that the reversal counts for.</param>
/// <param name="BankTransaction">The bank's own id of the receipt, which may be booked again
/// where it belongs; null where it has none.</param>
[PublicEvent("kki.funding.contribution-receipt-reversed.v1")]
public sealed record ContributionReceiptReversed(
    int Year,
    string Municipality,
    Guid ReceiptId,
    Money Amount,
    string Reason,
    Money Outstanding,
    Money Credit,
    IReadOnlyList<Posting> Postings,
    DateOnly BusinessDate,
    string? BankTransaction = null) : IContributionTransaction;

/// <summary>What a municipality had paid beyond the call was given back.</summary>
/// <param name="Year">The budget year.</param>
/// <param name="Municipality">The municipality's code.</param>
/// <param name="Amount">How much; more than zero.</param>
/// <param name="Reason">Why, in a sentence.</param>
/// <param name="Credit">What is left of the credit.</param>
/// <param name="Postings">Received to credit.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
[PublicEvent("kki.funding.contribution-credit-refunded.v1")]
public sealed record ContributionCreditRefunded(
    int Year,
    string Municipality,
    Money Amount,
    string Reason,
    Money Credit,
    IReadOnlyList<Posting> Postings,
    DateOnly BusinessDate) : IContributionTransaction;

/// <summary>
/// What a municipality had paid beyond the call goes to its call of a later year, where it is received next.
/// </summary>
/// <param name="Year">The budget year that it leaves.</param>
/// <param name="Municipality">The municipality's code.</param>
/// <param name="ToYear">The budget year that it goes to.</param>
/// <param name="ReceiptId">The receipt that it will be there.</param>
/// <param name="Amount">How much; more than zero.</param>
/// <param name="Credit">What is left of the credit.</param>
/// <param name="Postings">Received to credit.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
[PublicEvent("kki.funding.contribution-credit-carried.v1")]
public sealed record ContributionCreditCarried(
    int Year,
    string Municipality,
    int ToYear,
    Guid ReceiptId,
    Money Amount,
    Money Credit,
    IReadOnlyList<Posting> Postings,
    DateOnly BusinessDate) : IContributionTransaction;

/// <summary>A reminder: what a municipality was asked for is due soon, and not all of it has come in.</summary>
/// <param name="Year">The budget year.</param>
/// <param name="Municipality">The municipality's code.</param>
/// <param name="Outstanding">What is still to come.</param>
/// <param name="DueOn">The last day to pay.</param>
/// <param name="Reference">The reference to pay with.</param>
/// <param name="BusinessDate">The day of the reminder.</param>
[PublicEvent("kki.funding.contribution-due-soon.v1")]
public sealed record ContributionDueSoon(int Year, string Municipality, Money Outstanding, DateOnly DueOn, string Reference, DateOnly BusinessDate);

/// <summary>
/// A reminder: the last day to pay has passed, and not all has come in. There is one after 1, 15 and 30 days.
/// </summary>
/// <param name="Year">The budget year.</param>
/// <param name="Municipality">The municipality's code.</param>
/// <param name="Outstanding">What is still to come.</param>
/// <param name="DueOn">The last day to pay.</param>
/// <param name="Days">Which reminder it is: the one after 1, 15 or 30 days.</param>
/// <param name="Reference">The reference to pay with.</param>
/// <param name="BusinessDate">The day of the reminder.</param>
[PublicEvent("kki.funding.contribution-overdue.v1")]
public sealed record ContributionOverdue(int Year, string Municipality, Money Outstanding, DateOnly DueOn, int Days, string Reference, DateOnly BusinessDate);

/// <summary>
/// Money that the policy's financial frame says that it leaves out (chapter 8) was listed, beside the ledger.
/// </summary>
/// <param name="Line">The line's name in addresses.</param>
/// <param name="Sl">What it is for, as printed.</param>
/// <param name="En">The same in English.</param>
/// <param name="Where">Where the policy says so.</param>
[PublicEvent("kki.funding.memo-line-listed.v1")]
public sealed record MemoLineListed(string Line, string Sl, string En, string Where);

/// <summary>
/// An amount of a memo line became known. It is in no total of the ledger; a
/// later one of the same year takes its place.
/// </summary>
/// <param name="Line">The line.</param>
/// <param name="Year">The year.</param>
/// <param name="Amount">How much; may be zero.</param>
/// <param name="Note">What it is, in a sentence.</param>
/// <param name="Source">Where it is known from.</param>
/// <param name="BusinessDate">The day that it was recorded.</param>
[PublicEvent("kki.funding.memo-amount-recorded.v1")]
public sealed record MemoAmountRecorded(string Line, int Year, Money Amount, string Note, string Source, DateOnly BusinessDate);

/// <summary>A bank statement shows money that came in for a call; it is then booked on the contribution.</summary>
/// <param name="Year">The budget year of the contribution.</param>
/// <param name="Municipality">The municipality's code.</param>
/// <param name="Amount">How much; more than zero.</param>
/// <param name="Reference">The reference that it came with; null where a person said what it is.</param>
/// <param name="BankTransaction">The bank's own reference (of a part of a booking with # and its number), or, where it
/// has none, of the statement's key and the entry's number.</param>
/// <param name="BusinessDate">The day that the bank booked it.</param>
[PublicEvent("kki.funding.bank-receipt-matched.v1")]
public sealed record BankReceiptMatched(int Year, string Municipality, Money Amount, string? Reference, string BankTransaction, DateOnly BusinessDate);
