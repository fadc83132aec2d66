using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Matchmaking;

/// <summary>Picture: a challenge that is published and not concluded.</summary>
/// <param name="Id">The challenge's id.</param>
/// <param name="Title">Its title.</param>
/// <param name="Fields">The fields of the taxonomy that it seeks, 1 to 13; empty where it says none.</param>
/// <param name="Competences">The competences that it seeks; empty where it says none.</param>
/// <param name="Deadline">Until when ideas are taken; nobody is proposed afterwards.</param>
public sealed record OpenChallenge(
    string Id, string Title, IReadOnlyList<int> Fields, IReadOnlyList<string> Competences, DateTimeOffset Deadline)
{
    /// <summary>
    /// A change of a subject looks at so many challenges that seek somebody, those with the newest deadlines, so that
    /// one event's work stays bounded. A region has some tens.
    /// </summary>
    public const int MostLookedAt = 500;

    /// <summary>
    /// Whether it says something by which somebody can be proposed; stored, so
    /// that the database can leave out the others.
    /// </summary>
    public bool SeeksSomebody => !Scoring.SeeksNobody(this);

    internal static void Index(StoreOptions store) => store.Schema.For<OpenChallenge>().Index(c => c.Deadline);

    internal static OpenChallenge Of(ChallengePublished e) =>
        new(e.ChallengeId.ToString(), e.Title, [.. (e.Fields ?? []).Where(Field.All.ContainsKey)], e.Competences ?? [], e.Deadline);

    internal static void Learn(ChallengePublished e, IDocumentOperations picture) => picture.Store(Of(e));

    internal static void Forget(ChallengeConcluded e, IDocumentOperations picture) => picture.Delete<OpenChallenge>(e.ChallengeId.ToString());

    /// <summary>Those that still take ideas and seek somebody.</summary>
    internal static Task<IReadOnlyList<OpenChallenge>> TakingIdeasAsync(Reaction reaction)
    {
        var now = reaction.Now;
        return reaction.Session.Query<OpenChallenge>()
            .Where(c => c.Deadline > now && c.SeeksSomebody).OrderByDescending(c => c.Deadline).ThenBy(c => c.Id).Take(MostLookedAt)
            .ToListAsync(reaction.Cancelled);
    }
}
