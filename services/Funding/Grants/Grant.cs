using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using Marten;
using Marten.Events.Projections;

namespace KkiMesh.Funding;

/// <summary>Whether a grant is paid.</summary>
public enum GrantStatus
{
    /// <summary>Promised; of the whole or a part no payment is approved yet.</summary>
    Committed,

    /// <summary>Paid, all of it.</summary>
    Paid,
}

/// <summary>What a winner receives.</summary>
/// <param name="Id">The awarded idea's id names the grant.</param>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Row">The row that pays.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Recipient">Who receives it.</param>
/// <param name="Amount">How much in all.</param>
/// <param name="Outstanding">What of it is still to be paid.</param>
/// <param name="Status">Committed or paid.</param>
public sealed record Grant(
    string Id, ChallengeId ChallengeId, string Row, int FiscalYear, string Recipient, Money Amount, Money Outstanding, GrantStatus Status);

/// <summary>The list of grants, kept in the transaction of the events.</summary>
public sealed partial class Grants : EventProjection
{
    /// <summary>Promised.</summary>
    public static void Project(FundsCommitted e, IDocumentOperations documents)
    {
        if (e is { EntryId: { } entry, ChallengeId: { } challenge })
            documents.Store(new Grant(entry.ToString(), challenge, e.Row, e.FiscalYear, e.Recipient, e.Amount, e.Amount, GrantStatus.Committed));
    }

    /// <summary>Paid, all or a part.</summary>
    public static Task Project(FundsPaid e, IDocumentOperations documents) => Change(e.EntryId, documents, grant => With(grant, e.Outstanding.Amount));

    /// <summary>A part is not needed.</summary>
    public static Task Project(FundsReleased e, IDocumentOperations documents) => Change(
        e.CommitmentId is { } commitment ? new EntryId(commitment.Value) : null,
        documents,
        grant => With(grant with { Amount = Money.Eur(grant.Amount.Amount - e.Amount.Amount) }, grant.Outstanding.Amount - e.Amount.Amount));

    /// <summary>Taken back: the grant goes with its commitment, or is to be paid again.</summary>
    public static Task Project(TransactionReversed e, IDocumentOperations documents) => Change(
        e.EntryId,
        documents,
        grant =>
        {
            var committed = e.Postings.Where(p => p.Account == Account.Committed).Sum(p => p.Amount.Amount);
            var isPromise = e.Postings.Any(p => p.Account == Account.Reserved);
            return With(isPromise ? grant with { Amount = Money.Eur(grant.Amount.Amount + committed) } : grant, grant.Outstanding.Amount + committed);
        });

    private static async Task Change(EntryId? entry, IDocumentOperations documents, Func<Grant, Grant> change)
    {
        if (entry is not { } id || await documents.LoadAsync<Grant>(id.ToString()) is not { } grant)
            return;
        var changed = change(grant);
        if (changed.Amount.Amount == 0)
            documents.Delete(grant);
        else
            documents.Store(changed);
    }

    private static Grant With(Grant grant, long outstanding) =>
        grant with { Outstanding = Money.Eur(outstanding), Status = outstanding == 0 ? GrantStatus.Paid : GrantStatus.Committed };
}
