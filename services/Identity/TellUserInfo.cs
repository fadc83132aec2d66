using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace KkiMesh.Identity;

/// <summary>Tells a client about the person that it acts for, as far as that person has agreed.</summary>
internal static class TellUserInfo
{
    public static void Map(WebApplication app) => app
        .MapMethods(OpenIdServer.UserInfo, [HttpMethods.Get, HttpMethods.Post], (Delegate)Handle)
        .ExcludeFromDescription();

    private static async Task<IResult> Handle(HttpContext http, UserManager<Account> accounts)
    {
        var token = (await http.AuthenticateAsync(OpenIddictServerAspNetCoreDefaults.AuthenticationScheme)).Principal!;
        if (await accounts.FindByIdAsync(token.GetClaim(Claims.Subject)!) is not { } account)
        {
            return Results.Challenge(
                new AuthenticationProperties(new Dictionary<string, string?>
                {
                    [OpenIddictServerAspNetCoreConstants.Properties.Error] = Errors.InvalidToken,
                    [OpenIddictServerAspNetCoreConstants.Properties.ErrorDescription] = "The account of this token is gone.",
                }),
                [OpenIddictServerAspNetCoreDefaults.AuthenticationScheme]);
        }

        var told = new Dictionary<string, object> { [Claims.Subject] = account.Id.ToString(), [TokenRoles.ClaimType] = token.GetClaims(TokenRoles.ClaimType) };
        if (token.HasScope(Scopes.Profile))
            told[Claims.Name] = account.DisplayName;
        if (token.HasScope(Scopes.Email))
            (told[Claims.Email], told[Claims.EmailVerified]) = (account.Email!, account.EmailConfirmed);
        return Results.Json(told);
    }
}
