using KkiMesh.Registry;
using KkiMesh.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddMeshService("registry", mesh => mesh
    .Format(2)
    .Load<LoadReferenceData>()
    .Aggregate<Municipality>()
    .Aggregate<Organisation>()
    .Aggregate<Place>()
    .Aggregate<Subject>()
    .Documents(store => store.Schema.For<Taxonomy>())
    .Documents(SearchText.Index));
builder.Services.AddValidation();

var app = builder.Build();
var registry = app.UseMeshService();
var subjects = registry.Area("subjects", "Creative subjects and their profiles.");
RegisterSubject.Map(subjects);
ChangeSubject.Map(subjects);
PublishSubject.Map(subjects);
HideSubject.Map(subjects);
ListSubjects.Map(subjects);
var consent = registry.Area("consent", "What subjects agree to before they are published.");
GiveConsent.Map(consent);
WithdrawConsent.Map(consent);
var reference = registry
    .Area("reference data", "Municipalities, fields, organisations and places that the policy names.")
    .Explains("code", "The municipality's code: three digits.")
    .Explains("town", "Only those in this town.")
    .Explains("role", "Only those with this role, in the policy's words.");
ListMunicipalities.Map(reference);
ShowFields.Map(reference);
ListOrganisations.Map(reference);
ListPlaces.Map(reference);
app.Run();
