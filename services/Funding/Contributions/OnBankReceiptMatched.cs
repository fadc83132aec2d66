using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>
/// The bank shows money for a call: it is booked on the contribution, once. What
/// cannot be booked waits for a person on its statement.
/// </summary>
internal static class OnBankReceiptMatched
{
    public static async Task Handle(BankReceiptMatched e, Reaction reaction)
    {
        var stream = Contribution.Stream(e.Year, e.Municipality);
        // Somebody may have booked it by hand since the statement was taken in.
        var isBooked = (await BookedTransaction.AmongAsync(reaction.Session, [e.BankTransaction], reaction.Cancelled)).Count > 0;
        var why = isBooked ? BankStatement.IsBooked(e.BankTransaction) : null;
        if (!isBooked)
        {
            await reaction.On<Contribution>(stream, c =>
            {
                var decision = c.Receive(Guid.Parse(reaction.Event.Id), e.Amount, e.Reference, e.BankTransaction, e.BusinessDate);
                why = decision.Refusal?.Reason;
                return why is null ? decision : [];
            });
        }

        if (why is not null)
            await reaction.On<BankStatement>(reaction.Event.Subject!, s => s.Reopen(e.BankTransaction, e.Year, e.Municipality, why));
    }
}
