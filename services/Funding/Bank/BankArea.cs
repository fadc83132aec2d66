using JasperFx.Events.Projections;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>What the bank booked, and what it is ordered to pay.</summary>
internal static class BankArea
{
    public static MeshService AddBank(this MeshService mesh) => mesh
        .Aggregate<BankStatement>()
        .Aggregate<PaymentOrder>()
        .Documents(store => store.Schema.For<BankStatement>().Index(s => s.StatementId))
        .Documents(store => store.Schema.For<Payment>().Index(p => p.Row))
        .Documents(store => store.Schema.For<PaymentApproval>().Index(a => a.Row))
        .Documents(store => store.Schema.For<PaymentAtBank>())
        .Documents(store => store.Projections.Add(new Payments(), ProjectionLifecycle.Inline))
        .On<ContributionReceiptReversed>(OnReceiptReversed.Handle);

    public static void MapBank(this RouteGroupBuilder funding)
    {
        ImportStatement.Map(funding);
        ListStatements.Map(funding);
        AssignEntry.Map(funding);
        ExplainStatement.Map(funding);
        ListPayments.Map(funding);
        OrderPayments.Map(funding);
        WithdrawPayment.Map(funding);
    }
}
