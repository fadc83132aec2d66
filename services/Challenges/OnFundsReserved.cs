using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges;

/// <summary>The money is there: the challenge opens.</summary>
internal static class OnFundsReserved
{
    public static Task Handle(FundsReserved e, Reaction reaction) =>
        e.ChallengeId is { } id ? reaction.On<Challenge>(id, challenge => challenge.Open()) : Task.CompletedTask;
}
