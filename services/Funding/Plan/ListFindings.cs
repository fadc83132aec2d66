using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>A finding with what people decided on it.</summary>
/// <param name="Id">The finding's id.</param>
/// <param name="Finding">The finding.</param>
/// <param name="Decision">The newest decision; null where nobody has decided.</param>
/// <param name="Effects">The transactions that name it, at most 100.</param>
public sealed record DecidedFinding(
    string Id, Finding Finding, FindingDecision? Decision, IReadOnlyList<FindingEffect> Effects);

internal static class ListFindings
{
    private const int MostEffects = 100;

    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/findings", List)
            .WithSummary("Lists the contradictions and gaps of the action plan: computed ones, and those that people wrote");
        group.MapGet("/findings/{finding}", Get)
            .WithName("showFinding")
            .WithSummary("Shows a finding, the decision on it, and what that did to the ledger").Produces<DecidedFinding>().ProducesProblem(404);
    }

    private static async Task<Page<Finding>> List(
        string region, Choice<FindingOrigin>? origin, string? number, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        IQueryable<Finding> findings = session.Query<Finding>();
        if (origin is { Value: var wanted })
            findings = findings.Where(f => f.Origin == wanted);
        if (number is not null)
            findings = findings.Where(f => f.Number == number);
        return await paging.Of(findings.OrderBy(f => f.Id), ct);
    }

    private static async Task<IResult> Get(string region, string finding, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        if (await session.LoadAsync<Finding>(finding, ct) is not { } found)
            return Problems.Of(Refusal.NotFound<Finding>(finding, region));
        var decision = await session.LoadAsync<FindingDecision>(FindingDecision.StreamOf(finding), ct);
        var effects = await session.Query<FindingEffect>().Where(e => e.Finding == finding).OrderBy(e => e.Id).Take(MostEffects).ToListAsync(ct);
        return Results.Ok(new DecidedFinding(found.Id, found, decision, effects));
    }
}
