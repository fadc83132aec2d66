using System.Globalization;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace KkiMesh.Identity.Pages.Account;

/// <summary>
/// Somebody asks for a letter to set a new password. Whether the address has an
/// account is not looked up before the answer.
/// </summary>
[AllowAnonymous]
internal sealed class ForgotModel(Afterwards afterwards) : PageModel
{
    /// <summary>Where the letter goes.</summary>
    [BindProperty]
    [Email]
    public string Email { get; set; } = "";

    /// <summary>Whether it was asked for.</summary>
    public bool IsAsked { get; private set; }

    /// <summary>Shows the form.</summary>
    public void OnGet() => ModelState.Clear();

    /// <summary>Asks for the letter.</summary>
    public IActionResult OnPost()
    {
        if (!ModelState.IsValid)
            return this.Again();
        var (email, language) = (Email, CultureInfo.CurrentUICulture.TwoLetterISOLanguageName);
        IsAsked = afterwards.TryDo(email, (scope, ct) => SendAsync(scope, email, language, ct));
        return this.AskedOrNot(IsAsked);
    }

    private static async Task SendAsync(IServiceProvider scope, string email, string language, CancellationToken ct)
    {
        if (await scope.GetRequiredService<UserManager<Identity.Account>>().FindByEmailAsync(email) is { } account)
            await scope.GetRequiredService<AccountMail>().ResetAsync(account, language, ct);
    }
}
