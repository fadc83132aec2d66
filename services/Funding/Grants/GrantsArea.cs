using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>What beneficiaries are promised, with its papers; and what challenges have done with money.</summary>
internal static class GrantsArea
{
    public static MeshService AddGrants(this MeshService mesh) => mesh
        .Documents(store => store.Schema.For<Grant>()
            .Index(g => g.Row).Index(g => g.AidKey!).Index(g => g.Agreement!.Account!.Iban))
        .On<FundsRequested>(OnFundsRequested.Handle)
        .On<EntryAwarded>(OnEntryAwarded.Handle)
        .On<ChallengeConcluded>(OnChallengeConcluded.Handle)
        .On<DecisionRecorded>(OnDecisionRecorded.Handle);

    public static void MapGrants(this RouteGroupBuilder funding)
    {
        ListGrants.Map(funding);
        PayGrant.Map(funding);
        RecordAgreement.Map(funding);
        RequestPayment.Map(funding);
        ApprovePayment.Map(funding);
        DeclinePayment.Map(funding);
        ConfirmAccount.Map(funding);
        ReportUse.Map(funding);
        AcceptReport.Map(funding);
        SendReportBack.Map(funding);
        ShowDeMinimis.Map(funding);
    }
}
