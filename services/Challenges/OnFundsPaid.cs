using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges;

/// <summary>A winner is paid, in full: the challenge shows it.</summary>
internal static class OnFundsPaid
{
    public static Task Handle(FundsPaid e, Reaction reaction) =>
        e is { ChallengeId: { } challenge, EntryId: { } entry, Outstanding.Amount: 0 }
            ? reaction.On<Challenge>(challenge, c => c.MarkPaid(entry))
            : Task.CompletedTask;
}
