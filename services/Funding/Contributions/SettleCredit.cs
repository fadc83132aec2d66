using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>What is given back.</summary>
/// <param name="Reason">Why, in a sentence; at most 500 characters. Public.</param>
/// <param name="Amount">How much; by default all of the credit.</param>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
public sealed record RefundRequest(
    [Required, OneLine(500, MinimumLength = 1)] string Reason, Money? Amount = null, DateOnly? Date = null);

/// <summary>What is carried on.</summary>
/// <param name="ToYear">The later budget year; the municipality has been called for it.</param>
/// <param name="Amount">How much; by default all of the credit.</param>
public sealed record CarryRequest(int ToYear, Money? Amount = null);

internal static class SettleCredit
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapPost("/contributions/{year}/{municipality}/refunds", Refund)
            .WithName("refundCredit")
            .AsCommand<Contribution>("Records that what came beyond the call was given back, all of it or a part", Roles.Treasurer)
            .DecidesOnNobody("municipalities");
        group.MapPost("/contributions/{year}/{municipality}/carryovers", Carry)
            .WithName("carryCredit")
            .AsCommand<Contribution>("Carries what came beyond the call to the call of a later year, where it is received next", Roles.Treasurer)
            .DecidesOnNobody("municipalities");
    }

    private static async Task<IResult> Refund(int year, string municipality, RefundRequest request, Command command) =>
        Dates.Fault(request.Date, command.Today) is { } fault
            ? Problems.Of(fault)
            : await command.On<Contribution>(
                Contribution.Stream(year, municipality), c => c.Refund(request.Amount, request.Reason, request.Date ?? command.Today));

    private static async Task<IResult> Carry(int year, string municipality, CarryRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(command.Region);
        if (await session.LoadAsync<Contribution>(Contribution.Stream(request.ToYear, municipality), ct) is null)
            return Problems.Of(Refusal.Invalid("toYear", $"The municipality {municipality} has not been called for {request.ToYear}."));
        var receipt = command.NewId();
        return await command.On<Contribution>(
            Contribution.Stream(year, municipality), c => c.Carry(request.ToYear, receipt, request.Amount, command.Today));
    }
}

/// <summary>
/// A credit was carried on: it is received in the later year. The two years are
/// streams of their own, so it takes two transactions.
/// </summary>
internal static class OnCreditCarried
{
    public static Task Handle(ContributionCreditCarried e, Reaction reaction) =>
        reaction.On<Contribution>(Contribution.Stream(e.ToYear, e.Municipality), c => c.TakeOver(e));
}
