using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

internal static class ConfirmAccount
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/grants/{id}/account/confirmation", Handle)
        .AsCommand<Grant>(
            "Confirms the account that a grant's agreement names, for payments that were approved for another one; "
            + "neither who changed it, nor who asked for the money, nor who receives it does", Roles.Treasurer)
        .DecidesOn("the beneficiary, and their subject");

    private static Task<IResult> Handle(
        CommitmentId id, SeenAccount seen, Command command, HttpContext http, IDocumentStore store) =>
        command.OnGrant(id, http, store, (grant, reservation) =>
            command.WhyNotBy(grant.Concerned) is { } conflict ? conflict : grant.ConfirmAccount(reservation, seen, command.Actor));
}
