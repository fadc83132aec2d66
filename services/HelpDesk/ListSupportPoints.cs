using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.HelpDesk;

/// <summary>How many cases a support point has.</summary>
/// <param name="Offered">Offered and not answered.</param>
/// <param name="Accepted">Being worked on.</param>
/// <param name="Declined">Declined.</param>
/// <param name="Closed">Closed with an outcome.</param>
public sealed record CaseCounts(int Offered, int Accepted, int Declined, int Closed);

/// <summary>A support point and what it does; no person.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Point">The support point.</param>
/// <param name="Cases">How many cases it has.</param>
public sealed record SupportPointAtWork(string Id, SupportPoint Point, CaseCounts Cases);

internal static class ListSupportPoints
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/support-points", List).WithSummary("Lists the support points that the policy names");
        group.MapGet("/support-points/{key}", Get)
            .WithName("showSupportPoint")
            .WithSummary("Shows a support point and how many mentoring cases it has")
            .Produces<SupportPointAtWork>().ProducesProblem(404);
    }

    private static async Task<Page<SupportPoint>> List(string region, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await paging.Of(session.Query<SupportPoint>().OrderBy(p => p.Key), ct);
    }

    private static async Task<IResult> Get(string region, string key, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        if (!SupportPoint.IsKey(key) || await session.LoadAsync<SupportPoint>(key, ct) is not { } point)
            return Problems.Of(Refusal.NotFound($"{region} has no such support point."));

        Task<int> Count(CaseStatus status) => session.Query<MentoringCase>().CountAsync(c => c.SupportPoint == key && c.Status == status, ct);
        var cases = new CaseCounts(
            await Count(CaseStatus.Offered), await Count(CaseStatus.Accepted), await Count(CaseStatus.Declined), await Count(CaseStatus.Closed));
        return Results.Ok(new SupportPointAtWork(point.Id, point, cases));
    }
}
