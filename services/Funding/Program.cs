using KkiMesh.Funding;
using KkiMesh.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddMeshService("funding", mesh => mesh
    .AddLedger()
    .AddPlan()
    .AddContributions()
    .AddGrants()
    .AddBank()
    .Documents(store => PrivateEvents.Map(store.Events)));
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
funding.MapLedger();
funding.MapPlan();
funding.MapContributions();
funding.MapGrants();
funding.MapBank();
funding.MapReports();
app.MapGrpcService<LedgerCalls>().LogsAccess().RefusesUnreadable();
app.Run();
