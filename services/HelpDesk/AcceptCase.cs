using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.HelpDesk;

internal static class AcceptCase
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/cases/{id}/accept", Handle)
        .AsCommand<MentoringCase>("Accepts the mentoring that is offered", Roles.Member);

    private static Task<IResult> Handle(CaseId id, Command command) =>
        command.On<MentoringCase>(id, c => c.Accept(), view: c => c.WithoutNotes());
}
