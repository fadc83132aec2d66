using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Challenges;

/// <summary>Whether ideas and scores are still those that a challenge was decided on.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Entries">How many ideas there are.</param>
/// <param name="Recorded">The hash that was recorded after the conclusion, which Funding's ledger seals, too (<c>kki.funding.decision-filed.v1</c>);
/// null for a moment after the conclusion.</param>
/// <param name="Computed">The hash of the ideas, scores and reasons as they are now.</param>
/// <param name="Holds">Whether both are the same; null while nothing is recorded.</param>
public sealed record RecordOfDecision(ChallengeId ChallengeId, int Entries, string? Recorded, string Computed, bool? Holds);

internal static class ShowDecisionRecord
{
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/{id}/decision-record", Show)
        .WithSummary("Shows whether ideas, scores and reasons are still those that a concluded challenge was decided on")
        .Produces<RecordOfDecision>().ProducesProblem(404).ProducesProblem(409)
        .For(Roles.Auditor, Roles.Coordinator);

    private static async Task<IResult> Show(string region, ChallengeId id, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        if (await session.LoadAsync<Challenge>(id.ToString(), ct) is not { } challenge)
            return Problems.Of(Refusal.NotFound<Challenge>(id, region));
        if (challenge.Status != ChallengeStatus.Concluded)
            return Problems.Of(Refusal.Conflict("The challenge is not concluded: until then ideas and scores may change."));
        var (hash, entries) = await DecisionRecord.OfAsync(session, challenge.Id, ct);
        return Results.Ok(new RecordOfDecision(id, entries, challenge.Record, hash, challenge.Record is null ? null : challenge.Record == hash));
    }
}
