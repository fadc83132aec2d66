using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>What came back.</summary>
/// <param name="Amount">How much; more than zero, in EUR.</param>
/// <param name="Reason">Why, in a sentence; at most 500 characters. Public.</param>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
public sealed record ReturnRequest(
    Money Amount, [Required, LongText(500, MinimumLength = 1)] string Reason, DateOnly? Date = null);

internal static class ReturnFunds
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/rows/{row}/reservations/{id}/commitments/{commitment}/returns", Handle)
        .AsCommand<Reservation>("Records that paid money came back; it is available again", Roles.Treasurer)
        .DecidesOn("the beneficiary, and their subject");

    internal static Task<IResult> Handle(string row, ReservationId id, CommitmentId commitment, ReturnRequest request, Command command) =>
        command.OnReservation(row, id, commitment, request.Date, (r, date) => r.Return(commitment, request.Amount, request.Reason, date));
}
