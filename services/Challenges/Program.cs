using KkiMesh.Challenges;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddMeshService("challenges", mesh => mesh
    .Format(5)
    .Aggregate<Challenge>()
    .Aggregate<Entry>()
    .Picture<KnownMunicipality>()
    .Picture<KnownSubject>()
    .Picture<SubjectOwner>()
    .Learn<MunicipalityListed>(KnownMunicipality.Learn)
    .Learn<SubjectPublished>(KnownSubject.Learn)
    .Learn<SubjectHidden>(KnownSubject.Forget)
    .On<FundsReserved>(OnFundsReserved.Handle)
    .On<FundsRefused>(OnFundsRefused.Handle)
    .On<FundsPaid>(OnFundsPaid.Handle)
    .On<TransactionReversed>(OnTransactionReversed.Handle));
builder.Services.AddValidation();
builder.Services.AddHostedService<RecordDecisions>();

var app = builder.Build();
var service = app.UseMeshService();
var challenges = service.Area("challenges", "Calls for ideas, from draft to conclusion.")
    .Explains("status", "Only challenges that stand here.")
    .Explains("row", "Only challenges that this row of the action plan pays, e.g. U3-P4.");
DraftChallenge.Map(challenges);
ReviseChallenge.Map(challenges);
PublishChallenge.Map(challenges);
AwardEntry.Map(challenges);
ConcludeChallenge.Map(challenges);
ListChallenges.Map(challenges);
ShowDecisionRecord.Map(challenges);
var entries = service.Area("entries", "The ideas that are entered for a challenge, and the jury's scores.");
SubmitEntry.Map(entries);
WithdrawEntry.Map(entries);
ScoreEntry.Map(entries);
ListEntries.Map(entries);
CountEntries.Map(entries);
app.Run();
