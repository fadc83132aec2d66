using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Marten.Events.Projections;

namespace KkiMesh.Funding;

/// <summary>What is decided on a finding.</summary>
/// <param name="Outcome">Whether the plan stays as printed, or changes.</param>
/// <param name="Reason">Why, and by which body; at most 1,000 characters. Public.</param>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
public sealed record DecisionRequest(FindingOutcome Outcome, [Required, StringLength(1000)] string Reason, DateOnly? Date = null);

/// <summary>The newest decision on a finding.</summary>
/// <param name="Id">The stream: <c>findings/</c> and the finding's id.</param>
/// <param name="Outcome">What was decided.</param>
/// <param name="Reason">Why.</param>
/// <param name="Date">The day that it counts for.</param>
/// <param name="Head">The hash of the newest decision, over that one and all before it.</param>
public sealed record FindingDecision(string Id, FindingOutcome Outcome, string Reason, DateOnly Date, string? Head = null) : IAggregate<FindingDecision>, IChained
{
    /// <summary>The key of a finding's stream.</summary>
    public static string StreamOf(string finding) => $"{LedgerStreams.Findings}/{finding}";

    /// <inheritdoc />
    public static FindingDecision? Apply(FindingDecision? state, string id, object e) =>
        e is FindingDecided d ? new FindingDecision(id, d.Outcome, d.Reason, d.BusinessDate, state?.Head) : state;

    /// <inheritdoc />
    public IChained WithHead(string head) => this with { Head = head };

    /// <summary>Why a transaction cannot name a finding; null where somebody has decided that it changes the plan, or none is named.</summary>
    internal static async Task<Refusal?> FaultAsync(IDocumentStore store, string region, string? finding, CancellationToken ct)
    {
        if (finding is null)
            return null;
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<FindingDecision>(StreamOf(finding), ct) is { Outcome: FindingOutcome.ChangePlan }
            ? null
            : Refusal.Invalid("finding", $"Nobody has decided that the finding {finding} changes the plan.");
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

    private static Money Amount(FundsMoved e) =>
        Money.Eur(e.Postings.Where(p => p.Account == Account.Available).Sum(p => p.Amount.Amount));
}

internal static class DecideFinding
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/findings/{finding}/decision", Handle)
        .AsCommand<FindingDecision>("Decides on a finding: it stays as printed, or the plan changes by transactions that name it", Roles.Coordinator);

    private static async Task<IResult> Handle(string finding, DecisionRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        if (Dates.Fault(request.Date, command.Today) is { } fault)
            return Problems.Of(fault);
        await using var session = store.QuerySession(command.Region);
        return await session.LoadAsync<Finding>(finding, ct) is null
            ? Problems.Of(Refusal.NotFound<Finding>(finding, command.Region))
            : await command.Begin<FindingDecision>(
                FindingDecision.StreamOf(finding), _ => [new FindingDecided(finding, request.Outcome, request.Reason, request.Date ?? command.Today)]);
    }
}
