using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>What to set aside.</summary>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Amount">How much; more than zero, in EUR.</param>
/// <param name="Purpose">What it is for; at most 200 characters.</param>
/// <param name="Source">From which source; by default from all that the row has, in their order.</param>
/// <param name="ExpiresOn">The last day on which it can be committed; by default it does not lapse.</param>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
/// <param name="ExpenditurePurpose">Which purpose of systemic money it serves
/// (policy, measure 4); by default not stated.</param>
public sealed record ReserveRequest(
    int FiscalYear,
    Money Amount,
    [Required, OneLine(200, MinimumLength = 1)] string Purpose,
    FundingSource? Source = null,
    DateOnly? ExpiresOn = null,
    DateOnly? Date = null,
    ExpenditurePurpose? ExpenditurePurpose = null);

internal static class ReserveFunds
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/rows/{row}/reservations", Handle)
        .AsCreation<Reservation>("Sets money of a row aside", Roles.Treasurer)
        .DecidesOnNobody("the plan");

    internal static Task<IResult> Handle(string row, ReserveRequest request, Command command)
    {
        if (Dates.Fault(request.Date, command.Today) is { } fault)
            return Task.FromResult(Problems.Of(fault));
        var id = new ReservationId(command.NewId());
        return command.On<PlanRow, Reservation>(
            row,
            id,
            (plan, _) => plan.Reserve(
                id, request.FiscalYear, request.Amount, request.Source, request.Purpose, request.ExpiresOn, request.Date ?? command.Today, request.ExpenditurePurpose),
            location: $"rows/{Uri.EscapeDataString(row)}/reservations/{id}");
    }
}

/// <summary>Days that transactions count for.</summary>
internal static class Dates
{
    // The plan's own period begins later; this keeps slips of the pen out.
    public static readonly DateOnly First = new(2020, 1, 1);

    public static Refusal? Fault(DateOnly? date, DateOnly today) =>
        date > today ? Refusal.Invalid("date", $"A transaction does not count for a day that is still to come; today is {today:yyyy-MM-dd}.")
        : date < First ? Refusal.Invalid("date", $"The ledger begins with {First:yyyy-MM-dd}.")
        : null;

    /// <summary>What is wrong with a time; null where it does not end before it begins.</summary>
    public static Refusal? Fault(DateOnly from, DateOnly to, string field) =>
        from > to ? Refusal.Invalid(field, $"It begins on {from:yyyy-MM-dd} and would end on {to:yyyy-MM-dd}, before that.")
        : from < First ? Refusal.Invalid(field, $"The ledger begins with {First:yyyy-MM-dd}.")
        : null;
}
