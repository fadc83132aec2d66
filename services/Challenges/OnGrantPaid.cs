using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges;

/// <summary>A winner is paid: the challenge shows it.</summary>
internal static class OnGrantPaid
{
    public static Task Handle(GrantPaid e, Reaction reaction) =>
        reaction.On<Challenge>(e.ChallengeId, challenge => challenge.MarkPaid(e.EntryId));
}
