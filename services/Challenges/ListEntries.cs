using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Challenges;

internal static class ListEntries
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/{id}/entries", List)
            .WithSummary("Lists the ideas of a challenge, the best scored first; for its jury and its organiser")
            .Produces<Page<Entry>>().ProducesProblem(400).ProducesProblem(404)
            .For(Roles.Coordinator, Roles.Juror);
        group.MapGet("/{id}/entries/{entryId}", Get)
            .WithSummary("Shows an idea; for its challenge's jury and organiser")
            .Produces<Entry>().ProducesProblem(404)
            .For(Roles.Coordinator, Roles.Juror);
    }

    private static async Task<IResult> List(
        string region, ChallengeId id, [AsParameters] Paging paging, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        if (await session.LoadAsync<Challenge>(id.ToString(), ct) is null)
            return Problems.Of(Refusal.NotFound<Challenge>(id, region));
        var page = await paging.Of(
            session.Query<Entry>().Where(e => e.ChallengeId == id).OrderByDescending(e => e.Points).ThenBy(e => e.Id), ct);
        return Results.Ok(page with { Items = [.. page.Items.Select(e => Seen(e, http))] });
    }

    private static async Task<IResult> Get(
        string region, ChallengeId id, EntryId entryId, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<Entry>(entryId.ToString(), ct) is { } entry && entry.ChallengeId == id
            ? Results.Ok(Seen(entry, http))
            : Problems.Of(Refusal.NotFound<Entry>(entryId, region));
    }

    private static Entry Seen(Entry entry, HttpContext http) => http.Has(Roles.Coordinator) ? entry : entry.ForJury();
}
