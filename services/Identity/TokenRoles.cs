using System.Collections.Immutable;
using System.Security.Claims;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace KkiMesh.Identity;

/// <summary>What tokens say of whom.</summary>
internal sealed class TokenRoles(IdentityStore store, UserManager<Account> accounts)
{
    /// <summary>The roles, each as <c>region/role</c> or <c>region/role/what it is good for</c> (RFC 9068).</summary>
    public const string ClaimType = "roles";

    /// <summary>
    /// Changes with password and second factor; only this server reads it, in codes and refresh tokens.
    /// </summary>
    public const string Stamp = "stamp";

    /// <summary>Of tokens that services take.</summary>
    public const string Audience = "kkimesh";

    public async Task<ClaimsIdentity> OfAsync(Account account, Session session, ImmutableArray<string> scopes, CancellationToken ct)
    {
        var identity = await NewAsync(account.Id.ToString(), scopes, ct);
        identity.SetClaim(Stamp, await accounts.GetSecurityStampAsync(account));
        identity.SetClaim(Claims.Name, account.DisplayName).SetClaim(Claims.Email, account.Email);
        identity.SetClaims(Claims.AuthenticationMethodReference, [session.Method]).SetClaim(Claims.AuthenticationTime, session.Since.ToUnixTimeSeconds());
        return identity.SetDestinations(Destinations);
    }

    public async Task<ClaimsIdentity> OfClientAsync(string client, ImmutableArray<string> scopes, CancellationToken ct) =>
        (await NewAsync(client, scopes, ct)).SetDestinations(Destinations);

    private async Task<ClaimsIdentity> NewAsync(string subject, ImmutableArray<string> scopes, CancellationToken ct)
    {
        var grants = await store.Grants.AsNoTracking().Where(g => g.Subject == subject && g.TakenAt == null).OrderBy(g => g.Id).ToListAsync(ct);
        var identity = new ClaimsIdentity(TokenValidationParameters.DefaultAuthenticationType, Claims.Name, ClaimType);
        identity.SetClaim(Claims.Subject, subject).SetClaims(ClaimType, [.. grants.Select(g => g.Claim)]);
        identity.SetScopes(scopes);
        if (scopes.Intersect(OpenIdServer.ServiceScopes).Any())
            identity.SetResources(Audience);
        return identity;
    }

    // No name or address in what is sent to services: they need neither.
    private static IEnumerable<string> Destinations(Claim claim) => claim.Type switch
    {
        Claims.Name when claim.Subject!.HasScope(Scopes.Profile) => [OpenIddictConstants.Destinations.IdentityToken],
        Claims.Email when claim.Subject!.HasScope(Scopes.Email) => [OpenIddictConstants.Destinations.IdentityToken],
        Claims.AuthenticationMethodReference or Claims.AuthenticationTime => [OpenIddictConstants.Destinations.IdentityToken],
        Claims.Subject or ClaimType => [OpenIddictConstants.Destinations.AccessToken, OpenIddictConstants.Destinations.IdentityToken],
        _ => [],
    };
}
