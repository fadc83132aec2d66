using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.HelpDesk;

internal static class AcceptCase
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/cases/{id}/accept", Handle)
        .AsCommand<MentoringCase>("Accepts the mentoring that is offered", Roles.Member, Roles.Coordinator)
        .DecidesOnNobody("the winner's own, or a coordinator for them")
        .LogsAccess();

    private static Task<IResult> Handle(CaseId id, Command command, HttpContext http) =>
        command.On<MentoringCase>(id, c => http.MayAnswer(c) ? c.Accept() : Winner.NotTheirs, view: c => c.WithoutNotes());
}
