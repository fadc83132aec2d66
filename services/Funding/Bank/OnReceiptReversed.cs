using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>A receipt was taken back: where it came from a statement, its entry waits for a person again.</summary>
internal static class OnReceiptReversed
{
    public static async Task Handle(ContributionReceiptReversed e, Reaction reaction)
    {
        if (e.BankTransaction is not { } transaction)
            return;
        var statements = await reaction.Session.Query<BankStatement>()
            .Where(s => s.Entries.Any(x => x.BankTransaction == transaction && x.Municipality == e.Municipality)).ToListAsync(reaction.Cancelled);
        foreach (var statement in statements)
        {
            await reaction.On<BankStatement>(statement.Id, s => s.Reopen(
                transaction, e.Year, e.Municipality, $"The receipt from the municipality {e.Municipality} for {e.Year} that it was booked as was reversed."));
        }
    }
}
