using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.Contracts.HelpDesk.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.HelpDesk;

/// <summary>The end of a case.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Note">What the mentor wants to add; for mentors and coordinators.</param>
public sealed record CloseRequest(
    [EnumDataType(typeof(MentoringOutcome))] MentoringOutcome Outcome,
    [LongText(2_000)] string? Note = null);

internal static class CloseCase
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/cases/{id}/close", Handle)
        .AsCommand<MentoringCase>("Closes a case with its outcome", Roles.Mentor)
        .DecidesOn("the winner, and their subject")
        .LogsAccess();

    private static Task<IResult> Handle(CaseId id, CloseRequest request, Command command, HttpContext http) =>
        command.On<MentoringCase>(id, c =>
            !http.Has(Roles.Mentor, c.SupportPoint) ? c.NotTheirs
            : command.WhyNotBy(c.Concerned) is { } conflict ? conflict
            : c.Close(command.Actor, request.Outcome, request.Note));
}
