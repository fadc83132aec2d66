using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.HelpDesk;

/// <summary>
/// An idea is awarded: its winner is offered mentoring, once. Without a known home the award is parked.
/// </summary>
internal static class OnEntryAwarded
{
    public static async Task Handle(EntryAwarded e, Reaction reaction)
    {
        var points = await reaction.Session.Query<SupportPoint>().ToListAsync();
        var municipalities = await reaction.Session.Query<KnownMunicipality>().ToListAsync();
        await reaction.On<MentoringCase>(
            MentoringCase.Of(e.EntryId), _ => [], orElse: () => MentoringCase.Offer(KnownWinner.Of(e), points, municipalities));
    }
}
