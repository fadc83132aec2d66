using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten.Events;

namespace KkiMesh.Funding;

/// <summary>A document that is kept elsewhere: its hash shows whether it is still the same one.</summary>
/// <param name="Name">What it is called; at most 200 characters.</param>
/// <param name="Sha256">The SHA-256 of its bytes: 64 digits of lower case hex.</param>
/// <param name="Reference">Where it is kept; at most 500 characters.</param>
public sealed record Document(
    [Required, OneLine(200, MinimumLength = 1)] string Name,
    [Required, RegularExpression("[0-9a-f]{64}", ErrorMessage = "A SHA-256 is 64 digits of lower case hex.")] string Sha256,
    [Required, OneLine(500, MinimumLength = 1)] string Reference);

/// <summary>De minimis aid that a beneficiary declares to have from elsewhere.</summary>
/// <param name="Amount">How much; more than zero, in EUR.</param>
/// <param name="On">The day that it was granted.</param>
/// <param name="Grantor">By whom; at most 200 characters.</param>
public sealed record DeclaredAid(
    Money Amount,
    DateOnly On,
    [Required, OneLine(200, MinimumLength = 1)] string Grantor);

/// <summary>What was agreed with a beneficiary; the newest annex counts.</summary>
/// <param name="Number">Its number.</param>
/// <param name="SignedOn">The day that it was signed; de minimis aid is granted on it.</param>
/// <param name="ReportDueOn">The last day for the report of use.</param>
/// <param name="Edition">1, and one more with each annex.</param>
/// <param name="IsDeMinimis">Whether the grant is de minimis aid.</param>
/// <param name="Document">Its document; for who may see papers, null for others.</param>
/// <param name="Beneficiary">Who receives it, by an identifier of the treasurer's; null where the
/// registry knows them, and for who may not see papers.</param>
/// <param name="DeclaredAid">The de minimis aid that they declared to have from
/// elsewhere; for who may see papers.</param>
/// <param name="DeMinimis">What was counted when it was recorded; null where it is no
/// such aid, and for who may not see papers.</param>
/// <param name="Account">Where they are paid; null where it is not known, and for who may not see papers.</param>
/// <param name="IsOrganisation">Whether the beneficiary is a legal person; null where nobody
/// has said it, and for who may not see papers.</param>
/// <param name="AccountBy">Who named the account, as an account's key for the grant; null where it was not kept, and for
/// who may not see papers.</param>
public sealed record Agreement(
    string Number,
    DateOnly SignedOn,
    DateOnly ReportDueOn,
    int Edition,
    bool IsDeMinimis,
    Document? Document,
    string? Beneficiary,
    IReadOnlyList<DeclaredAid> DeclaredAid,
    DeMinimisCheck? DeMinimis,
    BankAccount? Account,
    bool? IsOrganisation = null,
    string? AccountBy = null);

/// <summary>Where a request for a payment stands.</summary>
public enum PaymentRequestStatus
{
    /// <summary>It waits for a treasurer.</summary>
    Open,

    /// <summary>It was approved, and is paid.</summary>
    Paid,

    /// <summary>It was declined, with a reason.</summary>
    Declined,
}

/// <summary>A request to be paid a part of a grant, or all of it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Amount">How much.</param>
/// <param name="AskedOn">The day that it was made.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="Documents">What it rests on, 1 to 20; empty for who may not see papers.</param>
/// <param name="Reason">Why it was declined; null where it was not, and for who may not see papers.</param>
/// <param name="RequesterKey">Who asked, as an account's key for the request.</param>
/// <param name="ApprovedFor">The account that it was approved for; null before that, where it was paid
/// before approvals named one, and for who may not see papers.</param>
public sealed record PaymentRequest(
    PaymentRequestId Id,
    Money Amount,
    DateOnly AskedOn,
    PaymentRequestStatus Status,
    IReadOnlyList<Document> Documents,
    string? Reason,
    string RequesterKey,
    BankAccount? ApprovedFor = null);

/// <summary>Where a report stands.</summary>
public enum ReportStatus
{
    /// <summary>It waits for a coordinator or a treasurer.</summary>
    Filed,

    /// <summary>It was accepted.</summary>
    Accepted,

    /// <summary>It is to be corrected and filed anew.</summary>
    SentBack,
}

/// <summary>What a beneficiary reports to have used a grant for; a later report replaces an earlier one.</summary>
/// <param name="Used">How much was used in all.</param>
/// <param name="FiledOn">The day that it was filed.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="Edition">1, and one more each time that it is filed anew.</param>
/// <param name="Text">What for; null for who may not see papers.</param>
/// <param name="Documents">What shows it; empty for who may not see papers.</param>
/// <param name="Reason">Why it was sent back; null where it was not, and for who may not see papers.</param>
/// <param name="ReporterKey">Who filed it, as an account's key for the grant.</param>
public sealed record UseReport(
    Money Used, DateOnly FiledOn, ReportStatus Status, int Edition, string? Text, IReadOnlyList<Document> Documents, string? Reason, string ReporterKey);

