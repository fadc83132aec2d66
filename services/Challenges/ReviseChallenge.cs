using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges;

internal static class ReviseChallenge
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPut("/{id}", Handle)
        .AsCommand<Challenge>("Changes the terms of a draft", Roles.Coordinator)
        .DecidesOnNobody("the call itself");

    private static Task<IResult> Handle(ChallengeId id, ChallengeRequest request, Command command) =>
        command.On<Challenge>(id, challenge => challenge.Revise(request.Terms, command.Now));
}
