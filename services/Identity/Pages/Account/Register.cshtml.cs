using System.Globalization;
using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace KkiMesh.Identity.Pages.Account;

/// <summary>
/// Somebody asks for an account. The answer is the same, and takes as long, whether the address has one or not: its
/// holder gets a letter. <c>Identity:SelfRegistration</c> set to false turns this off.
/// </summary>
[AllowAnonymous]
internal sealed class RegisterModel(
    IConfiguration configuration, IPasswordHasher<Identity.Account> passwords, Afterwards afterwards) : PageModel
{
    /// <summary>How the person wants to be called.</summary>
    [BindProperty]
    [PersonName]
    public string DisplayName { get; set; } = "";

    /// <summary>Where the letter goes, and who signs in then.</summary>
    [BindProperty]
    [Email]
    public string Email { get; set; } = "";

    /// <summary>Whether a letter is on its way.</summary>
    public bool IsAsked { get; private set; }

    internal static bool IsOpen(IConfiguration configuration) => configuration.GetValue("Identity:SelfRegistration", true);

    /// <summary>Shows the form.</summary>
    public IActionResult OnGet() => IsOpen(configuration) ? Page() : NotFound();

    /// <summary>Asks for the account.</summary>
    public IActionResult OnPost([NewPassword] string newPassword)
    {
        if (!IsOpen(configuration))
            return NotFound();
        if (!ModelState.IsValid)
            return this.Again();
        var account = new Identity.Account
        {
            Id = Guid.NewGuid(),
            UserName = Text.Normalized(Email),
            Email = Text.Normalized(Email),
            DisplayName = Text.Normalized(DisplayName).Trim(),
        };
        account.PasswordHash = passwords.HashPassword(account, newPassword);
        var language = CultureInfo.CurrentUICulture.TwoLetterISOLanguageName;
        IsAsked = afterwards.TryDo(Email, (scope, ct) => RegisterAsync(scope, account, language, ct));
        return this.AskedOrNot(IsAsked);
    }

    private static async Task RegisterAsync(IServiceProvider scope, Identity.Account asked, string language, CancellationToken ct)
    {
        var (accounts, mail) = (scope.GetRequiredService<UserManager<Identity.Account>>(), scope.GetRequiredService<AccountMail>());
        // By the clock that says when it is forgotten.
        asked.RegisteredAt = await scope.GetRequiredService<IdentityStore>().NowAsync(ct);
        var holder = await accounts.FindByEmailAsync(asked.Email!);
        if (holder is { EmailConfirmed: true } or { PasswordHash: null })
        {
            await mail.TellTriedAsync(holder, language, ct);
            return;
        }

        // The password stays that of the first time: whoever registers somebody else's address cannot change theirs.
        // The account stays as long as this letter is good.
        holder?.RegisteredAt = asked.RegisteredAt;
        if (!(await (holder is null ? accounts.CreateAsync(asked) : accounts.UpdateAsync(holder))).Succeeded)
            return;
        await mail.ConfirmAsync(holder ?? asked, language, ct);
    }
}
