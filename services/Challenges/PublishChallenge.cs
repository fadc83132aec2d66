using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges;

internal static class PublishChallenge
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/{id}/publish", Handle)
        .AsCommand<Challenge>("Asks for the money of a draft; it opens when Funding has reserved it", Roles.Coordinator)
        .DecidesOnNobody("the call itself");

    private static Task<IResult> Handle(ChallengeId id, Command command) =>
        command.On<Challenge>(id, challenge => challenge.Publish(command.Now));
}
