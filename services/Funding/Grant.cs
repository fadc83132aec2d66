using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using Marten;
using Marten.Events.Projections;

namespace KkiMesh.Funding;

/// <summary>Whether a grant is paid.</summary>
public enum GrantStatus
{
    /// <summary>Promised; a treasurer has not approved the payment yet.</summary>
    Committed,

    /// <summary>Paid.</summary>
    Paid,
}

/// <summary>What a winner receives.</summary>
/// <param name="Id">The awarded idea's id names the grant.</param>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Row">The row that pays.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Recipient">Who receives it.</param>
/// <param name="Amount">How much.</param>
/// <param name="Status">Committed or paid.</param>
public sealed record Grant(
    string Id, ChallengeId ChallengeId, string Row, int FiscalYear, string Recipient, Money Amount, GrantStatus Status);

/// <summary>The list of grants, kept in the transaction of the events.</summary>
public sealed partial class Grants : EventProjection
{
    /// <summary>Promised.</summary>
    public static void Project(FundsCommitted e, IDocumentOperations documents) => documents.Store(
        new Grant(e.EntryId.ToString(), e.ChallengeId, e.Row, e.FiscalYear, e.Recipient, e.Amount, GrantStatus.Committed));

    /// <summary>Paid.</summary>
    public static void Project(GrantPaid e, IDocumentOperations documents) => documents.Store(
        new Grant(e.EntryId.ToString(), e.ChallengeId, e.Row, e.FiscalYear, e.Recipient, e.Amount, GrantStatus.Paid));
}
