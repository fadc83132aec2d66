using System.ComponentModel.DataAnnotations;
using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.EntityFrameworkCore;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace KkiMesh.Identity.Pages.Account;

/// <summary>What a person sees and changes of their own account.</summary>
[Authorize]
internal sealed class IndexModel(
    UserManager<Identity.Account> accounts,
    SignInManager<Identity.Account> signIn,
    IdentityStore store,
    IOpenIddictApplicationManager clients,
    IOpenIddictAuthorizationManager consents,
    IOpenIddictTokenManager tokens,
    Guesses guesses) : PageModel
{
    private const int MostShown = 100;
    private Identity.Account _account = null!;

    /// <summary>How the person wants to be called.</summary>
    public string DisplayName { get; private set; } = "";

    /// <summary>Who signs in.</summary>
    public string Email => _account.Email!;

    /// <summary>What they may do.</summary>
    public IReadOnlyList<Grant> Grants { get; private set; } = [];

    /// <summary>The programs they have agreed to, by the id of each.</summary>
    public IReadOnlyDictionary<string, string> Programs { get; private set; } = new Dictionary<string, string>();

    /// <summary>Whether signing in asks for a second factor.</summary>
    public bool HasSecondFactor => _account.TwoFactorEnabled;

    /// <summary>Whether something was changed just now.</summary>
    [BindProperty(SupportsGet = true)]
    public bool Saved { get; set; }

    /// <inheritdoc />
    public override async Task OnPageHandlerExecutionAsync(PageHandlerExecutingContext context, PageHandlerExecutionDelegate next)
    {
        if (await accounts.GetUserAsync(User) is not { } account)
        {
            context.Result = Challenge();
            return;
        }

        var (subject, ct) = (account.Id.ToString(), HttpContext.RequestAborted);
        (_account, DisplayName) = (account, account.DisplayName);
        Grants = await store.Grants.AsNoTracking().Where(g => g.Subject == subject && g.TakenAt == null)
            .OrderBy(g => g.Region).ThenBy(g => g.Role).Take(MostShown).ToListAsync(ct);
        Programs = await ProgramsAsync(subject, ct);
        await next();
    }

    /// <summary>Shows it.</summary>
    public void OnGet() => ModelState.Clear();

    /// <summary>Changes the name.</summary>
    public async Task<IActionResult> OnPostNameAsync([PersonName] string displayName)
    {
        DisplayName = displayName ?? "";
        if (!ModelState.IsValid)
            return this.Again();
        _account.DisplayName = Text.Normalized(DisplayName).Trim();
        return SavedOrNot(await accounts.UpdateAsync(_account));
    }

    /// <summary>Changes the password. All other sessions, and all programs' refresh tokens, end.</summary>
    public async Task<IActionResult> OnPostPasswordAsync([Password] string password, [NewPassword] string newPassword)
    {
        if (!ModelState.IsValid)
            return this.Again();
        if (!(await signIn.CheckPasswordSignInAsync(_account, password, lockoutOnFailure: true)).Succeeded)
            return await this.GuessedAsync(guesses, Email, "password", Wrong.Password);
        guesses.Forget(Email);
        var changed = await accounts.ChangePasswordAsync(_account, password, newPassword);
        await signIn.RefreshSignInAsync(_account);
        return SavedOrNot(changed);
    }

    /// <summary>Takes an agreement back: the program's refresh tokens end, and it asks anew next time.</summary>
    public async Task<IActionResult> OnPostTakeBackAsync([Required, StringLength(100)] string client, CancellationToken ct)
    {
        if (!ModelState.IsValid)
            return this.Again();
        await consents.RevokeAsync(_account.Id.ToString(), client, status: null, type: null, ct);
        await tokens.RevokeAsync(_account.Id.ToString(), client, status: null, type: null, ct);
        return Redirect("/account?saved=true");
    }

    /// <summary>Ends this session.</summary>
    public async Task<IActionResult> OnPostSignOutAsync()
    {
        await signIn.SignOutAsync();
        return Redirect("/account/sign-in");
    }

    /// <summary>Ends all sessions and all programs' refresh tokens.</summary>
    public async Task<IActionResult> OnPostSignOutEverywhereAsync()
    {
        await accounts.UpdateSecurityStampAsync(_account);
        return await OnPostSignOutAsync();
    }

    // Not saved is what another request has changed at the same moment: the page shows what is true.
    private RedirectResult SavedOrNot(IdentityResult result) => Redirect(result.Succeeded ? "/account?saved=true" : "/account");

    private async Task<Dictionary<string, string>> ProgramsAsync(string subject, CancellationToken ct)
    {
        var programs = new Dictionary<string, string>();
        await foreach (var consent in consents.FindAsync(subject, client: null, Statuses.Valid, AuthorizationTypes.Permanent, scopes: null, ct).Take(MostShown))
        {
            if (await consents.GetApplicationIdAsync(consent, ct) is { } id && !programs.ContainsKey(id) && await clients.FindByIdAsync(id, ct) is { } client)
                programs[id] = await clients.GetDisplayNameAsync(client, ct) ?? await clients.GetClientIdAsync(client, ct) ?? id;
        }

        return programs;
    }
}
