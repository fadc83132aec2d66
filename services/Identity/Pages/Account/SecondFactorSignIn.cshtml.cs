using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace KkiMesh.Identity.Pages.Account;

/// <summary>
/// After the password, a person shows a code of their app, or a recovery code. Wrong ones count to lock-out.
/// </summary>
[AllowAnonymous]
internal sealed class SecondFactorSignInModel(
    SignInManager<Identity.Account> signIn, UserManager<Identity.Account> accounts, Guesses guesses) : PageModel
{
    public const int LongestCode = 20;
    private const int CodeLength = 6;

    /// <summary>Where to go then; only an address of this server.</summary>
    [BindProperty(SupportsGet = true)]
    [StringLength(8192)]
    public string? ReturnUrl { get; set; }

    /// <summary>Shows the form to whoever has shown a password within 5 minutes.</summary>
    public async Task<IActionResult> OnGetAsync()
    {
        ModelState.Clear();
        return await signIn.GetTwoFactorAuthenticationUserAsync() is null ? RedirectToPage("/Account/SignIn", new { ReturnUrl }) : Page();
    }

    /// <summary>Tries.</summary>
    public async Task<IActionResult> OnPostAsync([Required(ErrorMessage = Wrong.Code), StringLength(LongestCode, ErrorMessage = Wrong.Code)] string code)
    {
        if (await signIn.GetTwoFactorAuthenticationUserAsync() is not { } account)
            return RedirectToPage("/Account/SignIn", new { ReturnUrl });
        if (!ModelState.IsValid)
            return this.Again();
        if (!await SignsInAsync(account, code.Replace(" ", "", StringComparison.Ordinal)))
            return await this.GuessedAsync(guesses, account.Email!, "code", Wrong.Code);
        guesses.Forget(account.Email!);
        return LocalRedirect(Url.LocalOr(ReturnUrl, "/account"));
    }

    private async Task<bool> SignsInAsync(Identity.Account account, string code)
    {
        if (code.Length == CodeLength)
            return (await signIn.TwoFactorAuthenticatorSignInAsync(code, isPersistent: false, rememberClient: false)).Succeeded;
        if (await accounts.IsLockedOutAsync(account))
            return false;
        if ((await signIn.TwoFactorRecoveryCodeSignInAsync(code.ToUpperInvariant())).Succeeded)
            return true;
        await accounts.AccessFailedAsync(account);
        return false;
    }
}
