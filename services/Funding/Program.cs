using JasperFx.Events.Projections;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Funding;
using KkiMesh.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddMeshService("funding", mesh => mesh
    .Load<ImportActionPlan>()
    .Load<MakeGrants>()
    .Aggregate<PlanRow>()
    .Aggregate<MissingRow>()
    .Documents(store => store.Schema.For<Reservation>().Index(r => r.Row))
    .Documents(store => store.Schema.For<Grant>().Index(g => g.Row).Index(g => g.AidKey!))
    .Documents(store => Papers.Map(store.Events))
    .Aggregate<BankStatement>()
    .Aggregate<PaymentOrder>()
    .Documents(store => store.Projections.Add(new Payments(), ProjectionLifecycle.Inline))
    .On<FundsRequested>(OnFundsRequested.Handle)
    .On<EntryAwarded>(OnEntryAwarded.Handle)
    .On<ChallengeConcluded>(OnChallengeConcluded.Handle));
builder.Services.AddValidation();
builder.Services.AddSingleton(Ceilings.Of(builder.Configuration));
builder.Services.AddSingleton(OwnAccounts.Of(builder.Configuration));
builder.Services.AddHostedService<ExpireReservations>();

var app = builder.Build();
// All of it is money.
var funding = app.UseMeshService().LogsAccess();
ListRows.Map(funding);
ListTransactions.Map(funding);
ListFindings.Map(funding);
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
VerifyLedger.Map(funding);
app.Run();
