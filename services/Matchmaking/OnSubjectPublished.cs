using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Matchmaking;

/// <summary>A subject is new, or its profile has changed: it is proposed where it fits now, and nowhere else.</summary>
internal static class OnSubjectPublished
{
    public static async Task Handle(SubjectPublished e, Reaction reaction)
    {
        if (reaction.IsSuperseded)
            return;
        await reaction.AloneAsync();
        var subject = KnownSubject.Of(e);
        var proposed = (await Candidates.ChallengesOfAsync(e.SubjectId, reaction)).ToHashSet(StringComparer.Ordinal);
        foreach (var challenge in await OpenChallenge.TakingIdeasAsync(reaction))
        {
            var match = Scoring.Of(challenge, subject);
            if (match is null && !proposed.Contains(challenge.Id))
                continue;
            var fitting = await Candidates.WhereRoomIsMadeAsync(challenge, e.SubjectId, match, reaction);
            await reaction.On<Proposals>(
                challenge.Id, proposals => proposals.Reconsider(e.SubjectId, match, reaction.Now, fitting), orElse: () => [], thread: challenge.Id);
        }
    }
}
