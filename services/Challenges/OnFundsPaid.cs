using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges;

/// <summary>A winner is paid, in full: the challenge shows it.</summary>
internal static class OnFundsPaid
{
    public static Task Handle(FundsPaid e, Reaction reaction) =>
        e is { ChallengeId: { } challenge, EntryId: { } entry, Outstanding.Amount: 0 }
            ? reaction.On<Challenge>(challenge, c => c.MarkPaid(entry, Transaction(reaction.Event.Id)))
            : Task.CompletedTask;

    // A transaction has its event's id; what is published in an older contract beside has more behind it.
    private static Guid? Transaction(string id) => Guid.TryParse(id.Split('.')[0], out var found) ? found : null;
}
