using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace KkiMesh.ServiceDefaults;

/// <summary>Whose tokens a service takes, and what it reads in them.</summary>
internal static class Access
{
    internal const string IssuerClient = "issuer";

    /// <summary>
    /// Tokens of <c>Authentication:Authority</c>, an OpenID Connect issuer, for <c>Authentication:Audience</c>
    /// (kkimesh). Its own description is read at <c>Authentication:MetadataAddress</c> where that is nearer.
    /// </summary>
    public static void AddTokens(this IHostApplicationBuilder builder)
    {
        var settings = builder.Configuration.GetSection("Authentication");
        // At the start, not with the first request: a service that trusts nobody is set up wrongly.
        if (settings["Authority"] is not { Length: > 0 } authority)
            throw new InvalidOperationException("Set Authentication:Authority to the issuer of tokens, an OpenID Connect server.");
        if (settings["DevelopmentKey"] is { Length: > 0 })
            throw new InvalidOperationException("Authentication:DevelopmentKey is no more: tokens come from Authentication:Authority alone. Take it away.");
        if (!builder.Environment.IsDevelopment() && !authority.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
            throw new InvalidOperationException("Authentication:Authority must begin with https:// outside Development.");

        var roles = new RolesOfToken(settings);
        builder.Services.AddServiceDiscovery();
        builder.Services.AddHttpClient(IssuerClient, http => http.Timeout = TimeSpan.FromSeconds(10)).AddServiceDiscovery();
        builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(jwt =>
        {
            jwt.MapInboundClaims = false;
            jwt.Authority = authority;
            // The authority's scheme is looked at above; its description may be read inside the mesh's own net.
            jwt.RequireHttpsMetadata = false;
            if (settings["MetadataAddress"] is { Length: > 0 } nearer)
                jwt.MetadataAddress = nearer;
            // New keys are published a day before they sign; an unknown one is looked up at once all the same.
            jwt.AutomaticRefreshInterval = TimeSpan.FromMinutes(30);
            jwt.RefreshInterval = TimeSpan.FromSeconds(30);
            jwt.TokenValidationParameters.NameClaimType = "sub";
            jwt.TokenValidationParameters.RoleClaimType = Roles.ClaimType;
            jwt.TokenValidationParameters.ValidAudience = settings["Audience"] ?? "kkimesh";
            jwt.TokenValidationParameters.ClockSkew = TimeSpan.FromSeconds(30);
            jwt.Events = new JwtBearerEvents { OnTokenValidated = roles.Read, OnAuthenticationFailed = WhereIssuerIsSilent };
        });
        builder.Services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<IHttpClientFactory, TimeProvider>((jwt, clients, time) => (jwt.Backchannel, jwt.TimeProvider) = (clients.CreateClient(IssuerClient), time))
            // Or a key that its issuer has withdrawn would be good for another hour.
            .PostConfigure(jwt => ((BaseConfigurationManager)jwt.ConfigurationManager!).UseLastKnownGoodConfiguration = false);
    }

    /// <summary>
    /// And what they allow, as each endpoint says it. A service without its issuer's keys is not ready.
    /// </summary>
    public static void AddAccess(this IHostApplicationBuilder builder)
    {
        builder.AddTokens();
        builder.Services.AddSingleton(new FullScope(builder.Configuration["Authentication:Scope"] ?? "kkimesh"));
        builder.Services.AddAuthorization();
        builder.Services.AddSingleton<IAuthorizationMiddlewareResultHandler, Refused>();
        builder.Services.AddSingleton<ServiceToken>();
        builder.Services.AddHealthChecks().AddCheck<IssuerCheck>("issuer");
    }

    /// <summary>What the issuer says of itself; kept, and read anew from time to time.</summary>
    public static Task<OpenIdConnectConfiguration> IssuerAsync(this IOptionsMonitor<JwtBearerOptions> options, CancellationToken ct) =>
        options.Get(JwtBearerDefaults.AuthenticationScheme).ConfigurationManager!.GetConfigurationAsync(ct);

    // Nobody can tell whether a token is good before its issuer has said which keys
    // are its own: that is not the caller's fault.
    private static async Task WhereIssuerIsSilent(AuthenticationFailedContext context)
    {
        try
        {
            await context.Options.ConfigurationManager!.GetConfigurationAsync(context.HttpContext.RequestAborted);
        }
        catch (InvalidOperationException)
        {
            context.HttpContext.Response.Headers.RetryAfter = "2";
            throw new RefusedException(new Refusal(StatusCodes.Status503ServiceUnavailable, "The issuer of tokens cannot be reached for the moment; try again."));
        }
    }

    // RFC 6750: which of the two it is, so that a client knows whether another token would help.
    private sealed class Refused : IAuthorizationMiddlewareResultHandler
    {
        private readonly AuthorizationMiddlewareResultHandler _framework = new();

        public Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
        {
            if (!authorizeResult.Forbidden)
                return _framework.HandleAsync(next, context, policy, authorizeResult);
            context.Response.Headers.WWWAuthenticate = "Bearer error=\"insufficient_scope\"";
            var why = authorizeResult.AuthorizationFailure?.FailureReasons.FirstOrDefault()?.Message;
            return Problems.Of(StatusCodes.Status403Forbidden, why ?? "The token does not allow this.").ExecuteAsync(context);
        }
    }
}

/// <summary>
/// Reads the mesh's roles in a token. Another issuer's own words are translated: <c>Authentication:RoleClaim</c>
/// names the claim (roles; <c>realm_access.roles</c> looks into an object), and
/// <c>Authentication:Roles:&lt;n&gt;</c> says which of its values (<c>Value</c>) is which role (<c>Role</c>, e.g.
/// <c>gorenjska/coordinator</c>). Where one is translated, only what is translated counts.
/// </summary>
internal sealed class RolesOfToken
{
    private readonly string[] _claim;
    private readonly ILookup<string, string>? _roles;

