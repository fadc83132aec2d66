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
var funding = app.UseMeshService().LogsAccess()
    .Explains("row", "The row of the action plan, e.g. U3-P4.")
    .Explains("year", "The budget year.")
    .Explains("municipality", "The municipality's code: three digits.");
funding.Area("action plan", "The printed action plan, and what contradicts itself in it.")
    .Explains("finding", "The finding's id.")
    .Explains("origin", "Only findings of this origin.")
    .Explains("number", "Only findings with this number.")
    .MapPlan();
funding.Area("ledger", "The money of the plan's rows: balances, reservations, transactions, seals.")
    .Explains("fiscalYear", "The budget year.")
    .Explains("measure", "Only rows of this measure.")
    .Explains("seal", "The hash of a seal that was kept elsewhere.")
    .Explains("stream", "Only the seal that covers an event: the event's stream (its subject).")
    .Explains("sequence", "Only the seal that covers an event: the event's number in its stream (its sequence).")
    .MapLedger();
funding.Area("contributions", "What municipalities give: by which key, for which annual plan, called and received.")
    .Explains("key", "The contribution key's name in addresses.")
    .Explains("version", "The key's version; by default the newest.")
    .Explains("amount", "What is divided, in cents.")
    .Explains("on", "The day on which the version has to hold; by default today.")
    .Explains("state", "Only contributions that stand here.")
    .Explains("line", "The memo line's key.")
    .Explains("id", "The receipt's id.")
    .MapContributions();
funding.Area("grants", "What beneficiaries are promised, their agreements, payments and reports.")
    .Explains("beneficiary", "The beneficiary's tax number, registration number or VAT id, where the registry does not have them.")
    .Explains("on", "The day that the three years end on; by default today.")
    .MapGrants();
funding.Area("bank", "What the bank booked, and what it is ordered to pay.")
    .Explains("key", "What names the statement in addresses.")
    .Explains("number", "The entry's number on the statement.")
    .Explains("isOpen", "Whether something waits for a person.")
    .Explains("from", "The first day of the ledger that counts.")
    .Explains("to", "The last day of the ledger that counts.")
    .Explains("commitmentId", "Only payments of this commitment, or grant.")
    .Explains("id", "The payment order's id.")
    .Explains("payment", "The payment's id.")
    .MapBank();
funding.Area("reports", "What people read about the money, as JSON, CSV or XLSX.")
    .Explains("by", "What the lines are about.")
    .MapReports();
app.MapGrpcService<LedgerCalls>().LogsAccess().RefusesUnreadable();
app.Run();
