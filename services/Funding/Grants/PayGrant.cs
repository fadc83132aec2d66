using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>What is approved with a whole grant.</summary>
/// <param name="Account">The account that who approves it saw; 409 where the agreement names another one by now. By
/// default it is approved for whichever it names.</param>
public sealed record PayGrantRequest(SeenAccount? Account = null);

internal static class PayGrant
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/grants/{id}/payment", Handle)
        .AsCommand<Reservation>(
            "Approves the payment of a whole grant that somebody else asked for, to the account of its agreement; "
            + "answers with its reservation", Roles.Treasurer)
        .DecidesOn("the beneficiary and their subject, who asked for it, who named the account");

    private static async Task<IResult> Handle(
        CommitmentId id, PayGrantRequest? request, Command command, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(command.Region);
        if (await session.LoadAsync<Grant>(id.ToString(), ct) is not { IsGrant: true } known)
            return Problems.Of(Refusal.NotFound<Grant>(id, command.Region));
        var approval = command.Approves(date: null, request?.Account);
        return await command.OnReservation(
            known.Row, known.ReservationId, id, (_, reservation, grant) =>
                command.WhyNotBy(grant!.ConcernedByPayment) is { } conflict ? conflict : grant.Pay(reservation, null, approval));
    }
}
