using KkiMesh.Contracts;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>An idea is awarded: its money is committed.</summary>
internal static class OnEntryAwarded
{
    public static Task Handle(EntryAwarded e, Reaction reaction) => reaction.On<PlanRow, Reservation>(
        e.Row,
        e.ChallengeId,
        (row, reservation) => reservation?.Commit(
            new CommitmentId(e.EntryId.Value), e.Recipient, e.Amount, reaction.Date, e.AwarderKey, e.EntryId)
            ?? Refusal.Conflict($"The row {row.Id} has no reservation for the challenge {e.ChallengeId}."));
}
