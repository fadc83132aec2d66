using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>
/// The money of the plan's rows: balances, reservations, transactions; and whether all of it is sound.
/// </summary>
internal static class LedgerArea
{
    public static MeshService AddLedger(this MeshService mesh) => mesh
        .Format(UpgradeLedger.Version, UpgradeLedger.Unnumbered)
        .UpgradedBy<UpgradeLedger>()
        .Aggregate<PlanRow>()
        .Aggregate<SealedLedger>()
        .Table(Journal.Table)
        .Documents(store => store.Listeners.Add(Journal.Waiting))
        .Documents(store => store.Schema.For<Reservation>().Index(r => r.Row).Index(r => r.ExpiresOn!, ExpireReservations.OnlyWhatExpires))
        .Documents(store => store.Schema.For<LedgerFormat>());

    public static void MapLedger(this RouteGroupBuilder funding)
    {
        ListRows.Map(funding);
        ListTransactions.Map(funding);
        ListReservations.Map(funding);
        ShowBalances.Map(funding);
        ShowStatement.Map(funding);
        ReserveFunds.Map(funding);
        CommitFunds.Map(funding);
        PayCommitment.Map(funding);
        ReleaseFunds.Map(funding);
        ReturnFunds.Map(funding);
        ReverseTransaction.Map(funding);
        PlanNewRow.Map(funding);
        PlanYear.Map(funding);
        ChangeHolder.Map(funding);
        ChangePlan.Map(funding);
        MoveFunds.Map(funding);
        CloseYear.Map(funding);
        ListSeals.Map(funding);
        VerifyLedger.Map(funding);
        RebuildLedger.Map(funding);
    }
}
