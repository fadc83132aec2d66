namespace KkiMesh.Contracts.Funding.V1;

/// <summary>An agreement on a grant was signed, or an annex to it. Its papers are not public.</summary>
/// <param name="CommitmentId">The grant.</param>
/// <param name="Row">The row that pays.</param>
/// <param name="Number">The agreement's number.</param>
/// <param name="SignedOn">The day that it was signed.</param>
/// <param name="ReportDueOn">The last day for the report of use.</param>
/// <param name="IsDeMinimis">Whether the grant is de minimis aid.</param>
/// <param name="ChallengeId">The challenge; null where it is no award.</param>
/// <param name="EntryId">The awarded idea; null where it is no award.</param>
[PublicEvent("kki.funding.grant-agreed.v1")]
public sealed record GrantAgreed(
    CommitmentId CommitmentId,
    string Row,
    string Number,
    DateOnly SignedOn,
    DateOnly ReportDueOn,
    bool IsDeMinimis,
    ChallengeId? ChallengeId = null,
    EntryId? EntryId = null);

/// <summary>
/// The account that a grant is paid to was changed, or named only after money of it was paid. The account itself, and
/// who changed it, are not public.
/// </summary>
/// <param name="CommitmentId">The grant.</param>
/// <param name="Row">The row that pays.</param>
/// <param name="ChangedOn">The day that the change was recorded (Europe/Ljubljana).</param>
/// <param name="Edition">The agreement's edition that names the account: 1, and one more with each annex.</param>
[PublicEvent("kki.funding.grant-account-changed.v1")]
public sealed record GrantAccountChanged(CommitmentId CommitmentId, string Row, DateOnly ChangedOn, int Edition);

/// <summary>
/// With this grant its beneficiary comes near the ceiling of de minimis aid: to 80 %
/// of it or more. How much they have stays private.
/// </summary>
/// <param name="CommitmentId">The grant.</param>
/// <param name="Row">The row that pays.</param>
/// <param name="On">The day that the aid is counted for.</param>
/// <param name="Ceiling">The ceiling of that day.</param>
/// <param name="LegalBasis">What sets the ceiling.</param>
[PublicEvent("kki.funding.de-minimis-ceiling-neared.v1")]
public sealed record DeMinimisCeilingNeared(CommitmentId CommitmentId, string Row, DateOnly On, Money Ceiling, string LegalBasis);

/// <summary>It is shown what a grant was used for. The report itself is not public.</summary>
/// <param name="CommitmentId">The grant.</param>
/// <param name="Row">The row that paid.</param>
/// <param name="Used">How much was used in all; what was paid beyond it is to be returned.</param>
/// <param name="ChallengeId">The challenge; null where it is no award.</param>
/// <param name="EntryId">The awarded idea; null where it is no award.</param>
[PublicEvent("kki.funding.grant-report-accepted.v1")]
public sealed record GrantReportAccepted(CommitmentId CommitmentId, string Row, Money Used, ChallengeId? ChallengeId = null, EntryId? EntryId = null);
