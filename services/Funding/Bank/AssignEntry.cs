using System.ComponentModel.DataAnnotations;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>What an entry is: a payment, or not ours.</summary>
/// <param name="PaymentId">The payment that it settles.</param>
/// <param name="NotOurs">Why it is no business of the ledger's, in a sentence; at most 500 characters.</param>
public sealed record AssignmentRequest(
    Guid? PaymentId = null,
    [StringLength(500, MinimumLength = 1), RegularExpression(Texts.OneLine, ErrorMessage = Texts.OneLineRule)] string? NotOurs = null);

internal static class AssignEntry
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/bank-statements/{key}/entries/{number}/assignment", Handle)
        .AsCommand<BankStatement>("Says which payment a statement's entry settles, or that it is not ours; the latest word counts", Roles.Treasurer);

    private static async Task<IResult> Handle(string key, int number, AssignmentRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        if (request.PaymentId is null == request.NotOurs is null)
            return Problems.Of(Refusal.Invalid("paymentId", "An entry is a payment, or it is not ours: one of the two."));
        await using var session = store.LightweightSession(command.Region);
        using var turn = await Turn.TakeAsync(session, PaymentAtBank.Turn, ct);
        var payment = request.PaymentId is { } id ? await session.LoadAsync<Payment>(id, ct) : null;
        var isSettled = payment is not null && (await session.LoadAsync<PaymentAtBank>(payment.Id, ct))?.SettledOn is not null;
        return await command.On<BankStatement>(
            BankStatement.Of(key),
            statement => request.NotOurs is { } reason ? statement.SetAside(number, reason) : statement.Assign(number, payment, isSettled));
    }
}
