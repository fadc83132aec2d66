using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace KkiMesh.Identity;

/// <summary>What the service consists of.</summary>
internal static class OpenIdServer
{
    public const string Authorization = "/connect/authorize";
    public const string Token = "/connect/token";
    public const string UserInfo = "/connect/userinfo";
    public const string EndSession = "/connect/logout";

    /// <summary>The fewest characters of a password.</summary>
    public const int ShortestPassword = 12;

    /// <summary>The most.</summary>
    public const int LongestPassword = 128;

    /// <summary>The scope that a client asks for to call the mesh's services.</summary>
    public const string MeshScope = "kkimesh";

    /// <summary>The scope to read events of all services; <c>events:registry</c> is for those of one.</summary>
    public const string EventsScope = "events";

    /// <summary>The scopes whose tokens services take.</summary>
    public static readonly ImmutableArray<string> ServiceScopes =
        [MeshScope, EventsScope, .. ((string[])["registry", "challenges", "matchmaking", "helpdesk", "funding"]).Select(s => $"{EventsScope}:{s}")];

    private static readonly TimeSpan AccessTokenLife = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan RefreshTokenLife = TimeSpan.FromDays(14);

    // A client whose answer got lost may ask again; later it is somebody who found the token.
    private static readonly TimeSpan RefreshReuse = TimeSpan.FromSeconds(10);

    public static void AddStore(this WebApplicationBuilder builder)
    {
        var database = builder.Configuration.GetConnectionString("identity")
            ?? throw new InvalidOperationException("Set ConnectionStrings:identity to a PostgreSQL database.");
        builder.Services.AddSingleton(DatabaseSettings.Of(builder.Configuration).DataSource(database));
        builder.Services.AddDbContext<IdentityStore>((services, o) => o.UseNpgsql(services.GetRequiredService<NpgsqlDataSource>()).UseOpenIddict());
        builder.Services.AddSingleton<Retention>();
        builder.Services.AddHealthChecks().AddCheck<DatabaseCheck>("database");
        // What it throws is told by who catches it.
        builder.Logging.AddFilter("Microsoft.EntityFrameworkCore", LogLevel.Critical);
        // Before anything reads the database, as the protection of keys does at its start.
        builder.Services.AddHostedService<Migrate>();
        var protection = builder.Services.AddDataProtection().SetApplicationName("kkimesh-identity").PersistKeysToDbContext<IdentityStore>();
        if (!builder.Environment.IsDevelopment())
            protection.ProtectKeysWithCertificate(KeyRingCertificate(builder.Configuration));
    }

    public static void AddAccounts(this WebApplicationBuilder builder)
    {
        builder.Services.AddIdentityCore<Account>(o =>
            {
                o.User.RequireUniqueEmail = true;
                // The name is the address, and addresses have more characters than names by default.
                o.User.AllowedUserNameCharacters = "";
                o.SignIn.RequireConfirmedEmail = true;
                // Length is what makes a password strong; composition rules make it memorable to machines only.
                o.Password = new PasswordOptions { RequiredLength = ShortestPassword, RequireDigit = false, RequireLowercase = false, RequireUppercase = false, RequireNonAlphanumeric = false };
                o.Lockout = new LockoutOptions { MaxFailedAccessAttempts = 5, DefaultLockoutTimeSpan = TimeSpan.FromMinutes(15) };
                (o.Tokens.EmailConfirmationTokenProvider, o.Tokens.PasswordResetTokenProvider) = (LetterCodes.Name, LetterCodes.Name);
            })
            .AddUserStore<AccountStore>()
            .AddSignInManager()
            .AddTokenProvider<LetterCodes>(LetterCodes.Name)
            .AddTokenProvider<Authenticator>(TokenOptions.DefaultAuthenticatorProvider);
        // A session ends at once where the password changes, or its owner ends it.
        builder.Services.Configure<SecurityStampValidatorOptions>(o => (o.ValidationInterval, o.OnRefreshingPrincipal) = (TimeSpan.Zero, Session.Keep));
        var secure = builder.Environment.IsDevelopment() ? CookieSecurePolicy.SameAsRequest : CookieSecurePolicy.Always;
        builder.Services.AddAntiforgery(o => (o.Cookie.Name, o.Cookie.SecurePolicy) = ("kkimesh-form", secure));
        builder.Services.AddAuthentication(IdentityConstants.ApplicationScheme).AddIdentityCookies();
        builder.Services.ConfigureApplicationCookie(cookie =>
        {
            cookie.LoginPath = "/account/sign-in";
            // The page does it by itself: this one would put into the header what no header can carry.
            cookie.Events.OnRedirectToReturnUrl = _ => Task.CompletedTask;
            cookie.Cookie.Name = "kkimesh";
            cookie.Cookie.SameSite = SameSiteMode.Lax;
            cookie.Cookie.SecurePolicy = secure;
            cookie.ExpireTimeSpan = TimeSpan.FromHours(8);
            cookie.Events.OnSigningIn = context =>
            {
                Session.Remember(context, context.HttpContext.RequestServices.GetRequiredService<TimeProvider>());
                return Task.CompletedTask;
            };
        });
        builder.Services.Configure<CookieAuthenticationOptions>(IdentityConstants.TwoFactorUserIdScheme, cookie =>
        {
            cookie.Cookie.Name = "kkimesh-second-factor";
            cookie.Cookie.SameSite = SameSiteMode.Lax;
            cookie.Cookie.SecurePolicy = secure;
        });
        builder.Services.AddScoped<SecondFactor>();
        builder.Services.AddScoped<AccountMail>();
        builder.Services.AddSingleton<Guesses>();
        builder.Services.AddSingleton<Afterwards>();
        builder.Services.AddHostedService(s => s.GetRequiredService<Afterwards>());
    }

