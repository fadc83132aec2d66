namespace KkiMesh.Contracts.Funding.V1;

/// <summary>Money of the plan: a row's, for a year and from a source.</summary>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Source">Where it comes from.</param>
public sealed record FundKey(string Row, int FiscalYear, FundingSource Source);

/// <summary>The plan says something of a row for a year of which it said nothing, or no amount, before.</summary>
/// <param name="Row">The row.</param>
/// <param name="Year">What it says now.</param>
/// <param name="Reason">Who decided it, and why.</param>
/// <param name="Postings">Planned to available; empty where there is no amount.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
[PublicEvent("kki.funding.row-year-planned.v1")]
public sealed record RowYearPlanned(
    string Row, PlannedYear Year, string Reason, IReadOnlyList<Posting> Postings, DateOnly BusinessDate) : ITransaction;

/// <summary>Somebody else carries out a row of the plan.</summary>
/// <param name="Row">The row.</param>
/// <param name="Holder">Who carries it out now.</param>
/// <param name="Reason">Who decided it, and why.</param>
/// <param name="BusinessDate">The day from which it counts.</param>
[PublicEvent("kki.funding.row-holder-changed.v1")]
public sealed record RowHolderChanged(string Row, string Holder, string Reason, DateOnly BusinessDate);

/// <summary>
/// The plan gives a row more money, or less, than before: by an annual plan, a
/// grant agreement, or a decision on a finding.
/// </summary>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Source">Where the money comes from.</param>
/// <param name="Amount">How much more; negative: less. Never zero.</param>
/// <param name="Reason">Who decided it, and why.</param>
/// <param name="Postings">Planned to available, or back.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
/// <param name="Finding">The finding that it follows from, e.g. <c>D2</c>; null where it follows from none.</param>
/// <param name="Reverses">The mistaken transaction that this one takes back; null where it takes back none.</param>
[PublicEvent("kki.funding.plan-changed.v1")]
public sealed record PlanChanged(
    string Row,
    int FiscalYear,
    FundingSource Source,
    Money Amount,
    string Reason,
    IReadOnlyList<Posting> Postings,
    DateOnly BusinessDate,
    string? Finding = null,
    Guid? Reverses = null) : ITransaction;

/// <summary>
/// Planned money was moved to another row, year or source, as far as nobody had asked for it. Where two rows take part,
/// each has an event of its own, recorded at once, with the same <paramref name="MoveId"/>; together they sum to zero.
/// </summary>
/// <param name="MoveId">The move; the same on both rows.</param>
/// <param name="Row">The row whose postings these are.</param>
/// <param name="From">Where the money was.</param>
/// <param name="To">Where it is now.</param>
/// <param name="Amount">How much; more than zero.</param>
/// <param name="Reason">Who decided it, and why.</param>
/// <param name="Postings">What changes on this row: its planned and its available money.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
/// <param name="Finding">The finding that it follows from; null where it follows from none.</param>
/// <param name="Reverses">The mistaken move that this one takes back; null where it takes back none.</param>
[PublicEvent("kki.funding.funds-moved.v1")]
public sealed record FundsMoved(
    Guid MoveId,
    string Row,
    FundKey From,
    FundKey To,
    Money Amount,
    string Reason,
    IReadOnlyList<Posting> Postings,
    DateOnly BusinessDate,
    string? Finding = null,
    Guid? Reverses = null) : ITransaction;

/// <summary>What a row has of a source in a year when its books are closed.</summary>
/// <param name="Source">The source.</param>
/// <param name="Planned">What the plan gave.</param>
/// <param name="Available">What nobody asked for.</param>
/// <param name="Paid">What was paid. Nothing is reserved or committed in a closed year.</param>
public sealed record ClosingBalance(FundingSource Source, Money Planned, Money Available, Money Paid);

/// <summary>
/// The books of a year are closed on a row: it takes no more transactions for that year. All rows close at once.
/// </summary>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Balances">What the row has then, by source; empty where the year has no money on it.</param>
/// <param name="BusinessDate">The day of closing.</param>
[PublicEvent("kki.funding.year-closed.v1")]
public sealed record YearClosed(string Row, int FiscalYear, IReadOnlyList<ClosingBalance> Balances, DateOnly BusinessDate);

/// <summary>An auditor opened a closed year again; all rows at once.</summary>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Reason">Why, in a sentence.</param>
/// <param name="BusinessDate">The day of reopening.</param>
[PublicEvent("kki.funding.year-reopened.v1")]
public sealed record YearReopened(string Row, int FiscalYear, string Reason, DateOnly BusinessDate);

/// <summary>What people decided on a contradiction or a gap of the plan.</summary>
public enum FindingOutcome
{
    /// <summary>It stays as it is printed, and is only shown.</summary>
    KeepAsPrinted,

    /// <summary>The plan's money is changed or moved, by transactions that name the finding.</summary>
    ChangePlan,
}

/// <summary>
/// Somebody decided on a finding of the plan. A later decision stands instead of an earlier one; both stay.
/// </summary>
/// <param name="Finding">The finding, e.g. <c>D2</c>.</param>
/// <param name="Outcome">What was decided.</param>
/// <param name="Reason">Why, and by which body.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
[PublicEvent("kki.funding.finding-decided.v1")]
public sealed record FindingDecided(string Finding, FindingOutcome Outcome, string Reason, DateOnly BusinessDate);
