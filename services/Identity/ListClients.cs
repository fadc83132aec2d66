using KkiMesh.ServiceDefaults;
using Microsoft.EntityFrameworkCore;
using OpenIddict.Abstractions;
using OpenIddict.EntityFrameworkCore.Models;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace KkiMesh.Identity;

/// <summary>A program that may connect.</summary>
/// <param name="Id">Its client id.</param>
/// <param name="Name">What people read when it asks to act for them.</param>
/// <param name="Kind">What it is for.</param>
/// <param name="Scopes">What it may ask for.</param>
/// <param name="RedirectUris">Where it gets people back.</param>
/// <param name="PostLogoutRedirectUris">Where it gets people back who have signed out.</param>
/// <param name="MadeBy">Who made it: the id of an account, or of a client.</param>
/// <param name="MadeAt">When.</param>
/// <param name="Secret">Its secret, where it was just made; else null.</param>
public sealed record ClientView(
    string Id,
    string Name,
    ClientKind Kind,
    IReadOnlyList<string> Scopes,
    IReadOnlyList<string> RedirectUris,
    IReadOnlyList<string> PostLogoutRedirectUris,
    string MadeBy,
    DateTimeOffset MadeAt,
    string? Secret = null)
{
    internal static ClientView Of(RegionClient client, OpenIddictApplicationDescriptor description, string? secret = null) => new(
        client.Id,
        description.DisplayName ?? client.Id,
        client.Kind,
        [.. description.Permissions.Where(IsScope).Select(p => p[Permissions.Prefixes.Scope.Length..]).Order(StringComparer.Ordinal)],
        [.. description.RedirectUris.Select(u => u.OriginalString)],
        [.. description.PostLogoutRedirectUris.Select(u => u.OriginalString)],
        client.MadeBy,
        client.MadeAt,
        secret);

    private static bool IsScope(string permission) => permission.StartsWith(Permissions.Prefixes.Scope, StringComparison.Ordinal);
}

internal static class ListClients
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/clients", List)
            .WithSummary("Lists the region's programs by their ids")
            .Produces<Page<ClientView>>()
            .For(Roles.Operator);
        api.MapGet("/clients/{id}", Get)
            .WithName("showClient")
            .WithSummary("Shows a program")
            .Produces<ClientView>().ProducesProblem(404)
            .For(Roles.Operator);
    }

    public static IResult NotFound(string region, string id) => Problems.Of(Refusal.NotFound($"There is no client {id} in {region}."));

    public static Task<RegionClient?> FindClientAsync(this IdentityStore store, string region, string id, CancellationToken ct) =>
        store.Clients.SingleOrDefaultAsync(c => c.Id == id && c.Region == region, ct);

    private static async Task<IResult> List(
        string region, [AsParameters] Paging paging, IOpenIddictApplicationManager clients, IdentityStore store, CancellationToken ct)
    {
        var page = await paging.OfAsync(store.Clients.AsNoTracking().Where(c => c.Region == region).OrderBy(c => c.Id), ct);
        var ids = page.Items.Select(c => c.Id).ToList();
        var applications = await store.Set<OpenIddictEntityFrameworkCoreApplication>().AsNoTracking()
            .Where(a => ids.Contains(a.ClientId!)).ToDictionaryAsync(a => a.ClientId!, ct);
        var views = new List<ClientView>(page.Items.Count);
        foreach (var client in page.Items)
            views.Add(await ViewAsync(client, applications[client.Id], clients, ct));
        return Results.Ok(new Page<ClientView>(views, page.Number, page.Size, page.Total));
    }

    private static async Task<IResult> Get(
        string region, string id, HttpContext http, IOpenIddictApplicationManager clients, IdentityStore store, CancellationToken ct)
    {
        if (await store.FindClientAsync(region, id, ct) is not { } client || await clients.FindByClientIdAsync(id, ct) is not { } application)
            return NotFound(region, id);
        http.IsAbout(id);
        return Results.Ok(await ViewAsync(client, application, clients, ct));
    }

    private static async Task<ClientView> ViewAsync(RegionClient client, object application, IOpenIddictApplicationManager clients, CancellationToken ct)
    {
        var description = new OpenIddictApplicationDescriptor();
        await clients.PopulateAsync(description, application, ct);
        return ClientView.Of(client, description);
    }
}
