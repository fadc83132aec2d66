using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>What to move, and where to; what is not named stays the same.</summary>
/// <param name="FiscalYear">The budget year that it is taken from.</param>
/// <param name="Source">The source that it is taken from.</param>
/// <param name="Amount">How much; more than zero, in EUR.</param>
/// <param name="Reason">Who decided it, and why; at most 500 characters. Public.</param>
/// <param name="ToRow">The row that gets it.</param>
/// <param name="ToFiscalYear">The budget year that it goes to, 2020 to 2099.</param>
/// <param name="ToSource">The source that it is attributed to.</param>
/// <param name="Finding">The finding that it follows from; somebody has decided on it.</param>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
public sealed record MoveRequest(
    int FiscalYear,
    FundingSource Source,
    Money Amount,
    [Required, LongText(500, MinimumLength = 1)] string Reason,
    [OneLine(40)] string? ToRow = null,
    int? ToFiscalYear = null,
    FundingSource? ToSource = null,
    [OneLine(40)] string? Finding = null,
    DateOnly? Date = null);

internal static class MoveFunds
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/rows/{row}/moves", Handle)
        .AsCommand<IReadOnlyList<PlanRow>>(
            "Moves planned money that nobody has asked for to another row, year or source, in one transaction; answers with the rows that took part", Roles.Treasurer)
        .DecidesOnNobody("the plan");

    internal static async Task<IResult> Handle(string row, MoveRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        if (Dates.Fault(request.Date, command.Today) is { } fault)
            return Problems.Of(fault);
        var from = new FundKey(row, request.FiscalYear, request.Source);
        var to = new FundKey(request.ToRow ?? row, request.ToFiscalYear ?? request.FiscalYear, request.ToSource ?? request.Source);
        var move = new FundsMoved(command.NewId(), row, from, to, request.Amount, request.Reason, [], request.Date ?? command.Today, request.Finding);
        return await FindingDecision.FollowAsync(request.Finding, [from.Row, to.Row], command, store, () => command.Move(move), ct);
    }

    /// <summary>Carries a move out on the one or two rows that it is about.</summary>
    public static Task<IResult> Move(this Command command, FundsMoved move) => command.OnAll<PlanRow>(
        [.. new[] { move.From.Row, move.To.Row }.Distinct()], rows => PlanRow.Move(rows[0], rows[^1], move), thread: move.MoveId.ToString());
}
