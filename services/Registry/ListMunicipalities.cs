using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Registry;

internal static class ListMunicipalities
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/municipalities", List).WithSummary("Lists the region's municipalities, by code");
        group.MapGet("/municipalities/{code}", Get)
            .WithName("showMunicipality")
            .WithSummary("Shows a municipality")
            .Produces<Municipality>().ProducesProblem(404);
    }

    private static async Task<Page<Municipality>> List(string region, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await paging.Of(session.Query<Municipality>().OrderBy(m => m.Code), ct);
    }

    private static async Task<IResult> Get(string region, string code, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<Municipality>(Municipality.Stream(code.Checked("code")!), ct) is { } municipality
            ? Results.Ok(municipality)
            : Problems.Of(Refusal.NotFound<Municipality>(code, region));
    }
}
