using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>The bank shows money for a call: it is booked on the contribution, once.</summary>
internal static class OnBankReceiptMatched
{
    public static Task Handle(BankReceiptMatched e, Reaction reaction) => reaction.On<Contribution>(
        Contribution.Stream(e.Year, e.Municipality), c => c.Receive(Guid.Parse(reaction.Event.Id), e.Amount, e.Reference, e.BankTransaction, e.BusinessDate));
}
