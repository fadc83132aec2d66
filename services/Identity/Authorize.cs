using System.Security.Claims;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace KkiMesh.Identity;

/// <summary>Lets a client act for a person who is signed in and agrees (authorization code with PKCE).</summary>
internal static class Authorize
{
    /// <summary>Set by the consent page where the person does not agree.</summary>
    public const string Denied = "kki_denied";

    public static void Map(WebApplication app) => app
        .MapMethods(OpenIdServer.Authorization, [HttpMethods.Get, HttpMethods.Post], (Delegate)Handle)
        .ExcludeFromDescription();

    private static async Task<IResult> Handle(
        HttpContext http,
        TimeProvider time,
        TokenRoles roles,
        SecondFactor secondFactor,
        SignInManager<Account> signIn,
        IOpenIddictApplicationManager clients,
        IOpenIddictAuthorizationManager consents)
    {
        var request = http.GetOpenIddictServerRequest() ?? throw new InvalidOperationException("OpenIddict has not seen this request.");
        var ct = http.RequestAborted;
        var cookie = await http.AuthenticateAsync(IdentityConstants.ApplicationScheme);
        var account = cookie.Succeeded ? await signIn.ValidateSecurityStampAsync(cookie.Principal) : null;
        var session = Session.Of(cookie);
        if (account is null || MustSignInAnew(request, session, time.GetUtcNow()))
            return request.HasPromptValue(PromptValues.None) ? Refuse(Errors.LoginRequired, "Nobody is signed in.") : SignInFirst(http);
        if (http.Request.Query.ContainsKey(Denied))
            return Refuse(Errors.AccessDenied, "The person did not agree.");
        if (session.Method != Session.Both && await secondFactor.IsNeededAsync(account, ct))
        {
            return request.HasPromptValue(PromptValues.None)
                ? Refuse(Errors.InteractionRequired, "The account needs a second factor.")
                : account.TwoFactorEnabled ? SignInFirst(http) : Results.Redirect("/account/second-factor" + QueryString.Create("returnUrl", Again(http)));
        }

        var client = await clients.FindByClientIdAsync(request.ClientId!, ct) ?? throw new InvalidOperationException("OpenIddict knows no such client.");
        var (subject, clientId) = (account.Id.ToString(), await clients.GetIdAsync(client, ct));
        var agreed = await consents.FindAsync(subject, clientId, Statuses.Valid, AuthorizationTypes.Permanent, request.GetScopes(), ct).LastOrDefaultAsync(ct);
        if (agreed is null && !await clients.HasConsentTypeAsync(client, ConsentTypes.Implicit, ct))
        {
            return request.HasPromptValue(PromptValues.None)
                ? Refuse(Errors.ConsentRequired, "The person has not agreed yet.")
                : Results.Redirect("/account/consent" + http.Request.QueryString);
        }

        var identity = await roles.OfAsync(account, session, request.GetScopes(), ct);
        agreed ??= await consents.CreateAsync(new ClaimsPrincipal(identity), subject, clientId!, AuthorizationTypes.Permanent, identity.GetScopes(), ct);
        identity.SetAuthorizationId(await consents.GetIdAsync(agreed, ct));
        return Results.SignIn(new ClaimsPrincipal(identity), authenticationScheme: OpenIddictServerAspNetCoreDefaults.AuthenticationScheme);
    }

    private static bool MustSignInAnew(OpenIddictRequest request, Session session, DateTimeOffset now) =>
        request.HasPromptValue(PromptValues.Login) || (request.MaxAge is { } seconds && now - session.Since > TimeSpan.FromSeconds(seconds));

    private static IResult SignInFirst(HttpContext http) =>
        Results.Challenge(new AuthenticationProperties { RedirectUri = Again(http) }, [IdentityConstants.ApplicationScheme]);

    // Without prompt=login, which would ask for ever.
    private static string Again(HttpContext http) => OpenIdServer.Authorization + QueryString.Create(
        (http.Request.HasFormContentType ? http.Request.Form.AsEnumerable() : http.Request.Query).Where(p => p.Key != Parameters.Prompt));

    public static IResult Refuse(string error, string sentence) => Results.Forbid(
        new AuthenticationProperties(new Dictionary<string, string?>
        {
            [OpenIddictServerAspNetCoreConstants.Properties.Error] = error,
            [OpenIddictServerAspNetCoreConstants.Properties.ErrorDescription] = sentence,
        }),
        [OpenIddictServerAspNetCoreDefaults.AuthenticationScheme]);
}
