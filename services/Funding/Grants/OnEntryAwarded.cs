using KkiMesh.Contracts;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>An idea is awarded: its money is committed, and its winner is noted, who may ask for it.</summary>
internal static class OnEntryAwarded
{
    public static Task Handle(EntryAwarded e, Reaction reaction) => reaction.On<PlanRow, Reservation, Grant>(
        e.Row,
        e.ChallengeId,
        e.EntryId,
        (row, reservation, _) => reservation is null
            ? Refusal.Conflict($"The row {row.Id} has no reservation for the challenge {e.ChallengeId}.")
            : Noted(reservation.Commit(new CommitmentId(e.EntryId.Value), e.Recipient, e.Amount, reservation.NotBefore(reaction.Date), e.AwarderKey, e.EntryId, e.Municipality), e));

    private static Decision Noted(Decision committed, EntryAwarded e) =>
        committed.Refusal is not null || e is { WinnerKey: null, SubjectId: null }
            ? committed
            : [.. committed, new BeneficiaryNoted(new CommitmentId(e.EntryId.Value), e.WinnerKey, e.SubjectId)];
}
