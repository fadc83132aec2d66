using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>A payment, and how far the bank is with it.</summary>
/// <param name="Payment">The payment.</param>
/// <param name="OrderId">The payment order that it is in; null: none.</param>
/// <param name="SettledOn">The day that the bank booked it; null: not yet.</param>
/// <param name="ApprovedFor">The account that it was approved for; null: it was paid before any was named.</param>
public sealed record PaymentLine(Payment Payment, Guid? OrderId, DateOnly? SettledOn, BankAccount? ApprovedFor = null);

internal static class ListPayments
{
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/payments", List)
        .WithSummary("Lists the ledger's payments, the newest first, with their payment orders and the day that the bank booked them")
        .Produces<Page<PaymentLine>>().ProducesProblem(400)
        .For(Roles.Treasurer, Roles.Auditor);

    private static async Task<IResult> List(
        string region, string? row, CommitmentId? commitmentId, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        IQueryable<Payment> payments = session.Query<Payment>();
        if (row is not null)
            payments = payments.Where(p => p.Row == row);
        if (commitmentId is { } commitment)
            payments = payments.Where(p => p.CommitmentId == commitment);
        var page = await paging.Of(payments.OrderByDescending(p => p.Id), ct);
        var known = (await session.LoadManyAsync<PaymentAtBank>(ct, page.Items.Select(p => p.Id).ToArray())).ToDictionary(p => p.Id);
        var approved = await session.ApprovalsOfAsync(page.Items, ct);
        return Results.Ok(new Page<PaymentLine>([.. page.Items.Select(Line)], page.Number, page.Size, page.Total));

        PaymentLine Line(Payment p)
        {
            var at = known.GetValueOrDefault(p.Id);
            return new PaymentLine(p, at?.OrderId, at?.SettledOn, approved.GetValueOrDefault(p.ApprovedBy)?.To);
        }
    }
}
