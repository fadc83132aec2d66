using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Identity;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace KkiMesh.Identity;

/// <summary>
/// How and when a person signed in; tokens made in the session say it too (<c>amr</c>, <c>auth_time</c>).
/// </summary>
/// <param name="Method"><c>pwd</c>, or <c>mfa</c> where a second factor was shown.</param>
/// <param name="Since">When; using the session does not move it.</param>
internal sealed record Session(string Method, DateTimeOffset Since)
{
    /// <summary>A password was shown.</summary>
    public const string Password = "pwd";

    /// <summary>A second factor was shown as well.</summary>
    public const string Both = "mfa";

    /// <summary>The session of a cookie.</summary>
    public static Session Of(AuthenticateResult cookie) => new(
        cookie.Principal?.FindFirstValue(Claims.AuthenticationMethodReference) ?? Password,
        Read(cookie.Properties?.Items.TryGetValue(Claims.AuthenticationTime, out var since) is true ? since : null));

    /// <summary>The session that a code or a refresh token was made in.</summary>
    public static Session Of(ClaimsPrincipal grant) => new(
        grant.GetClaim(Claims.AuthenticationMethodReference) ?? Password, Read(grant.GetClaim(Claims.AuthenticationTime)));

    /// <summary>Begins one in the place of the one there is.</summary>
    public static Task BeginAsync(SignInManager<Account> signIn, Account account, string method) =>
        signIn.SignInWithClaimsAsync(account, isPersistent: false, [new Claim(Claims.AuthenticationMethodReference, method)]);

    /// <summary>Writes the time into a new session's cookie. Its own date does not do: it moves with use.</summary>
    public static void Remember(CookieSigningInContext cookie, TimeProvider time) =>
        cookie.Properties.Items.TryAdd(Claims.AuthenticationTime, time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));

    /// <summary>A session whose account was looked at anew is still the same session.</summary>
    public static Task Keep(SecurityStampRefreshingPrincipalContext looked)
    {
        if (looked.CurrentPrincipal?.FindFirst(Claims.AuthenticationMethodReference) is { } method)
            (looked.NewPrincipal?.Identity as ClaimsIdentity)?.AddClaim(method.Clone());
        return Task.CompletedTask;
    }

    private static DateTimeOffset Read(string? seconds) =>
        long.TryParse(seconds, CultureInfo.InvariantCulture, out var since) ? DateTimeOffset.FromUnixTimeSeconds(since) : DateTimeOffset.UnixEpoch;
}
