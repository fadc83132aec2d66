namespace KkiMesh.Contracts.Funding.V1;

/// <summary>Where money comes from, as the policy names its sources (chapter 5, financial tables).</summary>
public enum FundingSource
{
    /// <summary>
    /// Municipal budgets, by the contribution key and on the basis of the annual plan (policy, measure 4).
    /// </summary>
    MunicipalKey,

    /// <summary>A municipality's own budget, for its regular activity.</summary>
    MunicipalOwn,

    /// <summary>Municipal budgets, for the regular activity of the region; how they share it is not stated.</summary>
    MunicipalRegular,

    /// <summary>Projects that were won, or partners who take part.</summary>
    ProjectsOrPartners,

    /// <summary>The EU.</summary>
    Eu,

    /// <summary>BSC Kranj's regular yearly activity.</summary>
    BscRegular,

    /// <summary>The plan does not say, or what it says cannot be attached to a row.</summary>
    NotStated,
}

/// <summary>
/// One line of a double entry: the postings of a transaction always sum to zero, for each year and source.
/// </summary>
/// <param name="Account">
/// <c>planned</c> (what the plan gives, as a negative balance), <c>available</c>,
/// <c>reserved</c>, <c>committed</c> or <c>paid</c>.
/// </param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Source">Where the money comes from.</param>
/// <param name="Amount">What is added to the account; negative takes away.</param>
public sealed record Posting(string Account, int FiscalYear, FundingSource Source, Money Amount);

/// <summary>
/// A transaction of the ledger, on one row of the plan; the event's id names it. It is
/// never changed: a mistake is reversed by another one.
/// </summary>
public interface ITransaction
{
    /// <summary>The row.</summary>
    string Row { get; }

    /// <summary>What it moves.</summary>
    IReadOnlyList<Posting> Postings { get; }

    /// <summary>The day that it counts for (Europe/Ljubljana); when it was recorded is the event's time.</summary>
    DateOnly BusinessDate { get; }
}

/// <summary>A transaction on a reservation.</summary>
public interface IReservationTransaction : ITransaction
{
    /// <summary>The reservation.</summary>
    ReservationId ReservationId { get; }

    /// <summary>The commitment of it that it is about; null where it is about none.</summary>
    CommitmentId? CommitmentId { get; }
}

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
/// <param name="Source">Where the money comes from, as the policy prints it
/// for this row; null where it does not.</param>
/// <param name="Years">What the plan says for each year.</param>
/// <param name="Postings">Planned to available, for each year that has an amount; empty
/// where amounts are unknown or only ticked.</param>
/// <param name="BusinessDate">The day that it counts for; of the printed plan the first day of the ledger: these are its
/// opening balances, since when the plan was adopted is not stated.</param>
/// <param name="Reason">Who decided it, and why; null for the printed plan.</param>
[PublicEvent("kki.funding.row-planned.v1")]
public sealed record RowPlanned(
    string Row,
    int Measure,
    string Code,
    string Title,
    string Holder,
    string? Source,
    IReadOnlyList<PlannedYear> Years,
    IReadOnlyList<Posting> Postings,
    DateOnly BusinessDate,
    string? Reason = null) : ITransaction;

/// <summary>Money of a row was set aside.</summary>
/// <param name="ReservationId">The reservation.</param>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Amount">How much; more than zero.</param>
/// <param name="Postings">Available to reserved.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
/// <param name="ChallengeId">The challenge that it is for; null where it is for something else.</param>
/// <param name="Purpose">What it is for, in words; null for a challenge.</param>
/// <param name="ExpiresOn">The last day on which it can be committed; what is left is
/// released after it. Null: it does not lapse.</param>
/// <param name="ExpenditurePurpose">Which of the three purposes of systemic money
/// it serves; null where nobody said it.</param>
[PublicEvent("kki.funding.funds-reserved.v1")]
public sealed record FundsReserved(
    ReservationId ReservationId,
    string Row,
    int FiscalYear,
    Money Amount,
    IReadOnlyList<Posting> Postings,
    DateOnly BusinessDate,
    ChallengeId? ChallengeId = null,
    string? Purpose = null,
    DateOnly? ExpiresOn = null,
    ExpenditurePurpose? ExpenditurePurpose = null) : IReservationTransaction
{
    CommitmentId? IReservationTransaction.CommitmentId => null;
}

/// <summary>No money was set aside for a challenge.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Row">The row that was asked.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Amount">How much was asked for.</param>
/// <param name="Reason">Why not, in a sentence.</param>
[PublicEvent("kki.funding.funds-refused.v1")]
public sealed record FundsRefused(ChallengeId ChallengeId, string Row, int FiscalYear, Money Amount, string Reason);

/// <summary>Reserved money was promised to somebody.</summary>
/// <param name="ReservationId">The reservation.</param>
/// <param name="CommitmentId">The commitment.</param>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Recipient">Who is to receive it.</param>
/// <param name="Amount">How much; more than zero.</param>
/// <param name="Postings">Reserved to committed.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
/// <param name="ChallengeId">The challenge; null where it is no award.</param>
/// <param name="EntryId">The awarded idea, which names the grant; null where it is no award.</param>
/// <param name="RequesterKey">Who asked for it: <see cref="AccountKey"/> for the
/// commitment; null where it is not known.</param>
/// <param name="Municipality">The code of the recipient's municipality; null where it is not stated.</param>
/// <param name="DueOn">The day on which it is expected to be paid; null where it is not known.</param>
[PublicEvent("kki.funding.funds-committed.v1")]
public sealed record FundsCommitted(
    ReservationId ReservationId,
    CommitmentId CommitmentId,
    string Row,
    int FiscalYear,
    string Recipient,
    Money Amount,
    IReadOnlyList<Posting> Postings,
    DateOnly BusinessDate,
    ChallengeId? ChallengeId = null,
    EntryId? EntryId = null,
    string? RequesterKey = null,
    string? Municipality = null,
    DateOnly? DueOn = null) : IReservationTransaction
{
    CommitmentId? IReservationTransaction.CommitmentId => CommitmentId;
}

