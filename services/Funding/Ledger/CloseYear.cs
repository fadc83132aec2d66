using System.ComponentModel.DataAnnotations;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>A budget year of the ledger.</summary>
/// <param name="Year">The year.</param>
/// <param name="Balance">What has become of its money, over all rows.</param>
/// <param name="IsClosed">Whether its books are closed.</param>
/// <param name="Warnings">The bank statements that skip something, for who closes the year; null elsewhere.</param>
public sealed record FiscalYear(
    int Year, Balance Balance, bool IsClosed, IReadOnlyList<StatementWarning>? Warnings = null);

/// <summary>A bank statement that does not go on where the last one ended.</summary>
/// <param name="Key">What names it in addresses.</param>
/// <param name="ClosedOn">The day of its closing balance.</param>
/// <param name="Warning">What is wrong.</param>
/// <param name="Explanation">What a person says to it; null: nothing yet.</param>
public sealed record StatementWarning(string Key, DateOnly ClosedOn, string Warning, string? Explanation);

/// <summary>Why a closed year is opened again.</summary>
/// <param name="Reason">Why, in a sentence; at most 500 characters. Public.</param>
public sealed record ReopenRequest([Required, LongText(500, MinimumLength = 1)] string Reason);

internal static class CloseYear
{
    // All rows close in one transaction, each with a lock of its own.
    private const int MostRows = ActionPlan.MostRows;
    private const int MaxWarnings = 100;

    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/fiscal-years", List)
            .WithName("listFiscalYears")
            .WithSummary("Lists the budget years with their money, and whether their books are closed");
        group.MapPost("/fiscal-years/{year}/close", Close)
            .AsCommand<FiscalYear>("Closes a year's books on all rows at once; nothing may be reserved or committed in it any more", Roles.Treasurer)
            .DecidesOnNobody("the books");
        group.MapPost("/fiscal-years/{year}/reopen", Reopen)
            .WithName("reopenYear")
            .AsCommand<FiscalYear>("Opens a closed year again, for a reason", Roles.Auditor)
            .DecidesOnNobody("the books");
    }

    private static async Task<IReadOnlyList<FiscalYear>> List(string region, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        var rows = await session.Query<PlanRow>().Take(MostRows).ToListAsync(ct);
        return [.. rows.SelectMany(r => r.Funds).Select(f => f.FiscalYear).Concat(rows.SelectMany(r => r.ClosedYears)).Distinct().Order().Select(year => Of(year, rows))];
    }

    private static async Task<IResult> Close(int year, Command command, IDocumentStore store, CancellationToken ct)
    {
        if (year >= command.Today.Year)
            return Problems.Of(Refusal.Conflict($"The year {year} is not over yet."));
        var warnings = await WarningsAsync(year, command.Region, store, ct);
        return await OnAllRows(year, command, store, row => row.Close(year, command.Today), ct, warnings);
    }

    // They do not keep a year open: they are explained, or not.
    private static async Task<IReadOnlyList<StatementWarning>> WarningsAsync(
        int year, string region, IDocumentStore store, CancellationToken ct)
    {
        if (year is < 2000 or > 2100)
            return [];
        await using var session = store.QuerySession(region);
        var (first, last) = (new DateOnly(year, 1, 1), new DateOnly(year, 12, 31));
        var statements = await session.Query<BankStatement>()
            .Where(s => s.Warning != null && s.ClosedOn >= first && s.ClosedOn <= last)
            .OrderBy(s => s.ClosedOn).Take(MaxWarnings).ToListAsync(ct);
        return [.. statements.Select(s => new StatementWarning(s.Key, s.ClosedOn, s.Warning!, s.Explanation))];
    }

    private static Task<IResult> Reopen(int year, ReopenRequest request, Command command, IDocumentStore store, CancellationToken ct) =>
        OnAllRows(year, command, store, row => row.Reopen(year, request.Reason, command.Today), ct);

    // A row without money in the year closes, too, so that none can get any.
    private static async Task<IResult> OnAllRows(
        int year,
        Command command,
        IDocumentStore store,
        Func<PlanRow, Decision> decide,
        CancellationToken ct,
        IReadOnlyList<StatementWarning>? warnings = null)
    {
        await using var session = store.LightweightSession(command.Region);
        using var turn = await Turn.TakeAsync(session, PlanNewRow.Turn, ct);
        var rows = await session.Query<PlanRow>().OrderBy(r => r.Id).Take(MostRows).ToListAsync(ct);
        return !rows.Any(r => r.Funds.Any(f => f.FiscalYear == year))
            ? Problems.Of(Refusal.NotFound($"No row has money for {year}."))
            : await command.OnAll(
                [.. rows.Select(r => r.Id)],
                (IReadOnlyList<PlanRow> all) => [.. all.Select(decide)],
                all => Of(year, all) with { Warnings = warnings },
                $"fiscal-year/{year}");
    }

    private static FiscalYear Of(int year, IReadOnlyList<PlanRow> rows) => new(
        year,
        rows.SelectMany(r => r.Funds).Where(f => f.FiscalYear == year).Aggregate(Balance.Zero, (sum, f) => sum + f.Balance),
        rows.Any(r => r.ClosedYears.Contains(year)));
}
