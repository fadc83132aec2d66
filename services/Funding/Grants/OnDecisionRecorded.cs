using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>What a challenge was decided on is recorded: the ledger keeps the hash, and seals it with the money.</summary>
internal static class OnDecisionRecorded
{
    public static Task Handle(DecisionRecorded e, Reaction reaction) => reaction.On<PlanRow>(
        e.Row, _ => [new DecisionFiled(e.ChallengeId, e.Row, e.Entries, e.Record)]);
}
