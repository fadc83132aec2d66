using System.ComponentModel.DataAnnotations;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>Why the bank has not made a payment.</summary>
/// <param name="Reason">In a sentence; at most 500 characters.</param>
public sealed record WithdrawalRequest(
    [Required, OneLine(500, MinimumLength = 1)] string Reason);

internal static class WithdrawPayment
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/payment-orders/{id:guid}/payments/{payment:guid}/withdrawal", Handle)
        .AsCommand<PaymentOrder>("Records that the bank did not make a payment, and will not: it can then be ordered again, or reversed", Roles.Treasurer)
        .DecidesOnNobody("what was approved");

    private static async Task<IResult> Handle(Guid id, Guid payment, WithdrawalRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.LightweightSession(command.Region);
        using var turn = await Turn.TakeAsync(session, PaymentAtBank.Turn, ct);
        var settledOn = (await session.LoadAsync<PaymentAtBank>(payment, ct))?.SettledOn;
        return await command.On<PaymentOrder>(PaymentOrder.Of(id), order => order.Withdraw(payment, settledOn, request.Reason), view: order => order with { File = null });
    }
}
