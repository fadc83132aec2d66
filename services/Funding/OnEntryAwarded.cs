using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>An idea is awarded: its money is committed.</summary>
internal static class OnEntryAwarded
{
    public static Task Handle(EntryAwarded e, Reaction reaction) =>
        reaction.On<PlanRow>(e.Row, row => row.Commit(e.ChallengeId, e.EntryId, e.Recipient, e.Amount, e.AwarderKey));
}
