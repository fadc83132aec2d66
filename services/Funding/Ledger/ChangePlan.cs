using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>How the plan of a row changes.</summary>
/// <param name="FiscalYear">The budget year, 2020 to 2099.</param>
/// <param name="Source">Where the money comes from.</param>
/// <param name="Amount">How much more; negative: less. In EUR.</param>
/// <param name="Reason">Who decided it, and why; at most 500 characters. Public.</param>
/// <param name="Finding">The finding that it follows from; somebody has decided on it.</param>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
public sealed record PlanChangeRequest(
    int FiscalYear,
    FundingSource Source,
    Money Amount,
    [Required, LongText(500, MinimumLength = 1)] string Reason,
    [OneLine(40)] string? Finding = null,
    DateOnly? Date = null);

internal static class ChangePlan
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/rows/{row}/plan-changes", Handle)
        .AsCommand<PlanRow>("Enters a decision that gives a row more money, or less, than the plan gave before", Roles.Treasurer)
        .DecidesOnNobody("the plan");

    internal static async Task<IResult> Handle(string row, PlanChangeRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        if (Dates.Fault(request.Date, command.Today) is { } fault)
            return Problems.Of(fault);
        var change = new PlanChanged(
            row, request.FiscalYear, request.Source, request.Amount, request.Reason, [], request.Date ?? command.Today, request.Finding);
        return await FindingDecision.FollowAsync(
            request.Finding, [row], command, store, () => command.On<PlanRow>(row, plan => plan.ChangePlan(request.Amount, change)), ct);
    }
}
