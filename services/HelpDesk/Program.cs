using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.HelpDesk;
using KkiMesh.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddMeshService("helpdesk", mesh => mesh
    .Format(2)
    .Load<LoadSupportPoints>()
    .Aggregate<MentoringCase>()
    .Documents(store => store.Schema.For<SupportPoint>().Identity(p => p.Key))
    .Picture<KnownMunicipality>()
    .Picture<KnownWinner>()
    .Learn<MunicipalityListed>(KnownMunicipality.Learn)
    .Learn<EntryAwarded>(KnownWinner.Learn)
    .On<EntryAwarded>(OnEntryAwarded.Handle)
    .WhenBuilt(OfferWhenBuilt.Handle));
builder.Services.AddValidation();

var app = builder.Build();
var helpdesk = app.UseMeshService();
ListSupportPoints.Map(helpdesk);
ListCases.Map(helpdesk);
AcceptCase.Map(helpdesk);
DeclineCase.Map(helpdesk);
HoldSession.Map(helpdesk);
CloseCase.Map(helpdesk);
app.Run();
