using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using SignInResult = Microsoft.AspNetCore.Identity.SignInResult;

namespace KkiMesh.Identity.Pages.Account;

/// <summary>A person signs in. Nobody learns here whether an account exists: neither by words nor by time.</summary>
[AllowAnonymous]
internal sealed class SignInModel(
    SignInManager<Identity.Account> signIn,
    UserManager<Identity.Account> accounts,
    Guesses guesses,
    IWebHostEnvironment environment,
    IConfiguration configuration) : PageModel
{
    // Which of the two is wrong is not said.
    private const string Both = "emailAndPassword";

    // What the password of somebody who is not there is compared with, so that it takes as long.
    private static readonly Identity.Account Nobody = new() { UserName = "nobody" };

    private static readonly string NobodysHash = new PasswordHasher<Identity.Account>().HashPassword(Nobody, Guid.NewGuid().ToString());

    /// <summary>Who wants to sign in.</summary>
    [BindProperty(SupportsGet = false)]
    [Required, StringLength(EmailAttribute.Longest)]
    public string Email { get; set; } = "";

    /// <summary>Where to go then; only an address of this server.</summary>
    [BindProperty(SupportsGet = true)]
    [StringLength(8192)]
    public string? ReturnUrl { get; set; }

    /// <summary>Why it did not work.</summary>
    public string? Problem => ModelState.Of(Both);

    /// <summary>Whether the person comes from a letter's page, and may sign in now.</summary>
    [BindProperty(SupportsGet = true)]
    public bool Confirmed { get; set; }

    /// <summary>Whether people may register by themselves.</summary>
    public bool IsRegistrationOpen => RegisterModel.IsOpen(configuration);

    /// <summary>Whether the demo accounts are shown.</summary>
    public bool ShowsDemo => DemoAccounts.AreOn(configuration, environment);

    /// <summary>Shows the form.</summary>
    public void OnGet() => ModelState.Clear();

    /// <summary>Tries.</summary>
    public async Task<IActionResult> OnPostAsync([Password] string password)
    {
        if (!ModelState.IsValid)
        {
            ModelState.AddModelError(Both, Wrong.SignIn);
            return this.Again();
        }

        var result = await TryAsync(password);
        // Wrong ones are not forgotten yet, else whoever knows the password could guess codes for ever.
        if (result.RequiresTwoFactor)
            return RedirectToPage("/Account/SecondFactorSignIn", new { ReturnUrl });
        if (!result.Succeeded)
            return await this.GuessedAsync(guesses, Email, Both, Wrong.SignIn);
        guesses.Forget(Email);
        return LocalRedirect(Url.LocalOr(ReturnUrl, "/account"));
    }

    private async Task<SignInResult> TryAsync(string password)
    {
        var account = await accounts.FindByEmailAsync(Email);
        if (account is { PasswordHash: not null } && await signIn.CanSignInAsync(account) && !await accounts.IsLockedOutAsync(account))
            return await signIn.PasswordSignInAsync(account, password, isPersistent: false, lockoutOnFailure: true);
        accounts.PasswordHasher.VerifyHashedPassword(Nobody, NobodysHash, password);
        return SignInResult.Failed;
    }
}
