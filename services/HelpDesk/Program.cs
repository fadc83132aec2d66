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
var points = helpdesk.Area("support points", "Where winners are helped near home.")
    .Explains("key", "The support point's key: lower case letters, digits and dashes.");
ListSupportPoints.Map(points);
var mentoring = helpdesk.Area("mentoring", "The help that each winner is offered, from the offer to its outcome.");
ListCases.Map(mentoring);
AcceptCase.Map(mentoring);
DeclineCase.Map(mentoring);
HoldSession.Map(mentoring);
CloseCase.Map(mentoring);
app.Run();
