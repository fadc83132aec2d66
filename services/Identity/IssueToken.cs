using System.Security.Claims;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace KkiMesh.Identity;

/// <summary>
/// Gives tokens for a code, a refresh token, or a client's own secret. What somebody may do is read anew each time.
/// </summary>
internal static class IssueToken
{
    public static void Map(WebApplication app) => app.MapPost(OpenIdServer.Token, Handle)
        .ExcludeFromDescription();

    private static async Task<IResult> Handle(
        HttpContext http, TokenRoles roles, SecondFactor secondFactor, UserManager<Account> accounts, SignInManager<Account> signIn)
    {
        var request = http.GetOpenIddictServerRequest() ?? throw new InvalidOperationException("OpenIddict has not seen this request.");
        var ct = http.RequestAborted;
        if (request.IsClientCredentialsGrantType())
        {
            // A token that no service takes helps nobody.
            return request.GetScopes().Intersect(OpenIdServer.ServiceScopes).Any()
                ? Give(await roles.OfClientAsync(request.ClientId!, request.GetScopes(), ct))
                : Authorize.Refuse(Errors.InvalidScope, "Ask for a scope: kkimesh for all that your roles allow, events, or events:<service>.");
        }

        var grant = (await http.AuthenticateAsync(OpenIddictServerAspNetCoreDefaults.AuthenticationScheme)).Principal!;
        if (await accounts.FindByIdAsync(grant.GetClaim(Claims.Subject)!) is not { } account
            || !await signIn.CanSignInAsync(account) || await accounts.IsLockedOutAsync(account)
            || grant.GetClaim(TokenRoles.Stamp) != await accounts.GetSecurityStampAsync(account))
        {
            return Authorize.Refuse(Errors.InvalidGrant, "The account is closed, or its password has changed: sign in again.");
        }

        // A role that needs one may have come after this session began.
        var session = Session.Of(grant);
        if (session.Method != Session.Both && await secondFactor.IsNeededAsync(account, ct))
            return Authorize.Refuse(Errors.InvalidGrant, "The account needs a second factor now: sign in again.");

        var identity = await roles.OfAsync(account, session, grant.GetScopes(), ct);
        identity.SetAuthorizationId(grant.GetAuthorizationId());
        return Give(identity);
    }

    private static IResult Give(ClaimsIdentity identity) =>
        Results.SignIn(new ClaimsPrincipal(identity), authenticationScheme: OpenIddictServerAspNetCoreDefaults.AuthenticationScheme);
}
