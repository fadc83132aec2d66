using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.HelpDesk;

/// <summary>A session.</summary>
/// <param name="Minutes">How long, 1 to 480.</param>
/// <param name="Note">What they spoke of; for mentors and coordinators.</param>
public sealed record SessionRequest(
    [Range(1, 480)] int Minutes,
    [LongText(2_000)] string? Note = null);

internal static class HoldSession
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/cases/{id}/sessions", Handle)
        .AsCommand<MentoringCase>("Records that mentor and winner have worked together", Roles.Mentor)
        .DecidesOn("the winner, and their subject")
        .LogsAccess();

    private static Task<IResult> Handle(CaseId id, SessionRequest request, Command command, HttpContext http) =>
        command.On<MentoringCase>(id, c =>
            !http.Has(Roles.Mentor, c.SupportPoint) ? c.NotTheirs
            : command.WhyNotBy(c.Concerned) is { } conflict ? conflict
            : c.Hold(command.Actor, request.Minutes, request.Note, command.Now));
}
