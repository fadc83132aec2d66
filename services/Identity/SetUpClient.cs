using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using KkiMesh.ServiceDefaults;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace KkiMesh.Identity;

/// <summary>A program that may connect.</summary>
/// <param name="Name">What people read when it asks to act for them, 1 to 200 characters.</param>
/// <param name="Kind">What it is for; it stays as it was made.</param>
/// <param name="Scopes">
/// What it may ask for: kkimesh, events, events:&lt;service&gt;; an application also
/// openid, profile, email and offline_access. By default
/// events, and of an application openid and kkimesh.
/// </param>
/// <param name="RedirectUris">1 to 10 addresses where an application gets people back: https,
/// or http on its own machine, there at any port.</param>
/// <param name="PostLogoutRedirectUris">The same for people who have signed out; by default the same addresses.</param>
public sealed record ClientRequest(
    [Required, OneLine(200, MinimumLength = 1)] string Name,
    ClientKind Kind,
    [MaxLength(20), EachLength(1, 40)] IReadOnlyList<string>? Scopes = null,
    [MaxLength(10), EachLength(1, SetUpClient.LongestAddress)] IReadOnlyList<string>? RedirectUris = null,
    [MaxLength(10), EachLength(1, SetUpClient.LongestAddress)] IReadOnlyList<string>? PostLogoutRedirectUris = null)
{
    /// <summary>As OpenIddict keeps it; the id and the secret are left alone.</summary>
    internal void Describe(OpenIddictApplicationDescriptor client)
    {
        client.DisplayName = Name;
        client.Permissions.Clear();
        client.RedirectUris.Clear();
        client.PostLogoutRedirectUris.Clear();
        client.Permissions.UnionWith(Kind == ClientKind.Application ? SetUpClient.OfPeople : SetUpClient.OfPrograms);
        client.Permissions.UnionWith((Scopes ?? DefaultScopes).Select(s => Permissions.Prefixes.Scope + s));
        client.RedirectUris.UnionWith((RedirectUris ?? []).Select(u => new Uri(u)));
        client.PostLogoutRedirectUris.UnionWith((PostLogoutRedirectUris ?? RedirectUris ?? []).Select(u => new Uri(u)));
        client.ClientType = Kind == ClientKind.Application ? ClientTypes.Public : ClientTypes.Confidential;
        client.ConsentType = ConsentTypes.Explicit;
        // A program on somebody's own machine cannot know which port is free.
        client.ApplicationType = client.RedirectUris.Any(u => u.IsLoopback) ? ApplicationTypes.Native : ApplicationTypes.Web;
    }

    private IReadOnlyList<string> DefaultScopes =>
        Kind == ClientKind.Application ? [OpenIddictConstants.Scopes.OpenId, OpenIdServer.MeshScope] : [OpenIdServer.EventsScope];
}

internal static partial class SetUpClient
{
    /// <summary>What a program with a secret may do here.</summary>
    public static readonly IReadOnlyList<string> OfPrograms =
        [Permissions.Endpoints.Token, Permissions.Endpoints.Revocation, Permissions.Endpoints.Introspection, Permissions.GrantTypes.ClientCredentials];

    /// <summary>What a program that acts for people may do here.</summary>
    public static readonly IReadOnlyList<string> OfPeople =
    [
        Permissions.Endpoints.Authorization, Permissions.Endpoints.Token, Permissions.Endpoints.EndSession, Permissions.Endpoints.Revocation,
        Permissions.GrantTypes.AuthorizationCode, Permissions.GrantTypes.RefreshToken, Permissions.ResponseTypes.Code,
    ];

    internal const int LongestAddress = 500;

    private static readonly string[] ScopesOfPeople = [Scopes.OpenId, Scopes.Profile, Scopes.Email, Scopes.OfflineAccess];

    public static void Map(RouteGroupBuilder api) => api
        .MapPut("/clients/{id}", Handle)
        .WithSummary("Makes a program that may connect, and shows its secret this once; or changes one")
        .Produces<ClientView>(StatusCodes.Status201Created).Produces<ClientView>()
        .ProducesProblem(409).ProducesProblem(413).ProducesProblem(422)
        .For(Roles.Operator)
        .DecidesOnNobody("a program");

