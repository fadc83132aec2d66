using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.HelpDesk;

/// <summary>Why; for mentors and coordinators, if the winner wants to say.</summary>
/// <param name="Reason">Why the help is not wanted.</param>
public sealed record DeclineRequest([LongText(500)] string? Reason = null);

internal static class DeclineCase
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/cases/{id}/decline", Handle)
        .AsCommand<MentoringCase>("Declines the mentoring that is offered", Roles.Member, Roles.Coordinator)
        .DecidesOnNobody("the winner's own, or a coordinator for them")
        .LogsAccess();

    private static Task<IResult> Handle(CaseId id, DeclineRequest? request, Command command, HttpContext http) =>
        command.On<MentoringCase>(id, c => http.MayAnswer(c) ? c.Decline(request?.Reason) : Winner.NotTheirs, view: c => c.WithoutNotes());
}
