using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>A challenge is over: what it did not award is available again.</summary>
internal static class OnChallengeConcluded
{
    public static Task Handle(ChallengeConcluded e, Reaction reaction) =>
        reaction.On<PlanRow>(e.Row, row => row.Release(e.ChallengeId, e.Awarded));
}
