using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>A challenge is over: what it did not award is available again.</summary>
internal static class OnChallengeConcluded
{
    public static Task Handle(ChallengeConcluded e, Reaction reaction) => reaction.On<PlanRow, Reservation>(
        e.Row, e.ChallengeId, (_, reservation) => reservation?.Conclude(e.Awarded, reaction.Date) ?? []);
}
