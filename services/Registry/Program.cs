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
ListMunicipalities.Map(registry);
ShowFields.Map(registry);
ListOrganisations.Map(registry);
ListPlaces.Map(registry);
RegisterSubject.Map(registry);
ChangeSubject.Map(registry);
GiveConsent.Map(registry);
WithdrawConsent.Map(registry);
PublishSubject.Map(registry);
HideSubject.Map(registry);
ListSubjects.Map(registry);
app.Run();
