using JasperFx.Events;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Marten.Events.Projections;

namespace KkiMesh.Funding;

/// <summary>A payment of the ledger, as the bank is told of it.</summary>
/// <param name="Id">The event's id; without dashes it is the payment's EndToEndId.</param>
/// <param name="Row">The row that pays.</param>
/// <param name="CommitmentId">The commitment, or grant.</param>
/// <param name="Recipient">Who receives it.</param>
/// <param name="Amount">How much.</param>
/// <param name="PaidOn">The day that it counts for in the ledger.</param>
/// <param name="IsReversed">Whether it was a mistake.</param>
/// <param name="ApprovalId">Its approval; null for payments of before it was kept.</param>
public sealed record Payment(
    Guid Id,
    string Row,
    CommitmentId CommitmentId,
    string Recipient,
    Money Amount,
    DateOnly PaidOn,
    bool IsReversed = false,
    Guid? ApprovalId = null)
{
    /// <summary>What its <see cref="PaymentApproval"/> is called by.</summary>
    internal Guid ApprovedBy => ApprovalId ?? Id;

    internal static Payment Of(Guid id, FundsPaid p) =>
        new(id, p.Row, p.CommitmentId, p.Recipient, p.Amount, p.BusinessDate, ApprovalId: p.ApprovalId);
}

/// <summary>
/// What the bank has to do with a payment. It is written in the turn of the bank alone, so nobody overwrites it unseen.
/// </summary>
/// <param name="Id">The payment.</param>
/// <param name="OrderId">The payment order that it is in; null: none.</param>
/// <param name="SettledOn">The day that the bank booked it; null: not yet.</param>
public sealed record PaymentAtBank(Guid Id, Guid? OrderId = null, DateOnly? SettledOn = null)
{
    /// <summary>What the turn of the bank is called.</summary>
    public const string Turn = "bank";

    /// <summary>Why the payment is not reversed: the money is on its way or gone; null where it is not.</summary>
    internal Refusal? WhyNotReverse() =>
        SettledOn is { } day ? Refusal.Conflict(
            $"The bank made this payment on {day:yyyy-MM-dd}: what comes back is recorded as a return. If its entry is none of this payment, assign that anew.")
        : OrderId is { } order ? Refusal.Conflict(
            $"The bank is told to make this payment: if it did not, and will not, withdraw it first (payment-orders/{order}/payments/{Id}/withdrawal).")
        : null;
}

/// <summary>
/// What a payment was approved for; private. A payment of before approvals were kept has one, too, where its agreement
/// named an account when it was paid.
/// </summary>
/// <param name="Id">The approval's id; where there was none, the payment's.</param>
/// <param name="Row">The row that pays.</param>
/// <param name="CommitmentId">The commitment, or grant.</param>
/// <param name="Amount">How much.</param>
/// <param name="To">The account.</param>
/// <param name="Edition">The agreement's edition that named it.</param>
/// <param name="ApproverKey">Who approved it, as an account's key for the approval; null where it was not kept.</param>
public sealed record PaymentApproval(
    Guid Id, string Row, CommitmentId CommitmentId, Money Amount, BankAccount To, int Edition, string? ApproverKey)
{
    internal static PaymentApproval Of(string row, PaymentApproved p) =>
        new(p.ApprovalId, row, p.CommitmentId, p.Amount, p.To, p.Edition, p.ApproverKey);
}

internal static class PaymentApprovals
{
    /// <summary>What payments were approved for, by what they call it (<see cref="Payment.ApprovedBy"/>).</summary>
    public static async Task<IReadOnlyDictionary<Guid, PaymentApproval>> ApprovalsOfAsync(
        this IQuerySession session, IEnumerable<Payment> payments, CancellationToken ct)
    {
        Guid[] ids = [.. payments.Select(p => p.ApprovedBy)];
        return (await session.LoadManyAsync<PaymentApproval>(ct, ids)).ToDictionary(a => a.Id);
    }
}

/// <summary>The lists of payments, kept in the transaction of the events.</summary>
public sealed partial class Payments : EventProjection
{
    /// <summary>Paid.</summary>
    public static void Project(IEvent<FundsPaid> e, IDocumentOperations documents) =>
        documents.Store(Payment.Of(e.Id, e.Data));

    /// <summary>Approved, which is paid with it.</summary>
    public static void Project(IEvent<PaymentApproved> e, IDocumentOperations documents) =>
        documents.Store(PaymentApproval.Of(e.StreamKey!, e.Data));

    /// <summary>Taken back.</summary>
    public static async Task Project(TransactionReversed e, IDocumentOperations documents)
    {
        if (await documents.LoadAsync<Payment>(e.Reverses) is { } payment)
            documents.Store(payment with { IsReversed = true });
    }

    /// <summary>Booked by the bank, as its statement says.</summary>
    public static Task Project(StatementImported e, IDocumentOperations documents) =>
        Change(e.Entries.Where(entry => entry.PaymentId is not null).Select(entry => (entry.PaymentId!.Value, (DateOnly?)entry.BookedOn)), documents);

    /// <summary>Booked by the bank, as a person says; and not, where it was taken for another one before.</summary>
    public static async Task Project(EntryAssigned e, IDocumentOperations documents)
    {
        if (e.Freed is { } freed)
            await Change([(freed, null)], documents);
        if (e.PaymentId is { } settled)
            await Change([(settled, e.BookedOn)], documents);
    }

    /// <summary>Told to the bank.</summary>
    public static async Task Project(PaymentsOrdered e, IDocumentOperations documents)
    {
        foreach (var line in e.Lines)
            documents.Store((await documents.LoadAsync<PaymentAtBank>(line.PaymentId) ?? new PaymentAtBank(line.PaymentId)) with { OrderId = e.OrderId });
    }

    /// <summary>Not made by the bank: it can be ordered anew.</summary>
    public static async Task Project(PaymentWithdrawn e, IDocumentOperations documents)
    {
        if (await documents.LoadAsync<PaymentAtBank>(e.PaymentId) is { } payment && payment.OrderId == e.OrderId)
            documents.Store(payment with { OrderId = null });
    }

    private static async Task Change(IEnumerable<(Guid Payment, DateOnly? SettledOn)> settled, IDocumentOperations documents)
    {
        foreach (var (id, day) in settled)
            documents.Store((await documents.LoadAsync<PaymentAtBank>(id) ?? new PaymentAtBank(id)) with { SettledOn = day });
    }
}
