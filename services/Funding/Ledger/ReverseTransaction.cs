using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>Why a transaction is taken back.</summary>
/// <param name="Reason">What was wrong, in a sentence; at most 500 characters. Public.</param>
/// <param name="Date">The day that the reversal counts for; by default today, never later.</param>
public sealed record ReverseRequest([Required, StringLength(500)] string Reason, DateOnly? Date = null);

internal static class ReverseTransaction
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/rows/{row}/transactions/{id:guid}/reversal", Handle)
        .AsCommand<Reservation>("Takes a mistaken transaction back by another one; both stay", Roles.Treasurer);

    private static async Task<IResult> Handle(string row, Guid id, ReverseRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        if (Dates.Fault(request.Date, command.Today) is { } fault)
            return Problems.Of(fault);
        await using var session = store.QuerySession(command.Region);
        return (await session.Events.LoadAsync(id, ct))?.Data switch
        {
            IReservationTransaction mistake when mistake.Row == row => await command.OnReservation(
                row, mistake.ReservationId, mistake.CommitmentId, (plan, r) => r.Reverse(plan, id, mistake, request.Reason, request.Date ?? command.Today)),
            RowPlanned => Problems.Of(Refusal.Conflict("The printed plan is not reversed.")),
            _ => Problems.Of(Refusal.NotFound($"The row {row} has no transaction {id}.")),
        };
    }
}
