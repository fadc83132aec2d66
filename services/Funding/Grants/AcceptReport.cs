using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

internal static class AcceptReport
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/grants/{id}/report/acceptance", Handle)
        .AsCommand<Grant>("Accepts the report of use that somebody else filed", Roles.Treasurer, Roles.Coordinator)
        .DecidesOn("the beneficiary, and their subject");

    private static Task<IResult> Handle(CommitmentId id, Command command, HttpContext http, IDocumentStore store) =>
        command.OnGrant(id, http, store, (grant, _) =>
            command.WhyNotBy(grant.Concerned) is { } conflict ? conflict : grant.AcceptReport(command.Actor));
}
