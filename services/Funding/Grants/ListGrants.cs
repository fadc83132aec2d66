using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>Which grants are asked for.</summary>
/// <param name="Status">Whether they are paid.</param>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="IsReportOverdue">Those whose report of use is overdue, or the others.</param>
public sealed record GrantFilter(Choice<GrantStatus>? Status, ChallengeId? ChallengeId, bool? IsReportOverdue);

internal static class ListGrants
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/grants", List)
            .WithSummary("Lists grants, the newest first: money and days for everybody, papers for who may see them");
        group.MapGet("/grants/{id}", Get)
            .WithName("showGrant")
            .WithSummary("Shows a grant: its papers to its beneficiary, treasurers, coordinators and auditors")
            .Produces<Grant>().ProducesProblem(404);
    }

    private static async Task<Page<Grant>> List(
        string region, [AsParameters] GrantFilter filter, [AsParameters] Paging paging, HttpContext http, IDocumentStore store, TimeProvider time, CancellationToken ct)
    {
        var today = BusinessDate.Of(time.GetUtcNow());
        await using var session = store.QuerySession(region);
        var grants = session.Query<Grant>().Where(g => g.IsGrant);
        if (filter.Status is { Value: var wanted })
            grants = grants.Where(g => g.Status == wanted);
        if (filter.ChallengeId is { } challenge)
            grants = grants.Where(g => g.ChallengeId == challenge);
        if (filter.IsReportOverdue == true)
            grants = grants.Where(g => g.ReportAwaitedUntil < today);
        else if (filter.IsReportOverdue == false)
            grants = grants.Where(g => g.ReportAwaitedUntil == null || g.ReportAwaitedUntil >= today);
        var page = await paging.Of(grants.OrderByDescending(g => g.Id), ct);
        return page with { Items = [.. page.Items.Select(g => http.Seen(g, today))] };
    }

    private static async Task<IResult> Get(string region, CommitmentId id, HttpContext http, IDocumentStore store, TimeProvider time, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        if (await session.LoadAsync<Grant>(id.ToString(), ct) is not { IsGrant: true } grant)
            return Problems.Of(Refusal.NotFound<Grant>(id, region));
        var seen = http.Seen(grant, BusinessDate.Of(time.GetUtcNow()));
        return Results.Ok(seen with { Warnings = await WarningsAsync(grant, http, session, ct) });
    }

    // They tell of others' accounts: not to the beneficiary.
    private static async Task<IReadOnlyList<string>?> WarningsAsync(
        Grant grant, HttpContext http, IQuerySession session, CancellationToken ct) =>
        http.Has(Roles.Treasurer) || http.Has(Roles.Coordinator) || http.Has(Roles.Auditor)
            ? (await AccountWarnings.OfAsync(session, [grant], ct))[grant.Id]
            : null;
}
