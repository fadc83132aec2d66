using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>What the plan says of a row for one more year.</summary>
/// <param name="FiscalYear">The budget year, 2020 to 2099.</param>
/// <param name="State">An amount, a tick (regular funds carry it), or unknown.</param>
/// <param name="Reason">Who decided it, and why; at most 500 characters. Public.</param>
/// <param name="Amount">The amount, zero or more, in EUR; only where the state is an amount.</param>
/// <param name="Source">Where the amount comes from; by default that is not stated.</param>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
public sealed record YearRequest(
    int FiscalYear,
    PlannedState State,
    [Required, OneLine(500)] string Reason,
    Money? Amount = null,
    FundingSource Source = FundingSource.NotStated,
    DateOnly? Date = null);

internal static class PlanYear
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/rows/{row}/years", Handle)
        .AsCommand<PlanRow>("Enters what the plan gives a row in one more year, or in one whose amount was not known", Roles.Treasurer)
        .DecidesOnNobody("the plan");

    private static async Task<IResult> Handle(string row, YearRequest request, Command command) =>
        Dates.Fault(request.Date, command.Today) is { } fault
            ? Problems.Of(fault)
            : await command.On<PlanRow>(row, plan => plan.PlanYear(
                new YearOfPlan(request.FiscalYear, request.State, request.Amount, request.Source), request.Reason, request.Date ?? command.Today));
}
