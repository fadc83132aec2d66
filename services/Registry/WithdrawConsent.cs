using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry;

internal static class WithdrawConsent
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/subjects/{id}/consent/withdraw", Handle)
        .AsCommand<Subject>("Withdraws the consent; what was published is hidden in the same moment", Roles.Member, Roles.Coordinator)
        .DecidesOnNobody("the subject's own people, or a coordinator for them")
        .LogsAccess();

    private static Task<IResult> Handle(SubjectId id, Command command, HttpContext http) =>
        command.On<Subject>(id, subject => subject.By(Caller.Of(http), s => s.WithdrawConsent(command.Now)), view: s => s.InFull);
}
