using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;

namespace KkiMesh.Gateway;

/// <summary>
/// Turns a token away at the door that is not of <c>Authentication:Authority</c>, or not good any more, where that is set. What a
/// good one allows says its service, which looks at it again. A request without a token is a visitor's.
/// </summary>
internal static class CheckTokens
{
    /// <summary>The part of a path that names a call of gRPC; its region is in the message.</summary>
    public const string Call = "call";

    private const string Scheme = "Bearer ";

    public static void AddTokenCheck(this WebApplicationBuilder builder)
    {
        if (builder.Configuration["Authentication:Authority"] is { Length: > 0 })
            builder.AddTokens();
    }

    // The issuer's own addresses take tokens too, and it knows them better.
    public static async Task AtTheDoor(HttpContext http, RequestDelegate next)
    {
        if ((http.Request.RouteValues.ContainsKey("region") || http.Request.RouteValues.ContainsKey(Call))
            && http.Request.Headers.Authorization.ToString().StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && http.RequestServices.GetService<IAuthenticationService>() is not null
            && !(await http.AuthenticateAsync(JwtBearerDefaults.AuthenticationScheme)).Succeeded)
        {
            await http.ChallengeAsync(JwtBearerDefaults.AuthenticationScheme);
            return;
        }

        await next(http);
    }
}
