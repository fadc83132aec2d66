using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Challenges;

/// <summary>How many ideas are entered for a challenge; without those that were withdrawn.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Entries">The number.</param>
public sealed record EntryCount(ChallengeId ChallengeId, int Entries);

internal static class CountEntries
{
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/{id}/entry-count", Count)
        .WithSummary("Tells the organiser how many ideas are entered; until the deadline that is all they see of them")
        .Produces<EntryCount>().ProducesProblem(404)
        .For(Roles.Coordinator);

    private static async Task<IResult> Count(string region, ChallengeId id, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<Challenge>(id.ToString(), ct) is null
            ? Problems.Of(Refusal.NotFound<Challenge>(id, region))
            : Results.Ok(new EntryCount(id, await session.Query<Entry>().CountAsync(e => e.ChallengeId == id && !e.IsWithdrawn, ct)));
    }
}
