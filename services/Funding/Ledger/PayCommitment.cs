using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>What to pay.</summary>
/// <param name="Amount">How much; by default all that is outstanding.</param>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
/// <param name="Account">The account that who approves it saw; 409 where the agreement names another one by now. By
/// default it is approved for whichever it names.</param>
public sealed record PayRequest(Money? Amount = null, DateOnly? Date = null, SeenAccount? Account = null);

internal static class PayCommitment
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/rows/{row}/reservations/{id}/commitments/{commitment}/payments", Handle)
        .AsCommand<Reservation>(
            "Approves a payment that somebody else asked for, of the whole or a part, to the account of its agreement",
            Roles.Treasurer)
        .DecidesOn("the beneficiary and their subject, who asked for it, who named the account");

    internal static async Task<IResult> Handle(
        string row, ReservationId id, CommitmentId commitment, PayRequest request, Command command)
    {
        if (Dates.Fault(request.Date, command.Today) is { } fault)
            return Problems.Of(fault);
        var approval = command.Approves(request.Date, request.Account);
        return await command.OnReservation(
            row, id, commitment, (_, reservation, grant) => grant is null
                ? Reservation.NoCommitment(commitment)
                : command.WhyNotBy(grant.ConcernedByPayment) is { } conflict ? conflict
                : grant.Pay(reservation, request.Amount, approval));
    }
}
