using System.ComponentModel.DataAnnotations;
using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace KkiMesh.Identity.Pages.Account;

/// <summary>
/// Whoever got a letter sets the password: the first one after an invitation, or a new one. The letter came, so the
/// address is theirs. All sessions and refresh tokens of the account end.
/// </summary>
[AllowAnonymous]
internal sealed class PasswordModel(UserManager<Identity.Account> accounts) : PageModel
{
    private Identity.Account? _account;
    private bool _isInvitation;

    /// <summary>The account's id, from the letter.</summary>
    [BindProperty(Name = "account", SupportsGet = true)]
    public Guid Id { get; set; }

    /// <summary>The code, from the letter.</summary>
    [BindProperty(SupportsGet = true)]
    [StringLength(1000)]
    public string Code { get; set; } = "";

    /// <summary>How the person wants to be called; asked where nobody has said it.</summary>
    [BindProperty]
    public string? DisplayName { get; set; }

    /// <summary>Whether the letter's link still is.</summary>
    public bool IsGood => _account is not null;

    /// <summary>Whether the name is asked for.</summary>
    public bool AsksName => _account is { DisplayName: "" };

    /// <summary>Shows the form; the code stays good.</summary>
    public async Task<IActionResult> OnGetAsync() => await FindsAsync() ? Page() : this.Again();

    /// <summary>Sets the password.</summary>
    public async Task<IActionResult> OnPostAsync([NewPassword] string newPassword)
    {
        if (!await FindsAsync())
            return this.Again();
        if (AsksName && Wrong.OfName(DisplayName) is { } wrong)
            ModelState.AddModelError("displayName", wrong);
        if (!ModelState.IsValid)
            return this.Again();

        var account = _account!;
        var code = _isInvitation ? await accounts.GeneratePasswordResetTokenAsync(account) : Code;
        account.DisplayName = AsksName ? Text.Normalized(DisplayName!).Trim() : account.DisplayName;
        account.EmailConfirmed = true;
        (account.LockoutEnd, account.AccessFailedCount) = (null, 0);
        // Saves all of it; fails where the same link was used at the same moment.
        if ((await accounts.ResetPasswordAsync(account, code, newPassword)).Succeeded)
            return Redirect("/account/sign-in?confirmed=true");
        _account = null;
        return this.Again();
    }

    private async Task<bool> FindsAsync()
    {
        if (ModelState.Of("account") is not null || ModelState.Of("code") is not null || await accounts.FindByIdAsync(Id.ToString()) is not { } account)
            return false;
        _isInvitation = await accounts.VerifyUserTokenAsync(account, LetterCodes.Name, LetterCodes.Invite, Code);
        if (_isInvitation || await accounts.VerifyUserTokenAsync(account, LetterCodes.Name, LetterCodes.Reset, Code))
            _account = account;
        return IsGood;
    }
}
