using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Matchmaking;

/// <summary>
/// The picture is whole, for the first time or anew: proposals become what they should be
/// by it. Those that are so already stay untouched.
/// </summary>
internal static class WhenBuilt
{
    public static async Task Handle(Reaction reaction)
    {
        var subjects = await reaction.Session.Query<KnownSubject>().ToListAsync(reaction.Cancelled);
        var published = subjects.Select(s => s.SubjectId).ToHashSet();
        var open = (await OpenChallenge.TakingIdeasAsync(reaction)).ToDictionary(c => c.Id, StringComparer.Ordinal);
        foreach (var challenge in open.Values)
        {
            var fitting = subjects.Select(s => Scoring.Of(challenge, s)).OfType<Match>().ToList();
            await reaction.On<Proposals>(
                challenge.Id,
                proposals => proposals.Settle(fitting, published, reaction.Now),
                orElse: () => Proposals.Follow(challenge, fitting, reaction.Now),
                thread: challenge.Id);
        }

        foreach (var id in await OthersOfTheHiddenAsync(open.Keys, published, reaction))
            await reaction.On<Proposals>(id, proposals => proposals.Settle(proposals.Matches, published, reaction.Now), thread: id);
    }

    /// <summary>The challenges besides these for which somebody is still proposed who is published no longer.</summary>
    private static async Task<HashSet<string>> OthersOfTheHiddenAsync(IEnumerable<string> besides, HashSet<SubjectId> published, Reaction reaction)
    {
        var challenges = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var proposal in reaction.Session.Query<Proposal>().Select(p => new { p.ChallengeId, p.SubjectId }).ToAsyncEnumerable(reaction.Cancelled))
        {
            if (!published.Contains(proposal.SubjectId))
                challenges.Add(proposal.ChallengeId.ToString());
        }

        challenges.ExceptWith(besides);
        return challenges;
    }
}
