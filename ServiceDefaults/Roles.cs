using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace KkiMesh.ServiceDefaults;

/// <summary>What a token lets somebody do in its region. A visitor needs no token.</summary>
public static class Roles
{
    /// <summary>A subject, or an organisation's member: enters ideas.</summary>
    public const string Member = "member";

    /// <summary>A municipality's officer.</summary>
    public const string Officer = "officer";

    /// <summary>Scores ideas.</summary>
    public const string Juror = "juror";

    /// <summary>Helps at a support point.</summary>
    public const string Mentor = "mentor";

    /// <summary>Approves payments.</summary>
    public const string Treasurer = "treasurer";

    /// <summary>Reads all money.</summary>
    public const string Auditor = "auditor";

    /// <summary>Publishes and awards challenges for the region or one of its agencies.</summary>
    public const string Coordinator = "coordinator";

    /// <summary>Runs the platform.</summary>
    public const string Operator = "operator";

    /// <summary>A program that reads events.</summary>
    public const string Integrator = "integrator";

    /// <summary>A service of the mesh, or a partner region's: publishes and reads events.</summary>
    public const string Partner = "partner";

    /// <summary>The endpoint needs one of these roles, in the region of its path.</summary>
    public static TBuilder For<TBuilder>(this TBuilder endpoint, params string[] roles)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.RequireAuthorization(policy => policy.RequireRole(roles).RequireAssertion(
            context => context.Resource is HttpContext http && InRegion(http, context.User)));

    /// <summary>Whether the caller has this role in the region of the path.</summary>
    public static bool Has(this HttpContext http, string role) => http.User.IsInRole(role) && InRegion(http, http.User);

    private static bool InRegion(HttpContext http, ClaimsPrincipal user) =>
        http.Request.RouteValues["region"] is string region && user.HasClaim("region", region);
}

internal static class Access
{
    /// <summary>The audience of every token.</summary>
    internal const string Audience = "kkimesh";

    /// <summary>Who signs tokens in Development.</summary>
    internal const string DevelopmentIssuer = "kkimesh-development";

    /// <summary>
    /// Tokens of <c>Authentication:Authority</c>, or, in Development only, tokens signed with <c>Authentication:DevelopmentKey</c>.
    /// </summary>
    public static void AddAccess(this IHostApplicationBuilder builder)
    {
        // At the start, not with the first request: a service that trusts nobody is set up wrongly.
        var trust = Trust(builder.Configuration, builder.Environment);
        builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(jwt =>
        {
            jwt.MapInboundClaims = false;
            jwt.TokenValidationParameters.RoleClaimType = "role";
            jwt.TokenValidationParameters.NameClaimType = "sub";
            jwt.TokenValidationParameters.ValidAudience = Audience;
            trust(jwt);
        });
        builder.Services.AddAuthorization();
        builder.Services.AddSingleton<ServiceToken>();
    }

    private static Action<JwtBearerOptions> Trust(IConfiguration configuration, IHostEnvironment environment)
    {
        if (configuration["Authentication:Authority"] is { Length: > 0 } authority)
            return jwt => (jwt.Authority, jwt.RequireHttpsMetadata) = (authority, !environment.IsDevelopment());

        var key = configuration["Authentication:DevelopmentKey"];
        if (!environment.IsDevelopment() || string.IsNullOrEmpty(key))
            throw new InvalidOperationException(
                "Set Authentication:Authority to the issuer of tokens. Only in Development, Authentication:DevelopmentKey (base64, 32 bytes) stands in for it.");
        return jwt =>
        {
            jwt.TokenValidationParameters.ValidIssuer = DevelopmentIssuer;
            jwt.TokenValidationParameters.IssuerSigningKey = new SymmetricSecurityKey(Convert.FromBase64String(key));
            jwt.TokenValidationParameters.ValidAlgorithms = [SecurityAlgorithms.HmacSha256];
        };
    }
}

/// <summary>What a service shows another one. In Development it signs it itself.</summary>
internal sealed class ServiceToken(MeshService service, IConfiguration configuration, TimeProvider time)
{
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    /// <summary>A token of the role <see cref="Roles.Partner"/> in a region.</summary>
    /// <exception cref="InvalidOperationException">There is nobody to get one from.</exception>
    public string For(string region)
    {
        var key = configuration["Authentication:DevelopmentKey"]
            ?? throw new InvalidOperationException("Only in Development, with Authentication:DevelopmentKey, services can read each other's history so far.");
        return new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Access.DevelopmentIssuer,
            Audience = Access.Audience,
            NotBefore = time.GetUtcNow().UtcDateTime,
            Expires = (time.GetUtcNow() + Life).UtcDateTime,
            Claims = new Dictionary<string, object> { ["sub"] = service.Name, ["region"] = region, ["role"] = Roles.Partner },
            SigningCredentials = new SigningCredentials(new SymmetricSecurityKey(Convert.FromBase64String(key)), SecurityAlgorithms.HmacSha256),
        });
    }
}
