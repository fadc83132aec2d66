using Marten.Events;

namespace KkiMesh.Funding;

/// <summary>The events that are stored and never published: papers, people's accounts, drafts.</summary>
internal static class PrivateEvents
{
    private static readonly (string Name, Type Type)[] Names =
    [
        ("funding.beneficiary-noted", typeof(BeneficiaryNoted)),
        ("funding.agreement-filed", typeof(AgreementFiled)),
        ("funding.account-changed", typeof(AccountChanged)),
        ("funding.account-confirmed", typeof(AccountConfirmed)),
        ("funding.payment-approved", typeof(PaymentApproved)),
        ("funding.payment-request-filed", typeof(PaymentRequestFiled)),
        ("funding.payment-request-declined", typeof(PaymentRequestDeclined)),
        ("funding.report-filed", typeof(ReportFiled)),
        ("funding.report-sent-back", typeof(ReportSentBack)),
        ("funding.annual-plan-drafted", typeof(AnnualPlanDrafted)),
        ("funding.statement-imported", typeof(StatementImported)),
        ("funding.entry-assigned", typeof(EntryAssigned)),
        ("funding.entry-reopened", typeof(EntryReopened)),
        ("funding.statement-explained", typeof(StatementExplained)),
        ("funding.payments-ordered", typeof(PaymentsOrdered)),
        ("funding.payment-withdrawn", typeof(PaymentWithdrawn)),
    ];

    /// <summary>Has the event store keep them under names that do not follow those of the code.</summary>
    public static void Map(IEventStoreOptions store)
    {
        foreach (var (name, type) in Names)
            store.MapEventType(type, name);
    }
}
