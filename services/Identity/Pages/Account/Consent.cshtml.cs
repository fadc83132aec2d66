using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace KkiMesh.Identity.Pages.Account;

/// <summary>
/// A person says whether a client may act for them. What they agree to is kept; OpenIddict checks the request itself.
/// </summary>
[Authorize]
public sealed class ConsentModel(
    IOpenIddictApplicationManager clients, IOpenIddictAuthorizationManager consents, UserManager<Identity.Account> accounts) : PageModel
{
    /// <summary>The client's name.</summary>
    public string ClientName { get; private set; } = "";

    /// <summary>What it asks for.</summary>
    public IReadOnlyList<string> AskedScopes { get; private set; } = [];

    /// <summary>Asks.</summary>
    public async Task<IActionResult> OnGetAsync(CancellationToken ct) => await ReadAsync(ct) is null ? NotFound() : Page();

    /// <summary>Goes back to the client with what was said.</summary>
    public async Task<IActionResult> OnPostAsync(bool agrees, CancellationToken ct)
    {
        if (await ReadAsync(ct) is not { } client || await accounts.GetUserAsync(User) is not { } account)
            return NotFound();
        if (!agrees)
            return Redirect($"{OpenIdServer.Authorization}{Request.QueryString.Add(Authorize.Denied, "1")}");
        await consents.CreateAsync(
            new ClaimsPrincipal(new ClaimsIdentity()), account.Id.ToString(), (await clients.GetIdAsync(client, ct))!, AuthorizationTypes.Permanent, [.. AskedScopes], ct);
        return Redirect($"{OpenIdServer.Authorization}{Request.QueryString}");
    }

    private async Task<object?> ReadAsync(CancellationToken ct)
    {
        if (Request.Query[Parameters.ClientId].ToString() is not { Length: > 0 and <= 100 } id || await clients.FindByClientIdAsync(id, ct) is not { } client)
            return null;
        ClientName = await clients.GetDisplayNameAsync(client, ct) ?? id;
        AskedScopes = Request.Query[Parameters.Scope].ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return client;
    }
}
