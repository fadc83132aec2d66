using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;

namespace KkiMesh.Gateway;

/// <summary>
/// Turns a token away at the door that is not of <c>Authentication:Authority</c>, or not good any more, where that is
/// set. What a good one allows says its service, which looks at it again; so the gateway may remember for a minute that
/// it was good. A request without a token is a visitor's.
/// </summary>
internal static class CheckTokens
{
    /// <summary>The part of a path that names a call of gRPC; its region is in the message.</summary>
    public const string Call = "call";

    private const string Scheme = "Bearer ";

    public static void AddTokenCheck(this WebApplicationBuilder builder)
    {
        if (builder.Configuration["Authentication:Authority"] is not { Length: > 0 })
            return;
        builder.AddTokens();
        builder.Services.AddSingleton<RememberedTokens>();
        builder.Services.AddSingleton<IAuthenticationSchemeProvider, OnlyWhenAsked>();
    }

    // The issuer's own addresses take tokens too, and it knows them better.
    public static async Task AtTheDoor(HttpContext http, RequestDelegate next)
    {
        if ((http.Request.RouteValues.ContainsKey("region") || http.Request.RouteValues.ContainsKey(Call))
            && http.Request.Headers.Authorization.ToString() is var authorization
            && authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && http.RequestServices.GetService<RememberedTokens>() is { } tokens
            && !await IsGoodAsync(http, tokens, authorization))
        {
            await http.ChallengeAsync(JwtBearerDefaults.AuthenticationScheme);
            return;
        }

        await next(http);
    }

    private static async ValueTask<bool> IsGoodAsync(HttpContext http, RememberedTokens tokens, string authorization)
    {
        if (tokens.IsGood(authorization))
            return true;
        var result = await http.AuthenticateAsync(JwtBearerDefaults.AuthenticationScheme);
        if (result.Succeeded)
            tokens.Remember(authorization, result.Properties.ExpiresUtc);
        return result.Succeeded;
    }

    // The framework would check each request's token before the door does.
    private sealed class OnlyWhenAsked(IOptions<AuthenticationOptions> options) : AuthenticationSchemeProvider(options)
    {
        public override Task<AuthenticationScheme?> GetDefaultAuthenticateSchemeAsync() =>
            Task.FromResult<AuthenticationScheme?>(null);
    }
}
