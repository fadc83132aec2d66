using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges;

internal static class ConcludeChallenge
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/{id}/conclude", Handle)
        .AsCommand<Challenge>("Ends a challenge; what its pool has left is released", Roles.Coordinator)
        .DecidesOnNobody("the call itself");

    private static Task<IResult> Handle(ChallengeId id, Command command) =>
        command.On<Challenge>(id, challenge => challenge.Conclude(command.Now));
}
