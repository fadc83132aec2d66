using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Challenges;

internal static class ListChallenges
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/", List).WithSummary("Lists challenges, the newest first; drafts are seen by coordinators only");
        group.MapGet("/{id}", Get)
            .WithName("showChallenge")
            .WithSummary("Shows a challenge")
            .Produces<Challenge>().ProducesProblem(404);
    }

    private static async Task<Page<Challenge>> List(
        string region, Choice<ChallengeStatus>? status, string? row, [AsParameters] Paging paging, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        IQueryable<Challenge> challenges = session.Query<Challenge>();
        if (!http.Has(Roles.Coordinator))
            challenges = challenges.Where(c => c.Status == ChallengeStatus.Open || c.Status == ChallengeStatus.Concluded);
        if (status is { Value: var wanted })
            challenges = challenges.Where(c => c.Status == wanted);
        if (row is not null)
            challenges = challenges.Where(c => c.Terms.Row == row);
        return await paging.Of(challenges.OrderByDescending(c => c.Id), ct);
    }

    private static async Task<IResult> Get(string region, ChallengeId id, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<Challenge>(id.ToString(), ct) is { } challenge && IsSeen(challenge, http)
            ? Results.Ok(challenge)
            : Problems.Of(Refusal.NotFound<Challenge>(id, region));
    }

    private static bool IsSeen(Challenge challenge, HttpContext http) =>
        challenge.Status is ChallengeStatus.Open or ChallengeStatus.Concluded || http.Has(Roles.Coordinator);
}
