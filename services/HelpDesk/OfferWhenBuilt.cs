using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.HelpDesk;

/// <summary>
/// Offers a case to each winner of the history who has none: those who won before this service listened. Whose home is
/// not known gets none; where the award came over the queue, it is parked there.
/// </summary>
internal static class OfferWhenBuilt
{
    public static async Task Handle(Reaction reaction)
    {
        var points = await reaction.Session.Query<SupportPoint>().ToListAsync();
        var municipalities = await reaction.Session.Query<KnownMunicipality>().ToListAsync();
        var offered = (await reaction.Session.Query<MentoringCase>().Select(c => c.Id).ToListAsync()).ToHashSet();
        foreach (var winner in await reaction.Session.Query<KnownWinner>().OrderBy(w => w.Id).ToListAsync())
        {
            if (!offered.Contains(winner.Id) && MentoringCase.Offer(winner, points, municipalities) is { Refusal: null } offer)
                await reaction.On<MentoringCase>(MentoringCase.Of(winner.Entry), _ => [], orElse: () => offer);
        }
    }
}
