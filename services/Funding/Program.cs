using JasperFx.Events.Projections;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.Funding;
using KkiMesh.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddMeshService("funding", mesh => mesh
    .Load<UpgradeLedger>()
    .Load<ImportActionPlan>()
    .Load<LoadMemoLines>()
    .Aggregate<PlanRow>()
    .Aggregate<MissingRow>()
    .Aggregate<FindingDecision>()
    .Aggregate<SealedLedger>()
    .Table(Journal.Table)
    .Documents(store => store.Listeners.Add(new Journal.WhenSaved()))
    .Aggregate<ContributionKey>()
    .Aggregate<AnnualPlan>()
    .Aggregate<Contribution>()
    .Aggregate<MemoLine>()
    .Documents(store => store.Schema.For<BookedTransaction>())
    .Documents(store => store.Projections.Add(new BookedTransactions(), ProjectionLifecycle.Inline))
    .On<ContributionCreditCarried>(OnCreditCarried.Handle)
    .On<BankReceiptMatched>(OnBankReceiptMatched.Handle)
    .Picture<KnownMunicipality>()
    .Learn<MunicipalityListed>(KnownMunicipality.Learn)
    .Documents(store => store.Schema.For<Reservation>().Index(r => r.Row))
    .Documents(store => store.Schema.For<FindingEffect>())
    .Documents(store => store.Projections.Add(new FindingEffects(), ProjectionLifecycle.Inline))
    .Documents(store => store.Schema.For<LedgerFormat>())
    .Documents(store => store.Schema.For<Grant>().Index(g => g.Row).Index(g => g.AidKey!))
    .Documents(store => PrivateEvents.Map(store.Events))
    .Aggregate<BankStatement>()
    .Aggregate<PaymentOrder>()
    .Documents(store => store.Schema.For<Payment>())
    .Documents(store => store.Schema.For<PaymentAtBank>())
    .Documents(store => store.Projections.Add(new Payments(), ProjectionLifecycle.Inline))
    .On<FundsRequested>(OnFundsRequested.Handle)
    .On<EntryAwarded>(OnEntryAwarded.Handle)
    .On<ChallengeConcluded>(OnChallengeConcluded.Handle));
builder.Services.AddValidation();
builder.Services.AddSingleton(Ceilings.Of(builder.Configuration));
builder.Services.AddSingleton(OwnAccounts.Of(builder.Configuration));
builder.Services.AddSingleton<StreamPostings>();
builder.Services.AddGrpc(grpc =>
{
    grpc.MaxReceiveMessageSize = 64 * 1024;
    grpc.MaxSendMessageSize = 4 * 1024 * 1024;
    grpc.Interceptors.Add<RefuseCalls>();
});
// It would tell of each refusal, which its caller has heard.
builder.Logging.AddFilter("Grpc", LogLevel.Warning);
builder.Services.AddHostedService<ExpireReservations>();
builder.Services.AddHostedService<SealLedger>();
builder.Services.AddHostedService<RemindContributions>();

var app = builder.Build();
// All of it is money.
var funding = app.UseMeshService().LogsAccess();
ListRows.Map(funding);
ListTransactions.Map(funding);
ShowBalances.Map(funding);
ShowStatement.Map(funding);
ListFindings.Map(funding);
DecideFinding.Map(funding);
ListGrants.Map(funding);
PayGrant.Map(funding);
RecordAgreement.Map(funding);
RequestPayment.Map(funding);
ApprovePayment.Map(funding);
DeclinePayment.Map(funding);
ReportUse.Map(funding);
AcceptReport.Map(funding);
SendReportBack.Map(funding);
ShowDeMinimis.Map(funding);
ImportStatement.Map(funding);
ListStatements.Map(funding);
AssignEntry.Map(funding);
ListPayments.Map(funding);
OrderPayments.Map(funding);
ListReservations.Map(funding);
ReserveFunds.Map(funding);
CommitFunds.Map(funding);
PayCommitment.Map(funding);
ReleaseFunds.Map(funding);
ReturnFunds.Map(funding);
ReverseTransaction.Map(funding);
ChangePlan.Map(funding);
MoveFunds.Map(funding);
CloseYear.Map(funding);
ListSeals.Map(funding);
ReportRealisation.Map(funding);
ReportFlow.Map(funding);
ReportMunicipalities.Map(funding);
ForecastCash.Map(funding);
PublishGrants.Map(funding);
VerifyLedger.Map(funding);
RebuildLedger.Map(funding);
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
app.MapGrpcService<LedgerCalls>().LogsAccess();
app.Run();
