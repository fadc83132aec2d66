using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>What is not needed.</summary>
/// <param name="CommitmentId">Of this commitment, back to its reservation; by
/// default of the reservation, back to its row.</param>
/// <param name="Amount">How much; by default all that is left.</param>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
public sealed record ReleaseRequest(CommitmentId? CommitmentId = null, Money? Amount = null, DateOnly? Date = null);

internal static class ReleaseFunds
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/rows/{row}/reservations/{id}/release", Handle)
        .AsCommand<Reservation>("Gives back what is not needed: to the row, or from a commitment to its reservation", Roles.Treasurer)
        .DecidesOn("the beneficiary, and their subject");

    internal static Task<IResult> Handle(string row, ReservationId id, ReleaseRequest request, Command command) =>
        command.OnReservation(row, id, request.CommitmentId, request.Date, (r, date) => r.Release(request.CommitmentId, request.Amount, date));
}
