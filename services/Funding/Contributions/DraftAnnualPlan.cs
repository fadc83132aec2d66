using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>An item of an annual plan.</summary>
/// <param name="Row">The row of the action plan; one that has municipal money by the contribution key.</param>
/// <param name="Description">What for; at most 300 characters. Public once it is submitted.</param>
/// <param name="Purpose">Which of the three purposes it serves.</param>
/// <param name="Amount">How much, indicative; more than zero, at most a thousand million, in EUR.</param>
public sealed record PlanItemRequest(
    [Required, OneLine(40, MinimumLength = 1)] string Row,
    [Required, OneLine(300, MinimumLength = 1)] string Description,
    ExpenditurePurpose Purpose,
    Money Amount);

/// <summary>What an annual plan is to be.</summary>
/// <param name="Items">1 to 100 items.</param>
/// <param name="Key">The contribution key that it is divided by.</param>
/// <param name="KeyVersion">The key's version, one that holds in the year; by
/// default the one that does at its end.</param>
public sealed record PlanRequest(
    [MaxLength(DraftAnnualPlan.MostItems)] IReadOnlyList<PlanItemRequest> Items,
    [Required, OneLine(40, MinimumLength = 1)] string Key,
    int? KeyVersion = null);

internal static class DraftAnnualPlan
{
    public const int MostItems = 100;
    private const long LargestAmount = 100_000_000_000;
    private const int FirstYear = 2020;
    private const int LastYear = 2100;

    public static void Map(RouteGroupBuilder group) => group
        .MapPut("/annual-plans/{year}", Handle)
        .AsCreation<AnnualPlan>("Drafts an annual plan, or its next version; what was drafted before is replaced (200)", Roles.Coordinator)
        .DecidesOnNobody("municipalities")
        .Produces<AnnualPlan>();

    private static async Task<IResult> Handle(int year, PlanRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        if (year is < FirstYear or > LastYear)
            return Problems.Of(Refusal.Invalid("year", $"A budget year is {FirstYear} to {LastYear}."));
        await using var session = store.QuerySession(command.Region);
        if (Fault(request) is { } fault)
            return Problems.Of(fault);
        if (await RowFaultAsync(session, request.Items, ct) is { } row)
            return Problems.Of(row);
        if ((await ListKeys.FindAsync(session, request.Key, ct))?.In(year, request.KeyVersion) is not { } key)
            return Problems.Of(Refusal.Invalid("key", $"There is no contribution key {request.Key} of this version that holds in {year}."));

        var drafted = new AnnualPlanDrafted(year, Draft(request, key));
        return await ListAnnualPlans.FindAsync(session, year, ct) is null
            ? await command.Start<AnnualPlan>(AnnualPlan.Stream(year), [drafted], $"annual-plans/{year}")
            : await command.On<AnnualPlan>(AnnualPlan.Stream(year), _ => [drafted]);
    }

    private static PlanDraft Draft(PlanRequest request, KeyVersion key) => new(
        [.. request.Items.Select(i => new AnnualPlanItem(i.Row, i.Description, i.Purpose, i.Amount))],
        request.Key,
        key.Version,
        [.. key.Shares(request.Items.Sum(i => i.Amount.Amount)).Select(s => new MunicipalShare(s.Municipality, s.Amount))]);

    private static Refusal? Fault(PlanRequest request) =>
        request.Items.Count == 0 || request.Items.Any(i => i is null) ? Refusal.Invalid("items", $"An annual plan has 1 to {MostItems} items.")
        : request.Items.Index().Where(i => i.Item.Amount.Currency != "EUR" || i.Item.Amount.Amount is < 1 or > LargestAmount).Select(i =>
            Refusal.Invalid($"items[{i.Index}].amount", $"An amount is more than zero and at most {PlanRow.Text(Money.Eur(LargestAmount))}.")).FirstOrDefault();

    // The annual plan is about the money that the key divides, and no other (policy, measure 4).
    private static async Task<Refusal?> RowFaultAsync(IQuerySession session, IReadOnlyList<PlanItemRequest> items, CancellationToken ct)
    {
        var rows = (await session.LoadManyAsync<PlanRow>(ct, [.. items.Select(i => i.Row).Distinct()])).ToDictionary(r => r.Id);
        return items.Index().Select(i =>
            rows.GetValueOrDefault(i.Item.Row) is not { } row ? Refusal.Invalid($"items[{i.Index}].row", $"The plan has no row {i.Item.Row}.")
            : row.Funds.All(f => f.Source != FundingSource.MunicipalKey)
                ? Refusal.Invalid($"items[{i.Index}].row", $"The row {row.Id} has no municipal money by the contribution key.")
            : null).FirstOrDefault(fault => fault is not null);
    }
}
