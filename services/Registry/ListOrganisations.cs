using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Registry;

internal static class ListOrganisations
{
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/organisations", List)
        .WithSummary("Lists the organisations that the policy names; by town, and by what they do in the policy's words");

    private static async Task<Page<Organisation>> List(
        string region, string? town, string? role, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        IQueryable<Organisation> organisations = session.Query<Organisation>();
        if (town.Checked("town") is not null)
            organisations = organisations.Where(o => o.Town == town);
        if (role.Checked("role") is not null)
            organisations = organisations.Where(o => o.Roles.Contains(role!));
        return await paging.Of(organisations.OrderBy(o => o.Key), ct);
    }
}
