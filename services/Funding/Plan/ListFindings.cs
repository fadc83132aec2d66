using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

internal static class ListFindings
{
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/findings", List)
        .WithSummary("Lists the contradictions and gaps of the action plan: computed ones, and those that people wrote");

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
}
