using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Challenges;

internal static class ListEntries
{
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/{id}/entries", List)
        .WithSummary("Lists the ideas of a challenge, the best scored first; for its jury and its organiser")
        .For(Roles.Coordinator, Roles.Juror);

    private static async Task<Page<Entry>> List(
        string region, ChallengeId id, [AsParameters] Paging paging, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        var page = await paging.Of(
            session.Query<Entry>().Where(e => e.ChallengeId == id).OrderByDescending(e => e.Points).ThenBy(e => e.Id), ct);

        // A jury judges ideas; whom to write to is the organiser's business.
        return http.Has(Roles.Coordinator) ? page : page with { Items = [.. page.Items.Select(e => e with { ContactEmail = "" })] };
    }
}
