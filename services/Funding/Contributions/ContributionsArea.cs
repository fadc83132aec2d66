using JasperFx.Events.Projections;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>
/// What municipalities give: by which key and for which annual plan, called, received, and what is over.
/// </summary>
internal static class ContributionsArea
{
    public static MeshService AddContributions(this MeshService mesh) => mesh
        .Load<LoadMemoLines>()
        .Aggregate<ContributionKey>()
        .Aggregate<AnnualPlan>()
        .Aggregate<Contribution>()
        .Aggregate<MemoLine>()
        .Documents(store => store.Schema.For<BookedTransaction>())
        .Documents(store => store.Projections.Add(new BookedTransactions(), ProjectionLifecycle.Inline))
        .Picture<KnownMunicipality>()
        .Learn<MunicipalityListed>(KnownMunicipality.Learn)
        .On<ContributionCreditCarried>(OnCreditCarried.Handle)
        .On<BankReceiptMatched>(OnBankReceiptMatched.Handle);

    public static void MapContributions(this RouteGroupBuilder funding)
    {
        AdoptKey.Map(funding);
        ListKeys.Map(funding);
        DraftAnnualPlan.Map(funding);
        SubmitAnnualPlan.Map(funding);
        AnswerAnnualPlan.Map(funding);
        ListAnnualPlans.Map(funding);
        CallContribution.Map(funding);
        ReceiveContribution.Map(funding);
        ReverseReceipt.Map(funding);
        SettleCredit.Map(funding);
        ListContributions.Map(funding);
        ListMemoLines.Map(funding);
    }
}