    private static async Task<IResult> Handle(
        string region,
        string id,
        ClientRequest request,
        HttpContext http,
        IOpenIddictApplicationManager clients,
        IdentityStore store,
        TimeProvider time,
        CancellationToken ct)
    {
        if (Fault(id, request) is { } fault)
            return Problems.Of(fault);
        http.IsAbout(id);
        await using var transaction = await store.Database.BeginTransactionAsync(ct);
        await store.TakeTurnAsync($"client {id}", ct);
        var (client, application) = (await store.Clients.FindAsync([id], ct), await clients.FindByClientIdAsync(id, ct));
        if (application is not null && client?.Region != region)
            return Problems.Of(Refusal.Conflict($"The id {id} is taken."));
        if (client is not null && client.Kind != request.Kind)
            return Problems.Of(Refusal.Conflict("A program keeps its kind; remove it, and make it anew."));

        var secret = client is null && request.Kind != ClientKind.Application ? NewSecret() : null;
        var description = new OpenIddictApplicationDescriptor { ClientId = id, ClientSecret = secret };
        if (application is not null)
            await clients.PopulateAsync(description, application, ct);
        request.Describe(description);
        if (application is not null)
            await clients.UpdateAsync(application, description, ct);
        else
            await clients.CreateAsync(description, ct);
        var made = client ?? await MakeAsync(
            store, new RegionClient { Id = id, Region = region, Kind = request.Kind, MadeBy = http.Actor(), MadeAt = time.GetUtcNow() }, ct);
        await transaction.CommitAsync(ct);
        var view = ClientView.Of(made, description, secret);
        return client is null ? Results.Created($"/{region}/identity/clients/{id}", view) : Results.Ok(view);
    }

    /// <summary>256 bits that nobody guesses.</summary>
    internal static string NewSecret() => Base64UrlEncoder.Encode(RandomNumberGenerator.GetBytes(32));

    private static async Task<RegionClient> MakeAsync(IdentityStore store, RegionClient client, CancellationToken ct)
    {
        store.Clients.Add(client);
        await store.SaveChangesAsync(ct);
        var role = client.Kind == ClientKind.Partner ? "partner" : "integrator";
        if (client.Kind != ClientKind.Application)
            await store.GiveAsync(client.Id, client.Region, role, null, client.MadeBy, client.MadeAt, ct);
        return client;
    }

    private static Refusal? Fault(string id, ClientRequest request)
    {
        var isApplication = request.Kind == ClientKind.Application;
        IReadOnlyList<string> known = isApplication ? [.. ScopesOfPeople, .. OpenIdServer.ServiceScopes] : OpenIdServer.ServiceScopes;
        return !IsId().IsMatch(id) ? Refusal.Invalid("id", "An id has 3 to 50 small letters, digits and dashes, and begins with a letter.")
            // An account's id is the subject of its roles.
            : Guid.TryParse(id, out _) || id.StartsWith("service-", StringComparison.Ordinal) || id.StartsWith("mesh-", StringComparison.Ordinal)
                ? Refusal.Invalid("id", "Ids that begin with service- or mesh- are the mesh's own, and none looks like a UUID.")
            : request.Scopes?.All(known.Contains) == false ? Refusal.Invalid("scopes", $"A scope is one of {string.Join(", ", known)}.")
            : !isApplication && (request.RedirectUris ?? request.PostLogoutRedirectUris) is not null
                ? Refusal.Invalid("redirectUris", "Only an application gets people back.")
            : isApplication && request.RedirectUris is null or []
                ? Refusal.Invalid("redirectUris", "An application needs an address where it gets people back.")
            : request.RedirectUris?.All(IsAddress) == false ? Refusal.Invalid("redirectUris", AddressRule)
            : request.PostLogoutRedirectUris?.All(IsAddress) == false ? Refusal.Invalid("postLogoutRedirectUris", AddressRule)
            : null;
    }

    private static string AddressRule =>
        $"An address is https, or http on the program's own machine (127.0.0.1), has no fragment and no user, and at most {LongestAddress} characters.";

    private static bool IsAddress(string text) =>
        text is { Length: <= LongestAddress }
        && Uri.TryCreate(text, UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback))
        && uri.UserInfo.Length == 0
        && !text.Contains('#', StringComparison.Ordinal);

    [GeneratedRegex(@"^[a-z][a-z0-9-]{2,49}\z", RegexOptions.None, 1000)]
    private static partial Regex IsId();
}
