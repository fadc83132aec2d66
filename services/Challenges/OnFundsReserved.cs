using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges;

/// <summary>The money is there: the challenge opens.</summary>
internal static class OnFundsReserved
{
    public static Task Handle(FundsReserved e, Reaction reaction) =>
        reaction.On<Challenge>(e.ChallengeId, challenge => challenge.Open());
}
