using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Registry;

internal static class ListPlaces
{
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/places", List)
        .WithSummary("Lists the places that the policy names; by town, and by what they are for in the policy's words");

    private static async Task<Page<Place>> List(
        string region, string? town, string? role, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        IQueryable<Place> places = session.Query<Place>();
        if (town.Checked("town") is not null)
            places = places.Where(p => p.Town == town);
        if (role.Checked("role") is not null)
            places = places.Where(p => p.Roles.Contains(role!));
        return await paging.Of(places.OrderBy(p => p.Key), ct);
    }
}
