using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace KkiMesh.Identity.Pages.Account;

/// <summary>
/// Somebody who has registered shows that the letter came to them. It asks for the password, else one could register
/// somebody else's address, have them open the letter, and sign in to an account that they take for theirs.
/// </summary>
[AllowAnonymous]
internal sealed class ConfirmModel(UserManager<Identity.Account> accounts, Guesses guesses) : PageModel
{
    /// <summary>The account's id, from the letter.</summary>
    [BindProperty(Name = "account", SupportsGet = true)]
    public Guid Id { get; set; }

    /// <summary>The code, from the letter.</summary>
    [BindProperty(SupportsGet = true)]
    [StringLength(1000)]
    public string Code { get; set; } = "";

    /// <summary>Whether the letter's link still is.</summary>
    public bool IsGood { get; private set; }

    /// <summary>Shows the form; the code stays good.</summary>
    public async Task<IActionResult> OnGetAsync() => await FindAsync() is null ? this.Again() : Page();

    /// <summary>Confirms the address.</summary>
    public async Task<IActionResult> OnPostAsync([Password] string password)
    {
        if (await FindAsync() is not { } account)
            return this.Again();
        if (!ModelState.IsValid)
            return this.Again();
        if (await accounts.IsLockedOutAsync(account) || !await accounts.CheckPasswordAsync(account, password))
        {
            await accounts.AccessFailedAsync(account);
            return await this.GuessedAsync(guesses, account.Email!, "password", Wrong.Password);
        }

        guesses.Forget(account.Email!);
        await accounts.ConfirmEmailAsync(account, Code);
        // So the code is good once.
        await accounts.UpdateSecurityStampAsync(account);
        return Redirect("/account/sign-in?confirmed=true");
    }

    private async Task<Identity.Account?> FindAsync()
    {
        var account = ModelState.Of("account") is null && ModelState.Of("code") is null ? await accounts.FindByIdAsync(Id.ToString()) : null;
        IsGood = account is not null && await accounts.VerifyUserTokenAsync(account, LetterCodes.Name, LetterCodes.Confirm, Code);
        return IsGood ? account : null;
    }
}
