using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>What to promise.</summary>
/// <param name="Recipient">To whom; at most 200 characters. Public.</param>
/// <param name="Amount">How much; more than zero, in EUR.</param>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
/// <param name="Municipality">The code of the recipient's municipality, as the registry
/// lists it; by default not stated. Public.</param>
/// <param name="DueOn">The day on which it is expected to be paid, not before
/// <paramref name="Date"/>; by default not known.</param>
public sealed record CommitRequest(
    [Required, OneLine(200, MinimumLength = 1)] string Recipient,
    Money Amount,
    DateOnly? Date = null,
    [RegularExpression("[0-9]{3}", ErrorMessage = "A municipality's code is three digits.")] string? Municipality = null,
    DateOnly? DueOn = null);

internal static class CommitFunds
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/rows/{row}/reservations/{id}/commitments", Handle)
        .AsCommand<Reservation>("Promises reserved money to somebody; another treasurer has to approve the payment", Roles.Treasurer)
        .DecidesOnNobody("who receives it is known by the agreement");

    internal static async Task<IResult> Handle(string row, ReservationId id, CommitRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        if (request.DueOn < (request.Date ?? command.Today))
            return Problems.Of(Refusal.Invalid("dueOn", "A payment is not expected before the day that the promise counts for."));
        await using var session = store.QuerySession(command.Region);
        if (request.Municipality is { } code && await KnownMunicipality.UnknownAsync(session, [code], ct) is { } unknown)
            return Problems.Of(unknown with { Field = "municipality" });
        var commitment = new CommitmentId(command.NewId());
        return await command.OnReservation(
            row, id, commitment, request.Date,
            (r, date) => r.Commit(
                commitment, request.Recipient, request.Amount, date, AccountKey.Of(commitment, command.Actor), null, request.Municipality, request.DueOn));
    }
}

internal static class Reservations
{
    /// <summary>The approval that a command gives.</summary>
    /// <param name="command">The command.</param>
    /// <param name="date">The day that the payment counts for; null: today.</param>
    /// <param name="seen">The account that they saw; null: they do not say.</param>
    public static Approval Approves(this Command command, DateOnly? date, SeenAccount? seen) =>
        new(command.NewId(), command.Actor, date ?? command.Today, seen);

    /// <summary>
    /// Decides on a reservation of a row, for a day that is today where none is
    /// said: 404 where the row has none of this id.
    /// </summary>
    /// <param name="command">The command.</param>
    /// <param name="row">The row.</param>
    /// <param name="id">The reservation.</param>
    /// <param name="commitment">The commitment of it that this is about; null: about none.</param>
    /// <param name="date">The day; null: today.</param>
    /// <param name="decide">What happens, or why not.</param>
    public static async Task<IResult> OnReservation(
        this Command command, string row, ReservationId id, CommitmentId? commitment, DateOnly? date, Func<Reservation, DateOnly, Decision> decide) =>
        Dates.Fault(date, command.Today) is { } fault
            ? Problems.Of(fault)
            : await command.OnReservation(row, id, commitment, (_, reservation, _) => decide(reservation, date ?? command.Today));

    /// <summary>
    /// Decides on a reservation where the row itself matters, too. What is about a
    /// commitment is about its grant: both are folded from it.
    /// </summary>
    public static Task<IResult> OnReservation(
        this Command command, string row, ReservationId id, CommitmentId? commitment, Func<PlanRow, Reservation, Grant?, Decision> decide)
    {
        return commitment is { } of
            ? command.On<PlanRow, Reservation, Grant>(row, id, of, Decide)
            : command.On<PlanRow, Reservation>(row, id, (plan, reservation) => Decide(plan, reservation, null));

        Decision Decide(PlanRow plan, Reservation? reservation, Grant? grant) =>
            reservation?.Row != plan.Id ? Refusal.NotFound($"The row {row} has no reservation {id}.")
            : command.WhyNotBy(grant?.Concerned ?? new Concerned()) is { } conflict ? conflict
            : plan.WhyClosed(reservation.FiscalYear) is { } closed ? closed
            : decide(plan, reservation, grant);
    }

    /// <summary>
    /// Decides on a grant and the reservation that it is promised from: 404 where there is no
    /// such grant. It answers with what the caller may see.
    /// </summary>
    public static async Task<IResult> OnGrant(
        this Command command, CommitmentId id, HttpContext http, IDocumentStore store, Func<Grant, Reservation, Decision> decide, bool movesMoney = false)
    {
        await using var session = store.QuerySession(command.Region);
        // Where it is does not change.
        return await session.LoadAsync<Grant>(id.ToString(), http.RequestAborted) is { } known
            ? await command.On<PlanRow, Grant, Reservation>(
                known.Row,
                id,
                known.ReservationId,
                (plan, grant, reservation) => movesMoney && plan.WhyClosed(reservation!.FiscalYear) is { } closed ? closed : decide(grant!, reservation!),
                thread: known.ReservationId.ToString(),
                view: grant => http.Seen(grant, command.Today))
            : Problems.Of(Refusal.NotFound<Grant>(id, command.Region));
    }
}
