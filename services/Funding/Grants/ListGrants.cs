using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

internal static class ListGrants
{
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/grants", List)
        .WithSummary("Lists grants, the newest first; public, as every award is");

    private static async Task<Page<Grant>> List(
        string region, Choice<GrantStatus>? status, ChallengeId? challengeId, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        IQueryable<Grant> grants = session.Query<Grant>();
        if (status is { Value: var wanted })
            grants = grants.Where(g => g.Status == wanted);
        if (challengeId is { } challenge)
            grants = grants.Where(g => g.ChallengeId == challenge);
        return await paging.Of(grants.OrderByDescending(g => g.Id), ct);
    }
}
