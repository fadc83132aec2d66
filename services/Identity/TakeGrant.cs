using KkiMesh.ServiceDefaults;
using Microsoft.EntityFrameworkCore;

namespace KkiMesh.Identity;

internal static class TakeGrant
{
    public static void Map(RouteGroupBuilder api) => api
        .MapDelete("/grants/{id:guid}", Handle)
        .WithSummary("Takes a role away; new tokens do not say it any more, those given before end within ten minutes")
        .Produces<GrantView>().ProducesProblem(404).ProducesProblem(409)
        .For(Roles.Coordinator, Roles.Operator)
        .DecidesOn("whose role it is");

    private static async Task<IResult> Handle(string region, Guid id, HttpContext http, IdentityStore store, TimeProvider time, CancellationToken ct)
    {
        if (await store.Grants.AsNoTracking().SingleOrDefaultAsync(g => g.Id == id && g.Region == region, ct) is not { } seen)
            return Problems.Of(Refusal.NotFound<Grant>(id, region));
        http.IsAbout(seen.Subject);
        if (GrantRules.WhyNotBy(http, seen.Role) is { } refusal)
            return Problems.Of(refusal);
        if (GiveGrant.WhyNotBy(http.Actor(), seen.Subject) is { } conflict)
            return Problems.Of(conflict);

        await using var transaction = await store.Database.BeginTransactionAsync(ct);
        await store.TakeTurnAsync($"grants of {seen.Subject}", ct);
        var grant = await store.Grants.SingleAsync(g => g.Id == id, ct);
        if (grant.TakenAt is not null)
            return Problems.Of(Refusal.Conflict("This role is taken away already."));
        grant.Take(http.Actor(), time.GetUtcNow());
        await store.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return Results.Ok(GrantView.From(grant, null));
    }
}
