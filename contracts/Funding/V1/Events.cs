namespace KkiMesh.Contracts.Funding.V1;

/// <summary>One line of a double entry: the postings of a transaction always sum to zero.</summary>
/// <param name="Account">
/// <c>planned</c> (what the plan gives, as a negative balance), <c>available</c>, <c>reserved</c>, <c>committed</c> or <c>paid</c>.
/// </param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Amount">What is added to the account; negative takes away.</param>
public sealed record Posting(string Account, int FiscalYear, Money Amount);

/// <summary>What the plan says of a row and a year.</summary>
public enum PlannedState
{
    /// <summary>An amount, which may be zero.</summary>
    Amount,

    /// <summary>Carried by regular funds: a tick, no amount.</summary>
    Tick,

    /// <summary>Printed as not known.</summary>
    Unknown,
}

/// <summary>What the plan says of a row for a year. A year of which it says nothing is left out.</summary>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="State">An amount, a tick, or unknown.</param>
/// <param name="Amount">The amount where there is one.</param>
public sealed record PlannedYear(int FiscalYear, PlannedState State, Money? Amount = null);

/// <summary>A row of the action plan entered the ledger with its planned money.</summary>
/// <param name="Row">The row's id, e.g. <c>U3-P4</c>.</param>
/// <param name="Measure">The number of its measure.</param>
/// <param name="Code">Its code, as the policy prints it: not unique.</param>
/// <param name="Title">The row's title, as the policy prints it.</param>
/// <param name="Holder">Who carries it out, as the policy prints it.</param>
/// <param name="Source">Where the money comes from, as the policy prints it for this row; null where it does not.</param>
/// <param name="Years">What the plan says for each year.</param>
/// <param name="Postings">Planned to available, for each year that has an amount; empty where amounts are unknown or only ticked.</param>
[PublicEvent("kki.funding.row-planned.v1")]
public sealed record RowPlanned(
    string Row,
    int Measure,
    string Code,
    string Title,
    string Holder,
    string? Source,
    IReadOnlyList<PlannedYear> Years,
    IReadOnlyList<Posting> Postings);

/// <summary>Money of a row was set aside for a challenge.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Amount">How much; more than zero.</param>
/// <param name="Postings">Available to reserved.</param>
[PublicEvent("kki.funding.funds-reserved.v1")]
public sealed record FundsReserved(ChallengeId ChallengeId, string Row, int FiscalYear, Money Amount, IReadOnlyList<Posting> Postings);

/// <summary>No money was set aside for a challenge.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Row">The row that was asked.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Amount">How much was asked for.</param>
/// <param name="Reason">Why not, in a sentence.</param>
[PublicEvent("kki.funding.funds-refused.v1")]
public sealed record FundsRefused(ChallengeId ChallengeId, string Row, int FiscalYear, Money Amount, string Reason);

/// <summary>Reserved money was promised to a winner.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="EntryId">The awarded idea; it names the grant.</param>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Recipient">Who is to receive it.</param>
/// <param name="Amount">How much; more than zero.</param>
/// <param name="Postings">Reserved to committed.</param>
/// <param name="RequesterKey">Who asked for it: <see cref="AccountKey"/> for the idea; null where it is not known.</param>
[PublicEvent("kki.funding.funds-committed.v1")]
public sealed record FundsCommitted(
    ChallengeId ChallengeId,
    EntryId EntryId,
    string Row,
    int FiscalYear,
    string Recipient,
    Money Amount,
    IReadOnlyList<Posting> Postings,
    string? RequesterKey = null);

/// <summary>A treasurer approved a payment, and it counts as paid.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="EntryId">The awarded idea; it names the grant.</param>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Recipient">Who received it.</param>
/// <param name="Amount">How much; more than zero.</param>
/// <param name="Postings">Committed to paid.</param>
[PublicEvent("kki.funding.grant-paid.v1")]
public sealed record GrantPaid(
    ChallengeId ChallengeId, EntryId EntryId, string Row, int FiscalYear, string Recipient, Money Amount, IReadOnlyList<Posting> Postings);

/// <summary>What a reservation had left went back to its row.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Amount">How much; zero when everything was awarded.</param>
/// <param name="Postings">Reserved to available.</param>
[PublicEvent("kki.funding.funds-released.v1")]
public sealed record FundsReleased(ChallengeId ChallengeId, string Row, int FiscalYear, Money Amount, IReadOnlyList<Posting> Postings);