/// <summary>A private fact about a grant, on the row's stream as all of its money is.</summary>
public interface IPaper
{
    /// <summary>The grant.</summary>
    CommitmentId CommitmentId { get; }
}

/// <summary>How a winner is recognised; private.</summary>
public sealed record BeneficiaryNoted(CommitmentId CommitmentId, string? WinnerKey, SubjectId? SubjectId) : IPaper;

/// <summary>An agreement was recorded; private.</summary>
public sealed record AgreementFiled(
    CommitmentId CommitmentId,
    string Number,
    DateOnly SignedOn,
    DateOnly ReportDueOn,
    Document Document,
    bool IsDeMinimis,
    SubjectId? SubjectId,
    string? Beneficiary,
    IReadOnlyList<DeclaredAid> DeclaredAid,
    DeMinimisCheck? DeMinimis,
    BankAccount? Account,
    bool? IsOrganisation = null,
    string? AccountBy = null) : IPaper;

/// <summary>The account is another one than before, or is named after money was paid; private.</summary>
/// <param name="CommitmentId">The grant.</param>
/// <param name="From">The account before; null: there was none.</param>
/// <param name="To">The account now.</param>
/// <param name="ChangerKey">Who recorded it, as an account's key for the grant.</param>
public sealed record AccountChanged(
    CommitmentId CommitmentId, BankAccount? From, BankAccount To, string ChangerKey) : IPaper;

/// <summary>A second person confirmed the account, for what was approved before; private.</summary>
/// <param name="CommitmentId">The grant.</param>
/// <param name="Account">The account.</param>
/// <param name="Edition">The agreement's edition that names it.</param>
/// <param name="ConfirmerKey">Who confirmed it, as an account's key for the grant.</param>
public sealed record AccountConfirmed(
    CommitmentId CommitmentId, BankAccount Account, int Edition, string ConfirmerKey) : IPaper;

/// <summary>A payment was approved, which is paid with it; private.</summary>
/// <param name="CommitmentId">The grant.</param>
/// <param name="ApprovalId">What the payment calls it by.</param>
/// <param name="Amount">How much.</param>
/// <param name="To">The account that it was approved for.</param>
/// <param name="ApproverKey">Who approved it, as an account's key for the approval.</param>
/// <param name="Edition">The agreement's edition that named the account.</param>
/// <param name="PaymentRequestId">The request that it answers; null: none.</param>
public sealed record PaymentApproved(
    CommitmentId CommitmentId,
    Guid ApprovalId,
    Money Amount,
    BankAccount To,
    string ApproverKey,
    int Edition,
    PaymentRequestId? PaymentRequestId = null) : IPaper;

/// <summary>A payment was asked for; private.</summary>
public sealed record PaymentRequestFiled(
    CommitmentId CommitmentId, PaymentRequestId PaymentRequestId, Money Amount, IReadOnlyList<Document> Documents, string RequesterKey, DateOnly AskedOn) : IPaper;

/// <summary>A request was declined; private.</summary>
public sealed record PaymentRequestDeclined(CommitmentId CommitmentId, PaymentRequestId PaymentRequestId, string Reason) : IPaper;

/// <summary>A report of use was filed; private.</summary>
public sealed record ReportFiled(
    CommitmentId CommitmentId, Money Used, string Text, IReadOnlyList<Document> Documents, string ReporterKey, DateOnly FiledOn) : IPaper;

/// <summary>A report was sent back to be corrected; private.</summary>
public sealed record ReportSentBack(CommitmentId CommitmentId, string Reason) : IPaper;

internal static class Papers
{
    /// <summary>
    /// Whether the caller receives the grant: they entered the idea that won, or are a member of the subject that did.
    /// </summary>
    public static bool Receives(this HttpContext http, Grant grant) =>
        (grant.SubjectId is { } subject && http.HasJust(Roles.Member, subject.ToString()))
        || (grant.WinnerKey is not null && http.Account() is { } account && grant.WinnerKey == AccountKey.Of(grant.Id, account));

    /// <summary>Whether the caller may write papers as the beneficiary, or for them.</summary>
    public static bool ActsFor(this HttpContext http, Grant grant) => http.Has(Roles.Treasurer) || http.Has(Roles.Coordinator) || http.Receives(grant);

    /// <summary>What of a grant the caller may see on a day.</summary>
    public static Grant Seen(this HttpContext http, Grant grant, DateOnly today)
    {
        var dated = grant with { IsReportOverdue = grant.ReportAwaitedUntil < today };
        return http.ActsFor(grant) || http.Has(Roles.Auditor) ? dated : dated.WithoutPapers();
    }

    private static string? Account(this HttpContext http) => http.User.FindFirst("sub")?.Value;
}
