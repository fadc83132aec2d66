using System.ComponentModel.DataAnnotations;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>What an entry is: a payment, a contribution, or not ours.</summary>
/// <param name="PaymentId">The payment that it settles.</param>
/// <param name="NotOurs">Why it is no business of the ledger's, in a sentence; at most 500 characters.</param>
/// <param name="Year">The budget year of the contribution that it is.</param>
/// <param name="Municipality">The code of the municipality whose contribution it is.</param>
public sealed record AssignmentRequest(
    Guid? PaymentId = null,
    [OneLine(500, MinimumLength = 1)] string? NotOurs = null,
    int? Year = null,
    [RegularExpression("[0-9]{3}", ErrorMessage = "A municipality's code is three digits.")] string? Municipality = null);

internal static class AssignEntry
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/bank-statements/{key}/entries/{number}/assignment", Handle)
        .AsCommand<BankStatement>("Says which payment a statement's entry settles, whose contribution it is, or that it is not ours; the latest word counts", Roles.Treasurer)
        .DecidesOnNobody("what the bank says");

    private static async Task<IResult> Handle(string key, int number, AssignmentRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        if (((bool[])[request.PaymentId is not null, request.NotOurs is not null, request.Municipality is not null]).Count(said => said) != 1)
            return Problems.Of(Refusal.Invalid("paymentId", "An entry is a payment, a municipality's contribution, or not ours: one of the three."));
        if (request.Municipality is not null != request.Year is not null)
            return Problems.Of(Refusal.Invalid("year", "A contribution is a municipality's, for a year."));
        await using var session = store.LightweightSession(command.Region);
        using var turn = await Turn.TakeAsync(session, PaymentAtBank.Turn, ct);
        var payment = request.PaymentId is { } id ? await session.LoadAsync<Payment>(id, ct) : null;
        var isSettled = payment is not null && (await session.LoadAsync<PaymentAtBank>(payment.Id, ct))?.SettledOn is not null;
        var contribution = request is { Municipality: { } code, Year: { } year } ? await session.LoadAsync<Contribution>(Contribution.Stream(year, code), ct) : null;
        var transaction = (await session.LoadAsync<BankStatement>(BankStatement.Of(key), ct))?.Find(number)?.BankTransaction;
        var isBooked = transaction is not null && (await BookedTransaction.AmongAsync(session, [transaction], ct)).Count > 0;
        return await command.On<BankStatement>(
            BankStatement.Of(key),
            statement => request.NotOurs is { } reason ? statement.SetAside(number, reason)
                : request.Municipality is not null ? statement.Assign(number, contribution, isBooked)
                : statement.Assign(number, payment, isSettled));
    }
}
