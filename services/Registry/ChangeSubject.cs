using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Registry;

internal static class ChangeSubject
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPut("/subjects/{id}", Handle)
        .AsCommand<Subject>("Changes a subject's whole profile; what is published is published anew", Roles.Member, Roles.Coordinator)
        .DecidesOnNobody("the subject's own people, or a coordinator for them")
        .LogsAccess();

    private static async Task<IResult> Handle(
        SubjectId id, SubjectRequest request, Command command, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        if (await request.FaultInAsync(command.Region, store, ct) is { } fault)
            return Problems.Of(fault);
        var caller = Caller.Of(http);
        return await command.On<Subject>(
            id, subject => subject.By(caller, s => s.Change(request.Profile, request.IsDemo, caller)), view: s => s.InFull);
    }
}
