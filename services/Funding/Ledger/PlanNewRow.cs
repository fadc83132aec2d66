using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>What the plan says of a year.</summary>
/// <param name="FiscalYear">The budget year, 2020 to 2099.</param>
/// <param name="State">An amount, a tick (regular funds carry it), or unknown.</param>
/// <param name="Amount">The amount, zero or more, in EUR; only where the state is an amount.</param>
/// <param name="Source">Where the amount comes from; by default that is not stated.</param>
public sealed record YearOfPlan(
    int FiscalYear, PlannedState State, Money? Amount = null, FundingSource Source = FundingSource.NotStated)
{
    internal PlannedYear Planned => new(FiscalYear, State, Amount);

    internal IReadOnlyList<Posting> Postings => Amount is not { Amount: > 0 } amount
        ? []
        : Account.Transfer(Account.Planned, Account.Available, FiscalYear, [new Share(Source, amount)]);

    /// <summary>Why the plan cannot say it; null where it can.</summary>
    internal Refusal? Fault(string? at) =>
        FiscalYear is < PlanRow.FirstYear or > PlanRow.LastYear
            ? Refusal.Invalid(at ?? "fiscalYear", $"A budget year is {PlanRow.FirstYear} to {PlanRow.LastYear}.")
        : (State == PlannedState.Amount) != Amount is not null
            ? Refusal.Invalid(at ?? "amount", "An amount is said where the state is an amount, and nowhere else.")
        : Amount is { } amount && (amount.Currency != "EUR" || amount.Amount is < 0 or > PlanRow.MostPlanned)
            ? Refusal.Invalid(at ?? "amount", $"An amount is zero to {PlanRow.Text(Money.Eur(PlanRow.MostPlanned))}, in EUR.")
        : null;
}

/// <summary>A new row of the plan.</summary>
/// <param name="Row">
/// Its id, e.g. U7-P1: at most 40 letters from A to Z, digits, and + . - _ between them; a capital first.
/// </param>
/// <param name="Measure">The number of its measure, 1 to 99.</param>
/// <param name="Code">Its code; at most 40 characters.</param>
/// <param name="Title">Its title; at most 300 characters.</param>
/// <param name="Holder">Who carries it out; at most 200 characters.</param>
/// <param name="Years">What the plan says of each year; at most 20.</param>
/// <param name="Reason">Who decided it, and why; at most 500 characters. Public.</param>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
public sealed record NewRowRequest(
    [Required, OneLine(40), RegularExpression(NewRowRequest.Id, ErrorMessage = NewRowRequest.IdRule)] string Row,
    [Range(1, 99)] int Measure,
    [Required, OneLine(40)] string Code,
    [Required, OneLine(300)] string Title,
    [Required, OneLine(200)] string Holder,
    [Required, MaxLength(20)] IReadOnlyList<YearOfPlan> Years,
    [Required, OneLine(500)] string Reason,
    DateOnly? Date = null)
{
    // What else the ledger keeps has names in small letters.
    private const string Id = "[A-Z][A-Za-z0-9]*([+._-][A-Za-z0-9]+)*";
    private const string IdRule = "A row's id begins with a capital; then letters from A to Z, digits, and + . - _ between them.";
}

internal static class PlanNewRow
{
    /// <summary>Who closes a year closes all rows: none begins meanwhile.</summary>
    public const string Turn = "rows";

    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/rows", Handle)
        .AsCommand<PlanRow>("Enters a decision that gives the plan a new row", Roles.Treasurer)
        .DecidesOnNobody("the plan");

    private static async Task<IResult> Handle(NewRowRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        if (Dates.Fault(request.Date, command.Today) is { } fault)
            return Problems.Of(fault);
        await using var session = store.LightweightSession(command.Region);
        using var turn = await Funding.Turn.TakeAsync(session, Turn, ct);
        var rows = await session.Query<PlanRow>().Take(ActionPlan.MostRows).ToListAsync(ct);
        if (rows.Count == ActionPlan.MostRows)
            return Problems.Of(Refusal.Conflict($"A plan has at most {ActionPlan.MostRows} rows."));
        if (rows.FirstOrDefault(r => r.Id != request.Row && r.Id.Equals(request.Row, StringComparison.OrdinalIgnoreCase)) is { } alike)
            return Problems.Of(Refusal.Invalid("row", $"There is a row {alike.Id} already."));
        var planned = new RowPlanned(
            request.Row, request.Measure, request.Code, request.Title, request.Holder, null, [], [], request.Date ?? command.Today, request.Reason);
        return await command.Start<PlanRow>(
            request.Row,
            PlanRow.Plan(planned, request.Years, [.. rows.SelectMany(r => r.ClosedYears).Distinct().Order()]),
            $"rows/{Uri.EscapeDataString(request.Row)}");
    }
}
