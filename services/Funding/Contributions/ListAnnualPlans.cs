using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>A municipality's share under two keys.</summary>
/// <param name="Municipality">Its code.</param>
/// <param name="Share">Under the plan's own key; zero where it takes no part.</param>
/// <param name="WhatIf">Under the other one; zero where it takes no part.</param>
/// <param name="Difference">The other one less the plan's own.</param>
public sealed record ShareComparison(string Municipality, Money Share, Money WhatIf, Money Difference);

/// <summary>An annual plan under another key. It is only shown: nothing changes.</summary>
/// <param name="Year">The budget year.</param>
/// <param name="Version">The plan's version.</param>
/// <param name="Indicative">What is divided.</param>
/// <param name="Key">The plan's own key.</param>
/// <param name="KeyVersion">Its version.</param>
/// <param name="WhatIfKey">The other key.</param>
/// <param name="WhatIfVersion">Its version.</param>
/// <param name="Shares">Side by side, ordered by code.</param>
public sealed record PlanComparison(
    int Year, int Version, Money Indicative, string Key, int KeyVersion, string WhatIfKey, int WhatIfVersion, IReadOnlyList<ShareComparison> Shares);

internal static class ListAnnualPlans
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/annual-plans", List)
            .WithSummary("Lists annual plans, the newest year first; what is not submitted is seen by coordinators and officers only");
        group.MapGet("/annual-plans/{year}", Get)
            .WithName("showAnnualPlan")
            .WithSummary("Shows an annual plan: each municipality's share and answer, and what is indicative and what is committed")
            .Produces<AnnualPlan>().ProducesProblem(404);
        group.MapGet("/annual-plans/{year}/what-if", Compare)
            .WithName("compareAnnualPlan")
            .WithSummary("Shows a submitted annual plan under another contribution key, side by side; changes nothing")
            .Produces<PlanComparison>().ProducesProblem(400).ProducesProblem(404);
    }

    private static async Task<Page<AnnualPlan>> List(string region, [AsParameters] Paging paging, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        IQueryable<AnnualPlan> plans = session.Query<AnnualPlan>();
        if (SeesDrafts(http))
            return await paging.Of(plans.OrderByDescending(p => p.Year), ct);
        var page = await paging.Of(plans.Where(p => p.SubmittedVersion > 0).OrderByDescending(p => p.Year), ct);
        return page with { Items = [.. page.Items.Select(p => p.WithoutDraft())] };
    }

    private static async Task<IResult> Get(string region, int year, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await FindAsync(session, year, ct) switch
        {
            { } plan when SeesDrafts(http) => Results.Ok(plan),
            { SubmittedVersion: > 0 } plan => Results.Ok(plan.WithoutDraft()),
            _ => Problems.Of(NotFound(year, region)),
        };
    }

    private static async Task<IResult> Compare(string region, int year, string key, int? version, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        if (await FindAsync(session, year, ct) is not { SubmittedVersion: > 0 } plan)
            return Problems.Of(NotFound(year, region));
        if ((await ListKeys.FindAsync(session, key, ct))?.Find(version) is not { } other)
            return Problems.Of(Refusal.NotFound($"There is no contribution key {key} of this version in {region}."));
        return Results.Ok(Comparison(plan, key, other));
    }

    private static PlanComparison Comparison(AnnualPlan plan, string key, KeyVersion other)
    {
        var now = plan.Municipalities.ToDictionary(m => m.Municipality, m => m.Share.Amount);
        var then = other.Shares(plan.Indicative.Amount).ToDictionary(s => s.Municipality, s => s.Amount.Amount);
        return new PlanComparison(
            plan.Year, plan.SubmittedVersion, plan.Indicative, plan.Key!, plan.KeyVersion!.Value, key, other.Version,
            [
                .. now.Keys.Union(then.Keys).Order(StringComparer.Ordinal).Select(m => (Code: m, Now: now.GetValueOrDefault(m), Then: then.GetValueOrDefault(m)))
                    .Select(m => new ShareComparison(m.Code, Money.Eur(m.Now), Money.Eur(m.Then), Money.Eur(m.Then - m.Now))),
            ]);
    }

    internal static Task<AnnualPlan?> FindAsync(IQuerySession session, int year, CancellationToken ct) => session.LoadAsync<AnnualPlan>(AnnualPlan.Stream(year), ct);

    internal static Refusal NotFound(int year, string region) => Refusal.NotFound($"There is no annual plan of {year} in {region}.");

    private static bool SeesDrafts(HttpContext http) => http.Has(Roles.Coordinator) || http.Has(Roles.Officer);
}
