using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.HelpDesk;

/// <summary>Why; for mentors and coordinators, if the winner wants to say.</summary>
public sealed record DeclineRequest([StringLength(500)] string? Reason = null);

internal static class DeclineCase
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/cases/{id}/decline", Handle)
        .AsCommand<MentoringCase>("Declines the mentoring that is offered", Roles.Member);

    private static Task<IResult> Handle(CaseId id, DeclineRequest? request, Command command) =>
        command.On<MentoringCase>(id, c => c.Decline(request?.Reason), view: c => c.WithoutNotes());
}
