using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

internal static class PayGrant
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/grants/{id}/payment", Handle)
        .AsCommand<Reservation>("Approves the payment of a whole grant that somebody else asked for; answers with its reservation", Roles.Treasurer);

    private static async Task<IResult> Handle(CommitmentId id, Command command, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(command.Region);
        return await session.LoadAsync<Grant>(id.ToString(), ct) is { IsGrant: true } grant
            ? await command.OnReservation(grant.Row, grant.ReservationId, id, date: null, (r, date) => r.Pay(id, null, command.Actor, date))
            : Problems.Of(Refusal.NotFound<Grant>(id, command.Region));
    }
}
