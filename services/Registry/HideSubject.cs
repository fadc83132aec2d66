using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry;

internal static class HideSubject
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/subjects/{id}/hide", Handle)
        .AsCommand<Subject>("Takes a subject out of sight; it may be published again", Roles.Member, Roles.Coordinator)
        .DecidesOnNobody("the subject's own people, or a coordinator for them")
        .LogsAccess();

    private static Task<IResult> Handle(SubjectId id, Command command, HttpContext http) =>
        command.On<Subject>(id, subject => subject.By(Caller.Of(http), s => s.Hide()), view: s => s.InFull);
}