    public static void AddOpenIdServer(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<Keys>();
        builder.Services.AddSingleton<IConfigureOptions<OpenIddictServerOptions>>(s => s.GetRequiredService<Keys>());
        builder.Services.AddSingleton<IOptionsChangeTokenSource<OpenIddictServerOptions>>(s => s.GetRequiredService<Keys>());
        builder.Services.AddHostedService(s => s.GetRequiredService<Keys>());
        builder.Services.AddOpenIddict()
            .AddCore(core => core.UseEntityFrameworkCore().UseDbContext<IdentityStore>())
            .AddServer(server =>
            {
                server.SetIssuer(Issuer(builder));
                server.SetAuthorizationEndpointUris(Authorization).SetTokenEndpointUris(Token).SetUserInfoEndpointUris(UserInfo)
                    .SetEndSessionEndpointUris(EndSession).SetRevocationEndpointUris("/connect/revoke").SetIntrospectionEndpointUris("/connect/introspect");
                server.AllowAuthorizationCodeFlow().RequireProofKeyForCodeExchange().AllowRefreshTokenFlow().AllowClientCredentialsFlow();
                // Plain shows the verifier to whoever sees the request.
                server.Configure(options => options.CodeChallengeMethods.Remove(CodeChallengeMethods.Plain));
                server.RegisterScopes(Scopes.OpenId, Scopes.Profile, Scopes.Email, Scopes.OfflineAccess);
                server.RegisterScopes([.. ServiceScopes]);
                server.RegisterClaims(
                    Claims.Subject, Claims.Name, Claims.Email, Claims.AuthenticationMethodReference, Claims.AuthenticationTime, TokenRoles.ClaimType);
                // Services and integrators read access tokens by themselves, with the issuer's published keys.
                server.DisableAccessTokenEncryption();
                server.SetAccessTokenLifetime(AccessTokenLife).SetRefreshTokenLifetime(RefreshTokenLife).SetRefreshTokenReuseLeeway(RefreshReuse);
                // TLS ends at the gateway, which sees to it; inside the mesh services read the keys without.
                server.UseAspNetCore().DisableTransportSecurityRequirement().EnableAuthorizationEndpointPassthrough().EnableTokenEndpointPassthrough()
                    .EnableUserInfoEndpointPassthrough().EnableEndSessionEndpointPassthrough().EnableStatusCodePagesIntegration();
            })
            .AddValidation(validation =>
            {
                validation.UseLocalServer();
                validation.AddAudiences(TokenRoles.Audience);
                // What was revoked is refused here at once.
                validation.EnableTokenEntryValidation();
                // Addresses are written down in many places.
                validation.UseAspNetCore().DisableAccessTokenExtractionFromQueryString().DisableAccessTokenExtractionFromBodyForm();
            });
    }

    // Whoever sees the database alone has no keys.
    private static X509Certificate2 KeyRingCertificate(ConfigurationManager configuration) => X509CertificateLoader.LoadPkcs12FromFile(
        configuration["Identity:KeyRing:Certificate"] ?? throw new InvalidOperationException(
            "Set Identity:KeyRing:Certificate to a PKCS #12 file, and Identity:KeyRing:Password to its password: it protects the keys in the database."),
        configuration["Identity:KeyRing:Password"]);

    private static Uri Issuer(WebApplicationBuilder builder) =>
        Uri.TryCreate(builder.Configuration["Mesh:PublicAddress"], UriKind.Absolute, out var address)
        && (address.Scheme == Uri.UriSchemeHttps || builder.Environment.IsDevelopment())
            ? address
            : throw new InvalidOperationException(
                "Set Mesh:PublicAddress to the address that people and clients reach the gateway at, e.g. https://kki.example.org/; it begins with https:// outside Development.");
}

/// <summary>Brings the schema up to date before anything uses it, one replica after the other.</summary>
internal sealed class Migrate(IServiceScopeFactory scopes, TimeProvider time, ILogger<Migrate> log) : IHostedService
{
    private const int MaxAttempts = 60;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                await scope.ServiceProvider.GetRequiredService<IdentityStore>().Database.MigrateAsync(cancellationToken);
                await MakeFirstKeyAsync(scope.ServiceProvider, cancellationToken);
                return;
            }
            catch (Exception e) when (attempt < MaxAttempts && Faults.IsOutage(e))
            {
                log.LogWarning("The database is not there yet ({Attempt} of {MaxAttempts}): {Reason}", attempt, MaxAttempts, e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
            }
        }
    }

    // Replicas that begin together on an empty database would each make a key, and not know of the other's for a day: a
    // form of one of them would be no good at the other.
    private static async Task MakeFirstKeyAsync(IServiceProvider services, CancellationToken ct)
    {
        var store = services.GetRequiredService<IdentityStore>();
        await using var transaction = await store.Database.BeginTransactionAsync(ct);
        await store.TakeTurnAsync("first key", ct);
        if (!await store.DataProtectionKeys.AnyAsync(ct))
        {
            // The key ring goes by the machine's own clock.
            var now = TimeProvider.System.GetUtcNow();
            services.GetRequiredService<IKeyManager>().CreateNewKey(now, now + services.GetRequiredService<IOptions<KeyManagementOptions>>().Value.NewKeyLifetime);
        }

        await transaction.CommitAsync(ct);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
