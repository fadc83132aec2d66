using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>Why a transaction is taken back.</summary>
/// <param name="Reason">What was wrong, in a sentence; at most 500 characters. Public.</param>
/// <param name="Date">The day that the reversal counts for; by default today, never later.</param>
public sealed record ReverseRequest([Required, LongText(500, MinimumLength = 1)] string Reason, DateOnly? Date = null);

internal static class ReverseTransaction
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/rows/{row}/transactions/{id:guid}/reversal", Handle)
        .Explains("id", "The id of the transaction that is taken back.")
        .AsCommand<Reservation>(
            "Takes a mistaken transaction back by another one; both stay. Answers with its reservation, or with the row or rows where it was about the plan", Roles.Treasurer)
        .DecidesOn("the beneficiary, and their subject");

    internal static async Task<IResult> Handle(string row, Guid id, ReverseRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        if (Dates.Fault(request.Date, command.Today) is { } fault)
            return Problems.Of(fault);
        var date = request.Date ?? command.Today;
        await using var session = store.LightweightSession(command.Region);
        var known = await session.Events.LoadAsync(id, ct);
        if (known?.Data is PlanChanged or FundsMoved)
            command.ConcernsNobody();
        return known?.Data switch
        {
            (PlanChanged or FundsMoved) and ITransaction change when Days.WhyBefore(change.BusinessDate, date) is { } before => Problems.Of(before),
            FundsPaid mistake when mistake.Row == row => await ReversePayment(id, mistake, request.Reason, date, command, session, ct),
            IReservationTransaction mistake when mistake.Row == row => await command.OnReservation(
                row, mistake.ReservationId, mistake.CommitmentId, (plan, r, grant) =>
                    grant?.WhyNotTakeBack(mistake) is { } raised ? raised : r.Reverse(plan, id, mistake, request.Reason, date)),
            PlanChanged { Reverses: not null } or FundsMoved { Reverses: not null } =>
                Problems.Of(Refusal.Conflict("A reversal is not reversed: do anew what it took back.")),
            PlanChanged mistake when mistake.Row == row => await command.On<PlanRow>(row, plan => plan.ChangePlan(
                Money.Eur(-mistake.Amount.Amount), mistake with { Reason = request.Reason, BusinessDate = date, Reverses = id })),
            FundsMoved mistake when mistake.Row == row => await command.Move(mistake with
            {
                MoveId = command.NewId(),
                From = mistake.To,
                To = mistake.From,
                Reason = request.Reason,
                BusinessDate = date,
                Reverses = mistake.MoveId,
            }),
            RowPlanned or RowYearPlanned =>
                Problems.Of(Refusal.Conflict("What the plan says is not reversed: a change of the plan gives or takes.")),
            not (null or ITransaction) when known.StreamKey == row => Problems.Of(Refusal.Conflict($"The transaction {id} moves no money: there is nothing to take back.")),
            _ => Problems.Of(Refusal.NotFound($"The row {row} has no transaction {id}.")),
        };
    }

    // It is not ordered at the bank meanwhile.
    private static async Task<IResult> ReversePayment(
        Guid id, FundsPaid mistake, string reason, DateOnly date, Command command, IDocumentSession session, CancellationToken ct)
    {
        using var turn = await Turn.TakeAsync(session, PaymentAtBank.Turn, ct);
        var atBank = (await session.LoadAsync<PaymentAtBank>(id, ct))?.WhyNotReverse();
        return await command.OnReservation(
            mistake.Row, mistake.ReservationId, mistake.CommitmentId, (plan, r, grant) =>
                (atBank ?? grant?.WhyNotTakeBack(mistake)) is { } why ? why : r.Reverse(plan, id, mistake, reason, date));
    }
}
