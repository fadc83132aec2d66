using KkiMesh.Challenges;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddMeshService("challenges", mesh => mesh
    .Format(2)
    .Aggregate<Challenge>()
    .Aggregate<Entry>()
    .Picture<KnownMunicipality>()
    .Picture<KnownSubject>()
    .Learn<MunicipalityListed>(KnownMunicipality.Learn)
    .Learn<SubjectPublished>(KnownSubject.Learn)
    .Learn<SubjectHidden>(KnownSubject.Forget)
    .On<FundsReserved>(OnFundsReserved.Handle)
    .On<FundsRefused>(OnFundsRefused.Handle)
    .On<FundsPaid>(OnFundsPaid.Handle)
    .On<TransactionReversed>(OnTransactionReversed.Handle));
builder.Services.AddValidation();

var app = builder.Build();
var challenges = app.UseMeshService();
DraftChallenge.Map(challenges);
ReviseChallenge.Map(challenges);
PublishChallenge.Map(challenges);
SubmitEntry.Map(challenges);
ScoreEntry.Map(challenges);
AwardEntry.Map(challenges);
ConcludeChallenge.Map(challenges);
ListChallenges.Map(challenges);
ListEntries.Map(challenges);
app.Run();
