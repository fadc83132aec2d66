using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>What to pay.</summary>
/// <param name="Amount">How much; by default all that is outstanding.</param>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
public sealed record PayRequest(Money? Amount = null, DateOnly? Date = null);

internal static class PayCommitment
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/rows/{row}/reservations/{id}/commitments/{commitment}/payments", Handle)
        .AsCommand<Reservation>("Approves a payment that somebody else asked for, of the whole or a part", Roles.Treasurer);

    internal static Task<IResult> Handle(string row, ReservationId id, CommitmentId commitment, PayRequest request, Command command) =>
        command.OnReservation(row, id, commitment, request.Date, (r, date) => r.Pay(commitment, request.Amount, command.Actor, date));
}
