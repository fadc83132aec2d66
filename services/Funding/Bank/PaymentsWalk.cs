using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using Marten;

namespace KkiMesh.Funding;

/// <summary>A row's payments, made anew.</summary>
/// <param name="row">The row.</param>
internal sealed class PaymentsWalk(string row) : DocumentsWalk<Payment>(row)
{
    public override string Kind => "payment";

    public override void Take(Guid id, object data)
    {
        if (data is FundsPaid paid)
            Make(id.ToString(), Payment.Of(id, paid));
        else if (data is TransactionReversed { Reverses: var mistake } && Made(mistake.ToString()) is { } known)
            Make(mistake.ToString(), known with { IsReversed = true });
    }

    protected override string KeyOf(Payment document) => document.Id.ToString();

    protected override Task<IReadOnlyList<Payment>> LoadAsync(
        IQuerySession session, string[] keys, CancellationToken ct) =>
        session.LoadManyAsync<Payment>(ct, Array.ConvertAll(keys, Guid.Parse));

    protected override void Delete(IDocumentSession session, string key) => session.Delete<Payment>(Guid.Parse(key));
}

/// <summary>
/// What a row's payments were approved for, made anew. Of payments of before approvals were kept, it is the account
/// that was agreed on when they were paid.
/// </summary>
/// <param name="row">The row.</param>
internal sealed class ApprovalsWalk(string row) : DocumentsWalk<PaymentApproval>(row)
{
    private readonly Dictionary<CommitmentId, (BankAccount? Account, int Edition)> _agreed = [];

    public override string Kind => "approval";

    public override void Take(Guid id, object data)
    {
        if (data is AgreementFiled agreed)
            _agreed[agreed.CommitmentId] = (agreed.Account, _agreed.GetValueOrDefault(agreed.CommitmentId).Edition + 1);
        else if (data is PaymentApproved approved)
            Make(approved.ApprovalId.ToString(), PaymentApproval.Of(Row, approved));
        else if (data is FundsPaid paid)
            Paid(id, paid);
    }

    protected override string KeyOf(PaymentApproval document) => document.Id.ToString();

    protected override Task<IReadOnlyList<PaymentApproval>> LoadAsync(
        IQuerySession session, string[] keys, CancellationToken ct) =>
        session.LoadManyAsync<PaymentApproval>(ct, Array.ConvertAll(keys, Guid.Parse));

    protected override void Delete(IDocumentSession session, string key) =>
        session.Delete<PaymentApproval>(Guid.Parse(key));

    private void Paid(Guid id, FundsPaid paid)
    {
        if (paid.ApprovalId is { } approval)
        {
            var paper = Made($"{approval}");
            if (paper?.Amount != paid.Amount || paper.CommitmentId != paid.CommitmentId)
                throw new InvalidOperationException("No approval of this payment is before it.");
        }
        else if (_agreed.GetValueOrDefault(paid.CommitmentId) is { Account: { } account, Edition: var edition })
        {
            Make(id.ToString(), new PaymentApproval(id, Row, paid.CommitmentId, paid.Amount, account, edition, null));
        }
    }
}
