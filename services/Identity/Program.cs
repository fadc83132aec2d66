using KkiMesh.Identity;
using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Localization;

var builder = WebApplication.CreateBuilder(args);
builder.AddWebDefaults("identity");
builder.AddStore();
builder.AddAccounts();
builder.AddOpenIdServer();
builder.AddMail();
builder.Services.AddScoped<TokenRoles>();
// Else the pages would be without their style where the program runs out of a build, outside Development.
builder.WebHost.UseStaticWebAssets();
builder.Services.AddLocalization(o => o.ResourcesPath = "Resources");
builder.Services.AddRazorPages();
builder.Services.AddAuthorization();
// The API asks for the scope by itself.
builder.Services.AddSingleton(new FullScope(""));
builder.Services.AddValidation();
builder.Services.AddHostedService<ConfiguredClients>();
builder.Services.AddHostedService<DemoAccounts>();
builder.Services.AddHostedService<Forget>();

var app = builder.Build();
// The gateway says how it was asked, and drops what others say; nobody else reaches this service.
var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedProto };
forwarded.KnownProxies.Clear();
forwarded.KnownIPNetworks.Clear();
app.UseForwardedHeaders(forwarded);
app.UseWebDefaults();
app.Use(BodyEncoding.Check);
app.UseRequestLocalization(o =>
{
    o.SetDefaultCulture("sl").AddSupportedCultures("sl", "en").AddSupportedUICultures("sl", "en");
    o.RequestCultureProviders.Insert(0, new QueryStringRequestCultureProvider { QueryStringKey = "ui_locales", UIQueryStringKey = "ui_locales" });
});
app.UseStatusCodePages(TellRefusal.Handle);
app.UseAuthentication();
app.Use(LogAccess.WhenAnswered);
app.UseAuthorization();
app.MapStaticAssets();
app.MapRazorPages();
app.MapOwnHealthAndApi();
Authorize.Map(app);
IssueToken.Map(app);
TellUserInfo.Map(app);
EndSession.Map(app);
var api = app.MapApi();
var roles = api.Area("roles", "Who may do what in the region: people and programs.")
    .Explains("subject", "Only what this account, or program, may do: its id.")
    .Explains("role", "Only this role.")
    .Explains("id", "The id of the grant.");
ListGrants.Map(roles);
GiveGrant.Map(roles);
TakeGrant.Map(roles);
Invite.Map(roles);
var programs = api.Area("programs", "Programs that may connect, and their secrets.")
    .Explains("id", "The program's id.");
ListClients.Map(programs);
SetUpClient.Map(programs);
RenewSecret.Map(programs);
RemoveClient.Map(programs);
ListAccess.Map(api.AreaOfEvery("", AccessLog.AreaName, AccessLog.AreaDescription));
app.Run();
