using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges;

/// <summary>
/// A transaction was a mistake: where it paid a winner, the challenge shows that it is to be paid again.
/// </summary>
internal static class OnTransactionReversed
{
    public static Task Handle(TransactionReversed e, Reaction reaction) =>
        e.ChallengeId is { } challenge ? reaction.On<Challenge>(challenge, c => c.MarkUnpaid(e)) : Task.CompletedTask;
}