/// <summary>A treasurer approved a payment, and it counts as paid: the whole of what was promised, or a part.</summary>
/// <param name="ReservationId">The reservation.</param>
/// <param name="CommitmentId">The commitment.</param>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Recipient">Who received it.</param>
/// <param name="Amount">How much; more than zero.</param>
/// <param name="Outstanding">What of the commitment is still to be paid.</param>
/// <param name="Postings">Committed to paid.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
/// <param name="ChallengeId">The challenge; null where it is no award.</param>
/// <param name="EntryId">The awarded idea; null where it is no award.</param>
/// <param name="PaymentRequestId">The request that it answers; null where nobody asked for it by one.</param>
/// <param name="ApprovalId">The approval, whose paper names the account; null where none was kept yet.</param>
[PublicEvent("kki.funding.funds-paid.v1")]
public sealed record FundsPaid(
    ReservationId ReservationId,
    CommitmentId CommitmentId,
    string Row,
    int FiscalYear,
    string Recipient,
    Money Amount,
    Money Outstanding,
    IReadOnlyList<Posting> Postings,
    DateOnly BusinessDate,
    ChallengeId? ChallengeId = null,
    EntryId? EntryId = null,
    PaymentRequestId? PaymentRequestId = null,
    Guid? ApprovalId = null) : IReservationTransaction
{
    CommitmentId? IReservationTransaction.CommitmentId => CommitmentId;
}

/// <summary>Why money was released.</summary>
public enum ReleaseReason
{
    /// <summary>The challenge is over.</summary>
    Concluded,

    /// <summary>Its last day has passed.</summary>
    Expired,

    /// <summary>A treasurer decided that it is not needed.</summary>
    NotNeeded,
}

/// <summary>
/// What a reservation had left went back to its row; or what a commitment does not need, to its reservation.
/// </summary>
/// <param name="ReservationId">The reservation.</param>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Amount">How much; zero when everything was awarded.</param>
/// <param name="Reason">Why.</param>
/// <param name="Postings">Reserved to available; or committed to reserved.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
/// <param name="CommitmentId">The commitment that does not need it; null where it is the reservation.</param>
/// <param name="ChallengeId">The challenge; null where it is for something else.</param>
[PublicEvent("kki.funding.funds-released.v1")]
public sealed record FundsReleased(
    ReservationId ReservationId,
    string Row,
    int FiscalYear,
    Money Amount,
    ReleaseReason Reason,
    IReadOnlyList<Posting> Postings,
    DateOnly BusinessDate,
    CommitmentId? CommitmentId = null,
    ChallengeId? ChallengeId = null) : IReservationTransaction;

/// <summary>Money that was paid came back, and is available again.</summary>
/// <param name="ReservationId">The reservation.</param>
/// <param name="CommitmentId">The commitment.</param>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Recipient">Who gave it back.</param>
/// <param name="Amount">How much; more than zero.</param>
/// <param name="Reason">Why, in a sentence.</param>
/// <param name="Postings">Paid to available.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
/// <param name="EntryId">The awarded idea; null where it is no award.</param>
[PublicEvent("kki.funding.funds-returned.v1")]
public sealed record FundsReturned(
    ReservationId ReservationId,
    CommitmentId CommitmentId,
    string Row,
    int FiscalYear,
    string Recipient,
    Money Amount,
    string Reason,
    IReadOnlyList<Posting> Postings,
    DateOnly BusinessDate,
    EntryId? EntryId = null) : IReservationTransaction
{
    CommitmentId? IReservationTransaction.CommitmentId => CommitmentId;
}

/// <summary>A transaction was a mistake: this one takes back what it moved. Both stay.</summary>
/// <param name="Reverses">The other one's id.</param>
/// <param name="ReservationId">The reservation.</param>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Reason">What was wrong, in a sentence.</param>
/// <param name="Postings">The other one's, with the opposite sign.</param>
/// <param name="BusinessDate">The day that it counts for.</param>
/// <param name="CommitmentId">The commitment; null where it is about none.</param>
/// <param name="ChallengeId">The challenge; null where it is for something else.</param>
/// <param name="EntryId">The awarded idea; null where it is no award.</param>
/// <param name="PaymentRequestId">The request that was paid by mistake, and waits
/// again; null where it is no such payment.</param>
[PublicEvent("kki.funding.transaction-reversed.v1")]
public sealed record TransactionReversed(
    Guid Reverses,
    ReservationId ReservationId,
    string Row,
    int FiscalYear,
    string Reason,
    IReadOnlyList<Posting> Postings,
    DateOnly BusinessDate,
    CommitmentId? CommitmentId = null,
    ChallengeId? ChallengeId = null,
    EntryId? EntryId = null,
    PaymentRequestId? PaymentRequestId = null) : IReservationTransaction;
