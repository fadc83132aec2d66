using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Matchmaking;

/// <summary>A challenge is open: whoever fits it is proposed.</summary>
internal static class OnChallengePublished
{
    public static async Task Handle(ChallengePublished e, Reaction reaction)
    {
        if (reaction.IsSuperseded)
            return;
        await reaction.AloneAsync();
        var challenge = OpenChallenge.Of(e);
        var fitting = await Candidates.ForAsync(challenge, reaction);
        // Where it is followed already, a rebuild has read of it, and has settled it.
        await reaction.On<Proposals>(
            challenge.Id, _ => [], orElse: () => Proposals.Follow(challenge, fitting, reaction.Now), thread: challenge.Id);
    }
}
