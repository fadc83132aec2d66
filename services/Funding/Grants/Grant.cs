using System.Text.Json.Serialization;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>Whether a grant is paid.</summary>
public enum GrantStatus
{
    /// <summary>Promised; of the whole or a part no payment is approved yet.</summary>
    Committed,

    /// <summary>Paid, all of it.</summary>
    Paid,

    /// <summary>Nothing of it is promised any more.</summary>
    Withdrawn,
}

/// <summary>
/// What somebody is promised, with its papers: agreement, requests for payment, report of use. Each commitment has one;
/// it is told as a grant where it is an award, or has an agreement.
/// </summary>
/// <param name="Id">The commitment's id; an awarded idea's own.</param>
/// <param name="ReservationId">The reservation that it is promised from; a challenge's own.</param>
/// <param name="ChallengeId">The challenge; null where it is no award.</param>
/// <param name="Row">The row that pays.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Recipient">Who receives it.</param>
/// <param name="Amount">How much in all.</param>
/// <param name="Outstanding">What of it is still to be paid.</param>
/// <param name="Paid">What was paid and not given back.</param>
/// <param name="Status">Committed, paid or withdrawn.</param>
/// <param name="AwardedOn">The day that it was promised.</param>
/// <param name="Municipality">The code of their municipality; null where it is not stated.</param>
/// <param name="DueOn">The day on which it is expected to be paid; null where it is not known.</param>
/// <param name="WinnerKey">Who entered the idea, as an account's key for it; null where it is not known.</param>
/// <param name="SubjectId">The beneficiary in the registry; null where it is not known.</param>
/// <param name="Agreement">What was agreed; null before that.</param>
/// <param name="PaymentRequests">What was asked to be paid, in that order.</param>
/// <param name="Report">The newest report of use; null before the first one.</param>
/// <param name="Approvals">What its payments were approved for; null before the first one, and for who may not see
/// papers.</param>
/// <param name="AidKey">Whose de minimis aid it is; null where it is none, and for who may not see papers.</param>
/// <param name="IsReportOverdue">Whether the report's last day has passed
/// without one; told where a grant is shown.</param>
/// <param name="Warnings">What somebody should look at before they approve a payment, in sentences; told where one
/// grant is shown, to treasurers, coordinators and auditors. Null elsewhere.</param>
public sealed record Grant(
    [Format("uuid")] string Id,
    ReservationId ReservationId,
    ChallengeId? ChallengeId,
    string Row,
    int FiscalYear,
    string Recipient,
    Money Amount,
    Money Outstanding,
    Money Paid,
    GrantStatus Status,
    DateOnly AwardedOn,
    string? Municipality,
    DateOnly? DueOn,
    string? WinnerKey,
    SubjectId? SubjectId,
    Agreement? Agreement,
    IReadOnlyList<PaymentRequest> PaymentRequests,
    UseReport? Report,
    string? AidKey = null,
    bool? IsReportOverdue = null,
    AccountApprovals? Approvals = null,
    IReadOnlyList<string>? Warnings = null) : IPart<Grant>
{
    private const int MostRequests = 50;
    private const int MostEditions = 20;

    /// <summary>Whether it is told as a grant: it is an award, or has an agreement.</summary>
    public bool IsGrant => ChallengeId is not null || Agreement is not null;

    /// <summary>
    /// Whether the account is another one than payments were approved for: they are not ordered before a second person
    /// has confirmed it. False for who may not see papers.
    /// </summary>
    public bool IsAccountToBeConfirmed => Approvals?.IsToBeConfirmed(Agreement?.Account) == true;

    /// <summary>What was paid and is not shown to have been used, once a report is accepted.</summary>
    public Money ToBeReturned => Money.Eur(Report is { Status: ReportStatus.Accepted, Used: var used } ? Math.Max(0, Paid.Amount - used.Amount) : 0);

    /// <summary>The last day for a report that is still awaited; null where none is.</summary>
    public DateOnly? ReportAwaitedUntil => Paid.Amount > 0 && Report is null or { Status: ReportStatus.SentBack } ? Agreement?.ReportDueOn : null;

    /// <summary>Whose it is: who entered the idea that won, and the subject that receives it.</summary>
    [JsonIgnore]
    public Concerned Concerned => new() { People = [Party.Key(Id, WinnerKey)], Subjects = SubjectId is { } subject ? [subject] : [] };

    /// <summary>The same for a payment: who names the account that is paid does not approve it.</summary>
    [JsonIgnore]
    public Concerned ConcernedByPayment => Concerned with { Before = [Party.Key(Id, Agreement?.AccountBy)] };

    private CommitmentId Key => new(Guid.Parse(Id));

    private EntryId? EntryId => ChallengeId is null ? null : new EntryId(Key.Value);

    /// <inheritdoc />
    public static string? KeyOf(object e) => e switch
    {
        IReservationTransaction t => t.CommitmentId?.ToString(),
        IPaper p => p.CommitmentId.ToString(),
        GrantReportAccepted a => a.CommitmentId.ToString(),
        _ => null,
    };

    /// <inheritdoc />
    public static Grant? Apply(Grant? state, object e) => (state, e) switch
    {
        (null, FundsCommitted c) => new Grant(
            c.CommitmentId.ToString(), c.ReservationId, c.ChallengeId, c.Row, c.FiscalYear, c.Recipient,
            Money.Eur(0), Money.Eur(0), Money.Eur(0), GrantStatus.Committed, c.BusinessDate, c.Municipality, c.DueOn, null, null, null, [], null).Post(c),
        ({ }, FundsPaid p) => state.Post(p).Paying(p),
        ({ }, TransactionReversed { PaymentRequestId: { } id } r) => state.Post(r).With(
            id, asked => asked with { Status = PaymentRequestStatus.Open, ApprovedFor = null }),
        ({ }, IReservationTransaction t) => state.Post(t),
        ({ }, BeneficiaryNoted b) => state with { WinnerKey = b.WinnerKey, SubjectId = b.SubjectId },
        ({ }, AgreementFiled a) => state.With(a),
        ({ }, AccountChanged c) => state with
        {
            Approvals = state.Known.Changed(state.Agreement?.Account, c.ChangerKey),
        },
        ({ }, AccountConfirmed c) => state with { Approvals = AccountApprovals.After(c) },
        ({ }, PaymentApproved p) => state.Approving(p),
        ({ }, PaymentRequestFiled r) => state with
        {
            PaymentRequests =
            [
                .. state.PaymentRequests,
                new PaymentRequest(r.PaymentRequestId, r.Amount, r.AskedOn, PaymentRequestStatus.Open, r.Documents, null, r.RequesterKey),
            ],
        },
        ({ }, PaymentRequestDeclined d) => state.With(d.PaymentRequestId, r => r with { Status = PaymentRequestStatus.Declined, Reason = d.Reason }),
        ({ }, ReportFiled r) => state with
        {
            Report = new UseReport(r.Used, r.FiledOn, ReportStatus.Filed, (state.Report?.Edition ?? 0) + 1, r.Text, r.Documents, null, r.ReporterKey),
        },
        ({ Report: { } report }, ReportSentBack b) => state with { Report = report with { Status = ReportStatus.SentBack, Reason = b.Reason } },
        ({ Report: { } report }, GrantReportAccepted) => state with { Report = report with { Status = ReportStatus.Accepted } },
        _ => state,
    };

    /// <summary>Records what was signed; an annex replaces what was agreed before.</summary>
    /// <param name="agreed">What was signed.</param>
    /// <param name="others">The beneficiary's other de minimis aid; empty where the grant is none.</param>
    /// <param name="ceilings">The ceilings of de minimis aid.</param>
    /// <param name="recorder">The subject of the token of who records it.</param>
    /// <param name="today">The day.</param>
    public Decision Agree(
        AgreementFiled agreed, IReadOnlyList<Aid> others, Ceilings ceilings, string recorder, DateOnly today)
    {
        if (Status == GrantStatus.Withdrawn)
            return Refusal.Conflict("Nothing is promised any more: there is nothing to agree on.");
        if (Agreement?.Edition >= MostEditions)
            return Refusal.Conflict($"A grant has one agreement and at most {MostEditions - 1} annexes.");
        if (SubjectId is { } known && agreed.SubjectId != known)
            return Refusal.Invalid("subjectId", $"The beneficiary is the subject {known}.");
        var signed = new GrantAgreed(Key, Row, agreed.Number, agreed.SignedOn, agreed.ReportDueOn, agreed.IsDeMinimis, ChallengeId, EntryId);
        agreed = agreed with { AccountBy = NamedBy(agreed.Account, recorder) };
        var change = ChangeTo(agreed.Account, recorder);
        // Who changed the account is folded while the one before is still known.
        IReadOnlyList<object> papers = change is null ? [] : [change];
        IReadOnlyList<object> told =
            change is null ? [] : [new GrantAccountChanged(Key, Row, today, (Agreement?.Edition ?? 0) + 1)];
        if (!agreed.IsDeMinimis)
            return [.. papers, agreed, signed, .. told];
        var (refusal, check) = ceilings.Check(others, Aid.Of(this, agreed), agreed.SignedOn);
        if (refusal is not null)
            return refusal;
        agreed = agreed with { DeMinimis = check };
        return check is { Warning: null }
            ? [.. papers, agreed, signed, .. told]
            :
            [
                .. papers, agreed, signed, .. told,
                new DeMinimisCeilingNeared(Key, Row, agreed.SignedOn, check!.Ceiling, check.LegalBasis),
            ];
    }

    /// <summary>
    /// Why a transaction is not taken back: de minimis aid would become more, and nobody has
    /// looked at the ceiling; null where that is not so.
    /// </summary>
    public Refusal? WhyNotTakeBack(IReservationTransaction mistake) =>
        Agreement is { IsDeMinimis: true } && mistake.Postings.Where(p => p.Account is Account.Committed or Account.Paid).Sum(p => p.Amount.Amount) < 0
            ? Refusal.Conflict("What was given back of de minimis aid is promised and agreed on anew, so that its ceiling is looked at again.")
            : null;

    /// <summary>Asks for a payment; several may wait, for no more than is outstanding together.</summary>
    public Decision Ask(PaymentRequestId id, Money amount, IReadOnlyList<Document> documents, string requester, DateOnly today)
    {
        if (Agreement is null)
            return Refusal.Conflict("A payment is asked for when the agreement is recorded; there is none yet.");
        if (PaymentRequests.Count >= MostRequests)
            return Refusal.Conflict($"A grant has at most {MostRequests} requests for payment.");
        if (amount.Currency != "EUR" || amount.Amount < 1)
            return Refusal.Invalid("amount", "An amount is more than zero, in EUR.");
        var left = Outstanding.Amount - PaymentRequests.Where(r => r.Status == PaymentRequestStatus.Open).Sum(r => r.Amount.Amount);
        return amount.Amount > left
            ? Refusal.Conflict($"{PlanRow.Text(Money.Eur(Math.Max(0, left)))} can be asked for: what is outstanding, less what open requests ask for.")
            : [new PaymentRequestFiled(Key, id, amount, documents, AccountKey.Of(id, requester), today)];
    }

    /// <summary>Approves a request and pays it; neither who asked nor who promised the money does.</summary>
    /// <param name="reservation">The reservation, which pays.</param>
    /// <param name="id">The request.</param>
    /// <param name="approval">Who approves it, and what they saw.</param>
    public Decision Approve(Reservation reservation, PaymentRequestId id, Approval approval) =>
        WhyNot(id) is { } fault ? fault
        : Find(id)!.RequesterKey == AccountKey.Of(id, approval.Approver)
            ? Refusal.Forbidden("Who asked for a payment does not approve it: another treasurer has to.")
        : Pay(reservation, Find(id)!.Amount, approval, id);

    /// <summary>
    /// Pays what was promised, or a part of it, to the agreement's account. All that pays is decided here: the
    /// approval's paper names the account, so that no other one is ordered.
    /// </summary>
    /// <param name="reservation">The reservation, which pays.</param>
    /// <param name="amount">How much; null: all that is outstanding.</param>
    /// <param name="approval">Who approves it, and what they saw.</param>
    /// <param name="request">The request that it answers; null: none.</param>
    public Decision Pay(Reservation reservation, Money? amount, Approval approval, PaymentRequestId? request = null)
    {
        var paid = reservation.Pay(Key, amount, approval, request);
        if (paid.Refusal is not null)
            return paid;
        if (WhyNotPay() is { } without)
            return without;
        var (to, edition) = (Agreement!.Account!, Agreement.Edition);
        if (approval.Seen?.WhyNot(to) is { } other)
            return other;
        var pays = paid.Events.OfType<FundsPaid>().Single().Amount;
        var approver = AccountKey.Of(approval.Id, approval.Approver);
        return [new PaymentApproved(Key, approval.Id, pays, to, approver, edition, request), .. paid.Events];
    }

    /// <summary>Why nothing of it can be paid yet, whoever approves it; null where it can.</summary>
    public Refusal? WhyNotPay() =>
        Agreement is null ? Refusal.Conflict("A payment is approved when the agreement is recorded; there is none yet.")
        : Agreement.Account is null
            ? Refusal.Conflict(
                "The agreement names no account to pay to: an annex has to name one before a payment is approved.")
        : null;

    /// <summary>
    /// Confirms the account for what was approved before it was changed; neither who changed it nor who asked for
    /// money does.
    /// </summary>
    /// <param name="reservation">The reservation that it is promised from.</param>
    /// <param name="seen">The account that they saw.</param>
    /// <param name="confirmer">The subject of the token of who confirms.</param>
    public Decision ConfirmAccount(Reservation reservation, SeenAccount seen, string confirmer)
    {
        if (!IsAccountToBeConfirmed)
        {
            return Refusal.Conflict(
                "Nothing waits for a confirmation: all was approved for the account that the agreement names.");
        }

        if (Approvals!.ChangerKeys.Contains(AccountKey.Of(Id, confirmer)))
            return Refusal.Forbidden("Who changed the account does not confirm it: another treasurer has to.");
        if (reservation.IsAskedForBy(Key, confirmer)
            || PaymentRequests.Any(r => r.RequesterKey == AccountKey.Of(r.Id, confirmer)))
        {
            return Refusal.Forbidden(
                "Who asked for money of this grant, or promised it, does not confirm its account: another has to.");
        }

        var (now, edition) = (Agreement!.Account!, Agreement.Edition);
        return seen.WhyNot(now) is { } other
            ? other
            : [new AccountConfirmed(Key, now, edition, AccountKey.Of(Id, confirmer))];
    }

    /// <summary>Declines a request.</summary>
    public Decision Decline(PaymentRequestId id, string reason) => WhyNot(id) is { } fault ? fault : [new PaymentRequestDeclined(Key, id, reason)];

    /// <summary>Reports what was used in all; again after it was sent back, or when more was used.</summary>
    public Decision ReportUse(Money used, string text, IReadOnlyList<Document> documents, string reporter, DateOnly today) =>
        Report?.Status == ReportStatus.Filed ? Refusal.Conflict("A report waits already: it is accepted or sent back first.")
        : Report?.Edition >= MostEditions ? Refusal.Conflict($"A report is filed at most {MostEditions} times.")
        : !IsGrant || Paid.Amount == 0 ? Refusal.Conflict("Nothing is paid that could be used.")
        : used.Currency != "EUR" || used.Amount < 0 || used.Amount > Paid.Amount
            ? Refusal.Invalid("used", $"Between nothing and what was paid can be used: {PlanRow.Text(Paid)}.")
        : [new ReportFiled(Key, used, text, documents, AccountKey.Of(Id, reporter), today)];

    /// <summary>Accepts the report that waits; who filed it does not.</summary>
    public Decision AcceptReport(string account) =>
        Report is not { Status: ReportStatus.Filed } report ? Refusal.Conflict("No report waits.")
        : report.ReporterKey == AccountKey.Of(Id, account) ? Refusal.Forbidden("Who filed a report does not accept it.")
        : [new GrantReportAccepted(Key, Row, report.Used, ChallengeId, EntryId)];

    /// <summary>Sends the report that waits back, to be corrected.</summary>
    public Decision SendReportBack(string reason) =>
        Report is not { Status: ReportStatus.Filed } ? Refusal.Conflict("No report waits.") : [new ReportSentBack(Key, reason)];

    /// <summary>What everybody may see: money and days, no documents and nobody's words.</summary>
    public Grant WithoutPapers() => this with
    {
        Agreement = Agreement is null ? null : Agreement with { Document = null, Beneficiary = null, DeclaredAid = [], DeMinimis = null, Account = null, IsOrganisation = null, AccountBy = null },
        PaymentRequests =
            [.. PaymentRequests.Select(r => r with { Documents = [], Reason = null, ApprovedFor = null })],
        Approvals = null,
        Report = Report is null ? null : Report with { Text = null, Documents = [], Reason = null },
        AidKey = null,
    };

    // Who names the account that is there already has not chosen it.
    private string? NamedBy(BankAccount? account, string recorder) =>
        account is null ? null
        : account.IsSameAs(Agreement?.Account) ? Agreement!.AccountBy
        : AccountKey.Of(Id, recorder);

    // Null where the account is the same; and where it is the first one, before anything was paid.
    private AccountChanged? ChangeTo(BankAccount? account, string recorder)
    {
        var before = Agreement?.Account;
        return account is null || account.IsSameAs(before) || (before is null && Known.For.Count == 0)
            ? null
            : new AccountChanged(Key, before, account, AccountKey.Of(Id, recorder));
    }

    private AccountApprovals Known => Approvals ?? AccountApprovals.None;

    private Grant Approving(PaymentApproved p)
    {
        var approved = this with { Approvals = Known.Approved(p.To) };
        return p.PaymentRequestId is { } id ? approved.With(id, r => r with { ApprovedFor = p.To }) : approved;
    }

    // Before approvals named it, a payment was for the account that was agreed on when it was paid.
    private Grant Paying(FundsPaid p)
    {
        var paid = p.ApprovalId is null ? this with { Approvals = Known.Approved(Agreement?.Account) } : this;
        return p.PaymentRequestId is { } id ? paid.With(id, r => r with { Status = PaymentRequestStatus.Paid }) : paid;
    }

    private PaymentRequest? Find(PaymentRequestId id) => PaymentRequests.FirstOrDefault(r => r.Id == id);

    private Refusal? WhyNot(PaymentRequestId id) => Find(id)?.Status switch
    {
        null => Refusal.NotFound($"The grant has no payment request {id}."),
        PaymentRequestStatus.Paid => Refusal.Conflict("This request is paid already."),
        PaymentRequestStatus.Declined => Refusal.Conflict("This request is declined already."),
        _ => null,
    };

    private Grant With(PaymentRequestId id, Func<PaymentRequest, PaymentRequest> change) =>
        this with { PaymentRequests = [.. PaymentRequests.Select(r => r.Id == id ? change(r) : r)] };

    private Grant With(AgreementFiled a) => this with
    {
        SubjectId = a.SubjectId,
        Agreement = new Agreement(
            a.Number, a.SignedOn, a.ReportDueOn, (Agreement?.Edition ?? 0) + 1, a.IsDeMinimis, a.Document, a.Beneficiary, a.DeclaredAid, a.DeMinimis, a.Account,
            a.IsOrganisation, a.AccountBy),
        AidKey = a.IsDeMinimis ? Aid.KeyOf(a.SubjectId, a.Beneficiary) : null,
    };

    // What comes from the reservation, or goes back to it, changes how much is promised.
    private Grant Post(IReservationTransaction t)
    {
        long Sum(string account) => t.Postings.Where(p => p.Account == account).Sum(p => p.Amount.Amount);
        var promised = t.Postings.Any(p => p.Account == Account.Reserved) ? Sum(Account.Committed) : 0;
        var (amount, outstanding) = (Amount.Plus(Money.Eur(promised)), Outstanding.Plus(Money.Eur(Sum(Account.Committed))));
        return this with
        {
            Amount = amount,
            Outstanding = outstanding,
            Paid = Paid.Plus(Money.Eur(Sum(Account.Paid))),
            Status = amount.Amount == 0 ? GrantStatus.Withdrawn : outstanding.Amount == 0 ? GrantStatus.Paid : GrantStatus.Committed,
        };
    }
}
