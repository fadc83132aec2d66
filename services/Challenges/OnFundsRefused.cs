using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges;

/// <summary>There is no money: the challenge is a draft again, with the reason.</summary>
internal static class OnFundsRefused
{
    public static Task Handle(FundsRefused e, Reaction reaction) =>
        reaction.On<Challenge>(e.ChallengeId, challenge => challenge.ReturnToDraft(e.Reason));
}
