using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Matchmaking;

/// <summary>
/// A subject hid itself or withdrew its consent: it leaves every proposal, those of challenges that are over too.
/// </summary>
internal static class OnSubjectHidden
{
    public static async Task Handle(SubjectHidden e, Reaction reaction)
    {
        if (reaction.IsSuperseded)
            return;
        await reaction.AloneAsync();
        foreach (var id in await Candidates.ChallengesOfAsync(e.SubjectId, reaction))
        {
            var challenge = await reaction.Session.LoadAsync<OpenChallenge>(id, reaction.Cancelled);
            var fitting = challenge is null ? null : await Candidates.WhereRoomIsMadeAsync(challenge, e.SubjectId, match: null, reaction);
            await reaction.On<Proposals>(id, proposals => proposals.Withdraw(e.SubjectId, reaction.Now, fitting), thread: id);
        }
    }
}
