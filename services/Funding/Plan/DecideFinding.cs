using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Marten.Events.Projections;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>What is decided on a finding.</summary>
/// <param name="Outcome">Whether the plan stays as printed, or changes.</param>
/// <param name="Reason">Why, and by which body; at most 1,000 characters. Public.</param>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
public sealed record DecisionRequest(
    FindingOutcome Outcome, [Required, LongText(1000, MinimumLength = 1)] string Reason, DateOnly? Date = null);

/// <summary>The newest decision on a finding.</summary>
/// <param name="Id">The finding's id; the stream has a longer key.</param>
/// <param name="Outcome">What was decided.</param>
/// <param name="Reason">Why.</param>
/// <param name="Date">The day that it counts for.</param>
/// <param name="Head">The hash of the newest decision, over that one and all before it.</param>
public sealed record FindingDecision(
    string Id, FindingOutcome Outcome, string Reason, DateOnly Date, string? Head = null)
    : IAggregate<FindingDecision>, IAddressed, IChained
{
    /// <inheritdoc />
    string IAddressed.AddressId => Id[(LedgerStreams.Findings.Length + 1)..];

    /// <summary>The key of a finding's stream.</summary>
    public static string StreamOf(string finding) => $"{LedgerStreams.Findings}/{finding}";

    /// <summary>
    /// The turn at a finding, of who decides on it and who follows it; not the stream's own, which is taken inside it.
    /// </summary>
    internal static string TurnOf(string finding) => $"follow {StreamOf(finding)}";

    /// <inheritdoc />
    public static FindingDecision? Apply(FindingDecision? state, string id, object e) =>
        e is FindingDecided d ? new FindingDecision(id, d.Outcome, d.Reason, d.BusinessDate, state?.Head) : state;

    /// <inheritdoc />
    public IChained WithHead(string head) => this with { Head = head };

    /// <summary>
    /// Carries out what follows from a finding: somebody has decided that it changes the plan, and it
    /// is about one of the rows. Where none is named, just so.
    /// </summary>
    internal static async Task<IResult> FollowAsync(
        string? finding, IReadOnlyList<string> rows, Command command, IDocumentStore store, Func<Task<IResult>> transact, CancellationToken ct)
    {
        if (finding is null)
            return await transact();
        await using var session = store.LightweightSession(command.Region);
        // Nobody turns the decision round meanwhile.
        using var turn = await Turn.TakeAsync(session, TurnOf(finding), ct);
        if (await session.LoadAsync<FindingDecision>(StreamOf(finding), ct) is not { Outcome: FindingOutcome.ChangePlan })
            return Problems.Of(Refusal.Invalid("finding", $"Nobody has decided that the finding {finding} changes the plan."));
        return await session.LoadAsync<Finding>(finding, ct) is { Rows: { } about } && !about.Intersect(rows).Any()
            ? Problems.Of(Refusal.Invalid("finding", $"The finding {finding} is about {string.Join(", ", about)}, and not about {string.Join(" or ", rows.Distinct())}."))
            : await transact();
    }
}

/// <summary>A transaction that names a finding.</summary>
/// <param name="Id">The transaction's id.</param>
/// <param name="Finding">The finding.</param>
/// <param name="Row">The row.</param>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Amount">What the row has more, or less, in that year by it.</param>
public sealed record FindingEffect(Guid Id, string Finding, string Row, int FiscalYear, Money Amount);

/// <summary>What decisions on findings did to the ledger, kept in the transaction of the events.</summary>
public sealed partial class FindingEffects : EventProjection
{
    /// <summary>More or less money.</summary>
    public static void Project(JasperFx.Events.IEvent<PlanChanged> e, IDocumentOperations documents)
    {
        if (e.Data.Finding is { } finding)
            documents.Store(new FindingEffect(e.Id, finding, e.Data.Row, e.Data.FiscalYear, e.Data.Amount));
    }

    /// <summary>Money that came or went.</summary>
    public static void Project(JasperFx.Events.IEvent<FundsMoved> e, IDocumentOperations documents)
    {
        if (e.Data.Finding is { } finding)
            documents.Store(new FindingEffect(e.Id, finding, e.Data.Row, e.Data.Row == e.Data.From.Row ? e.Data.From.FiscalYear : e.Data.To.FiscalYear, Amount(e.Data)));
    }

    /// <summary>Whether a transaction that names a finding stands: it reverses none, and none reverses it.</summary>
    internal static async Task<bool> StandAsync(NpgsqlDataSource database, string region, string finding, CancellationToken ct)
    {
        // A row keeps which of its changes were taken back, and of its moves by the id that they have on both rows.
        await using var read = database.CreateCommand(
            """
            select exists (
                select from mt_doc_findingeffect f
                join mt_events e on e.tenant_id = f.tenant_id and e.stream_id = f.data ->> 'row' and e.id = f.id
                join mt_doc_planrow r on r.tenant_id = e.tenant_id and r.id = e.stream_id
                where f.tenant_id = $1 and f.data ->> 'finding' = $2 and e.data ->> 'reverses' is null
                  and not r.data -> 'reversed' @> to_jsonb(coalesce(e.data ->> 'moveId', e.id::text)))
            """);
        read.Parameters.AddWithValue(region);
        read.Parameters.AddWithValue(finding);
        return (bool)(await read.ExecuteScalarAsync(ct))!;
    }

    private static Money Amount(FundsMoved e) =>
        Money.Eur(e.Postings.Where(p => p.Account == Account.Available).Sum(p => p.Amount.Amount));
}

internal static class DecideFinding
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/findings/{finding}/decision", Handle)
        .AsCommand<FindingDecision>("Decides on a finding: it stays as printed, or the plan changes by transactions that name it", Roles.Coordinator)
        .DecidesOnNobody("the plan");

    private static async Task<IResult> Handle(
        string finding, DecisionRequest request, Command command, IDocumentStore store, NpgsqlDataSource database, CancellationToken ct)
    {
        if (Dates.Fault(request.Date, command.Today) is { } fault)
            return Problems.Of(fault);
        await using var session = store.LightweightSession(command.Region);
        if (await session.LoadAsync<Finding>(finding, ct) is null)
            return Problems.Of(Refusal.NotFound<Finding>(finding, command.Region));
        // No money follows the finding between looking and deciding.
        using var turn = await Turn.TakeAsync(session, FindingDecision.TurnOf(finding), ct);
        var isFollowed = request.Outcome != FindingOutcome.ChangePlan && await FindingEffects.StandAsync(database, command.Region, finding, ct);
        return await command.Begin<FindingDecision>(FindingDecision.StreamOf(finding), _ => isFollowed
            ? Refusal.Conflict($"Transactions follow from the decision that the finding {finding} changes the plan; its effects tell them: reverse them first.")
            : [new FindingDecided(finding, request.Outcome, request.Reason, request.Date ?? command.Today)]);
    }
}