    public RolesOfToken(IConfiguration settings)
    {
        _claim = (settings["RoleClaim"] ?? Roles.ClaimType).Split('.');
        var said = settings.GetSection("Roles").GetChildren().Select(r => (Value: r["Value"], Role: r["Role"])).ToList();
        if (said.Exists(r => string.IsNullOrEmpty(r.Value) || r.Role?.Split('/') is not { Length: 2 or 3 }))
            throw new InvalidOperationException("Each of Authentication:Roles needs a Value of the issuer's claim and a Role like gorenjska/coordinator.");
        _roles = said.Count == 0 ? null : said.ToLookup(r => r.Value!, r => r.Role!, StringComparer.Ordinal);
    }

    public Task Read(TokenValidatedContext context)
    {
        var identity = (ClaimsIdentity)context.Principal!.Identity!;
        var values = identity.FindAll(_claim[0]).SelectMany(Values).ToList();
        foreach (var claim in identity.FindAll(Roles.ClaimType).ToList())
            identity.RemoveClaim(claim);
        foreach (var role in values.SelectMany(v => _roles is null ? [v] : _roles[v]).Distinct(StringComparer.Ordinal))
            identity.AddClaim(new Claim(Roles.ClaimType, role));
        return Task.CompletedTask;
    }

    private IEnumerable<string> Values(Claim claim)
    {
        if (_claim.Length == 1)
            return [claim.Value];
        try
        {
            var at = System.Text.Json.JsonDocument.Parse(claim.Value).RootElement;
            foreach (var part in _claim.Skip(1))
                at = at.GetProperty(part);
            return [.. at.EnumerateArray().Select(v => v.GetString() ?? "")];
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return [];
        }
    }
}

/// <summary>The issuer has told its keys: without them no token can be taken.</summary>
internal sealed class IssuerCheck(IOptionsMonitor<JwtBearerOptions> options) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            return (await options.IssuerAsync(cancellationToken)).SigningKeys.Count > 0
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy("The issuer of tokens has no keys.");
        }
        catch (InvalidOperationException)
        {
            return HealthCheckResult.Unhealthy("The issuer of tokens does not answer.");
        }
    }
}
