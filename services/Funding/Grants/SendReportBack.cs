using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

internal static class SendReportBack
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/grants/{id}/report/objection", Handle)
        .AsCommand<Grant>("Sends the report of use back to be corrected, with a reason", Roles.Treasurer, Roles.Coordinator)
        .DecidesOn("the beneficiary, and their subject");

    private static Task<IResult> Handle(CommitmentId id, ReasonRequest why, Command command, HttpContext http, IDocumentStore store) =>
        command.OnGrant(id, http, store, (grant, _) =>
            command.WhyNotBy(grant.Concerned) is { } conflict ? conflict : grant.SendReportBack(why.Reason));
}
