using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>What to promise.</summary>
/// <param name="Recipient">To whom; at most 200 characters. Public.</param>
/// <param name="Amount">How much; more than zero, in EUR.</param>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
public sealed record CommitRequest([Required, StringLength(200)] string Recipient, Money Amount, DateOnly? Date = null);

internal static class CommitFunds
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/rows/{row}/reservations/{id}/commitments", Handle)
        .AsCommand<Reservation>("Promises reserved money to somebody; another treasurer has to approve the payment", Roles.Treasurer);

    internal static Task<IResult> Handle(string row, ReservationId id, CommitRequest request, Command command)
    {
        var commitment = new CommitmentId(command.NewId());
        return command.OnReservation(
            row, id, request.Date, (r, date) => r.Commit(commitment, request.Recipient, request.Amount, date, AccountKey.Of(commitment, command.Actor)));
    }
}

internal static class Reservations
{
    /// <summary>Decides on a reservation of a row, for a day that is today where none is said: 404 where the row has none of this id.</summary>
    public static async Task<IResult> OnReservation(
        this Command command, string row, ReservationId id, DateOnly? date, Func<Reservation, DateOnly, Decision> decide) =>
        Dates.Fault(date, command.Today) is { } fault
            ? Problems.Of(fault)
            : await command.OnReservation(row, id, (_, reservation) => decide(reservation, date ?? command.Today));

    /// <summary>Decides on a reservation where the row itself matters, too.</summary>
    public static Task<IResult> OnReservation(this Command command, string row, ReservationId id, Func<PlanRow, Reservation, Decision> decide) =>
        command.On<PlanRow, Reservation>(
            row,
            id,
            (plan, reservation) =>
                reservation?.Row != plan.Id ? Refusal.NotFound($"The row {row} has no reservation {id}.")
                : plan.WhyClosed(reservation.FiscalYear) is { } closed ? closed
                : decide(plan, reservation));
}
