using System.ComponentModel.DataAnnotations;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>Who carries a row out from now on.</summary>
/// <param name="Holder">Who; at most 200 characters. Public.</param>
/// <param name="Reason">Who decided it, and why; at most 500 characters. Public.</param>
/// <param name="Date">The day from which it counts; by default today, never later.</param>
public sealed record HolderRequest(
    [Required, OneLine(200)] string Holder, [Required, OneLine(500)] string Reason, DateOnly? Date = null);

internal static class ChangeHolder
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/rows/{row}/holder", Handle)
        .AsCommand<PlanRow>("Enters a decision by which somebody else carries a row out", Roles.Treasurer)
        .DecidesOnNobody("the plan");

    private static async Task<IResult> Handle(string row, HolderRequest request, Command command) =>
        Dates.Fault(request.Date, command.Today) is { } fault
            ? Problems.Of(fault)
            : await command.On<PlanRow>(
                row, plan => plan.ChangeHolder(request.Holder, request.Reason, request.Date ?? command.Today));
}
