using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry;

internal static class PublishSubject
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/subjects/{id}/publish", Handle)
        .AsCommand<Subject>("Publishes a subject that has consented", Roles.Member, Roles.Coordinator)
        .DecidesOnNobody("the subject's own people, or a coordinator for them")
        .LogsAccess();

    private static Task<IResult> Handle(SubjectId id, Command command, HttpContext http) =>
        command.On<Subject>(id, subject => subject.By(Caller.Of(http), s => s.Publish()), view: s => s.InFull);
}
