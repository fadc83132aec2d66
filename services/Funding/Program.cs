using JasperFx.Events.Projections;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Funding;
using KkiMesh.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddMeshService("funding", mesh => mesh
    .Load<ImportActionPlan>()
    .Aggregate<PlanRow>()
    .Aggregate<MissingRow>()
    .Aggregate<FindingDecision>()
    .Aggregate<SealedLedger>()
    .Table(Journal.Table)
    .Documents(store => store.Schema.For<Reservation>().Index(r => r.Row))
    .Documents(store => store.Projections.Add(new Grants(), ProjectionLifecycle.Inline))
    .Documents(store => store.Projections.Add(new FindingEffects(), ProjectionLifecycle.Inline))
    .On<FundsRequested>(OnFundsRequested.Handle)
    .On<EntryAwarded>(OnEntryAwarded.Handle)
    .On<ChallengeConcluded>(OnChallengeConcluded.Handle));
builder.Services.AddValidation();
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
VerifyLedger.Map(funding);
RebuildLedger.Map(funding);
app.MapGrpcService<LedgerCalls>().LogsAccess();
app.Run();
