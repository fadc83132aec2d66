using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Matchmaking;

/// <summary>Looks for subjects in the picture.</summary>
internal static class Candidates
{
    /// <summary>
    /// Everybody who fits a challenge. Nobody is left out, however many there are: the best may
    /// be the last. The database leaves out who shares no field; of some thousands with a few of
    /// thirteen fields each, an index would spare little.
    /// </summary>
    public static async Task<IReadOnlyList<Match>> ForAsync(OpenChallenge challenge, Reaction reaction)
    {
        var fitting = new List<Match>();
        if (Scoring.SeeksNobody(challenge))
            return fitting;
        IQueryable<KnownSubject> subjects = reaction.Session.Query<KnownSubject>();
        if (challenge.Fields is { Count: > 0 } fields)
            subjects = subjects.Where(s => s.Fields.Any(f => fields.Contains(f)));
        await foreach (var subject in subjects.ToAsyncEnumerable(reaction.Cancelled))
        {
            if (Scoring.Of(challenge, subject) is { } match)
                fitting.Add(match);
        }

        return fitting;
    }

    /// <summary>Everybody who fits, where a change of a subject makes room for one of them; else null.</summary>
    public static async Task<IReadOnlyList<Match>?> WhereRoomIsMadeAsync(OpenChallenge challenge, SubjectId subject, Match? match, Reaction reaction) =>
        await reaction.Session.LoadAsync<Proposals>(challenge.Id, reaction.Cancelled) is { } proposals && proposals.MakesRoom(subject, match, reaction.Now)
            ? await ForAsync(challenge, reaction)
            : null;

    /// <summary>The challenges that a subject is proposed for, open or not.</summary>
    public static async Task<IReadOnlyList<string>> ChallengesOfAsync(SubjectId subject, Reaction reaction)
    {
        var proposals = await reaction.Session.Query<Proposal>().Where(p => p.SubjectId == subject).Select(p => p.ChallengeId).ToListAsync(reaction.Cancelled);
        return [.. proposals.Select(id => id.ToString()).Order(StringComparer.Ordinal)];
    }
}
