using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.RazorPages;
using OtpNet;
using QRCoder;

namespace KkiMesh.Identity.Pages.Account;

/// <summary>
/// A person turns the second factor on with a code of their app, and off, or
/// gets new recovery codes, with the password.
/// </summary>
[Authorize]
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)]
internal sealed class SecondFactorModel(
    UserManager<Identity.Account> accounts,
    SignInManager<Identity.Account> signIn,
    IUserStore<Identity.Account> store,
    SecondFactor secondFactor,
    IDataProtectionProvider protection,
    Guesses guesses,
    TimeProvider time) : PageModel
{
    private const string Issuer = "KkiMesh";
    private const int RecoveryCodeCount = 10;
    private const int PixelsPerModule = 5;
    private Identity.Account _account = null!;

    /// <summary>Where to go then; only an address of this server.</summary>
    [BindProperty(SupportsGet = true)]
    [StringLength(8192)]
    public string? ReturnUrl { get; set; }

    /// <summary>Whether it is on.</summary>
    public bool IsOn => _account.TwoFactorEnabled;

    /// <summary>Whether the person's roles ask for it.</summary>
    public bool IsNeeded { get; private set; }

    /// <summary>How many recovery codes are left.</summary>
    public int CodesLeft { get; private set; }

    /// <summary>The new recovery codes, shown this once.</summary>
    public IReadOnlyList<string> RecoveryCodes { get; private set; } = [];

    /// <summary>A key for the app; nothing is kept of it until a code shows that the app has it.</summary>
    public string Key { get; private set; } = "";

    /// <summary>The key as the form brings it back: good for this account alone.</summary>
    public string SealedKey => Protector.Protect(Key);

    /// <summary>The key as SVG.</summary>
    public string Picture
    {
        get
        {
            using var code = QRCodeGenerator.GenerateQrCode(new OtpUri(OtpType.Totp, Key, _account.Email, Issuer).ToString(), QRCodeGenerator.ECCLevel.M);
            using var svg = new SvgQRCode(code);
            return svg.GetGraphic(PixelsPerModule);
        }
    }

    private IDataProtector Protector => protection.CreateProtector("authenticator key", _account.Id.ToString());

    /// <inheritdoc />
    public override async Task OnPageHandlerExecutionAsync(PageHandlerExecutingContext context, PageHandlerExecutionDelegate next)
    {
        if (await accounts.GetUserAsync(User) is not { } account)
        {
            context.Result = Challenge();
            return;
        }

        _account = account;
        (IsNeeded, CodesLeft) = (await secondFactor.IsNeededAsync(account, HttpContext.RequestAborted), await accounts.CountRecoveryCodesAsync(account));
        await next();
    }

    /// <summary>Shows how it stands.</summary>
    public void OnGet()
    {
        ModelState.Clear();
        Key = accounts.GenerateNewAuthenticatorKey();
    }

    /// <summary>Turns it on. All other sessions end.</summary>
    public async Task<IActionResult> OnPostTurnOnAsync(
        [Required(ErrorMessage = Wrong.Code), StringLength(SecondFactorSignInModel.LongestCode, ErrorMessage = Wrong.Code)] string code,
        [Required, StringLength(1000)] string sealedKey,
        CancellationToken ct)
    {
        if (IsOn || ModelState.Of("sealedKey") is not null || !Unseals(sealedKey))
            return RedirectToPage(new { ReturnUrl });
        if (ModelState.IsValid && Authenticator.Fits(Key, code.Replace(" ", "", StringComparison.Ordinal), time.GetUtcNow(), out var step))
        {
            _account.LastTimeStep = step;
            await ((IUserAuthenticatorKeyStore<Identity.Account>)store).SetAuthenticatorKeyAsync(_account, Key, ct);
            await accounts.SetTwoFactorEnabledAsync(_account, true);
            await Session.BeginAsync(signIn, _account, Session.Both);
            return await ShowCodesAsync();
        }

        if (ModelState.IsValid)
            ModelState.AddModelError("code", Wrong.Code);
        return this.Again();
    }

    /// <summary>Gives new recovery codes; the old ones are not good any more.</summary>
    public async Task<IActionResult> OnPostCodesAsync([Password] string password) =>
        !IsOn ? RedirectToPage(new { ReturnUrl }) : await WhyNotAsync(password) ?? await ShowCodesAsync();

    /// <summary>Turns it off. All other sessions end.</summary>
    public async Task<IActionResult> OnPostTurnOffAsync([Password] string password)
    {
        if (!IsOn)
            return RedirectToPage(new { ReturnUrl });
        if (await WhyNotAsync(password) is { } again)
            return again;
        await accounts.SetTwoFactorEnabledAsync(_account, false);
        await Session.BeginAsync(signIn, _account, Session.Password);
        return Redirect("/account?saved=true");
    }

    private async Task<IActionResult> ShowCodesAsync()
    {
        RecoveryCodes = [.. await accounts.GenerateNewTwoFactorRecoveryCodesAsync(_account, RecoveryCodeCount) ?? []];
        return Page();
    }

    // The page again; null where it is the password.
    private async Task<IActionResult?> WhyNotAsync(string password)
    {
        if (!ModelState.IsValid)
            return this.Again();
        if (!(await signIn.CheckPasswordSignInAsync(_account, password, lockoutOnFailure: true)).Succeeded)
            return await this.GuessedAsync(guesses, _account.Email!, "password", Wrong.Password);
        guesses.Forget(_account.Email!);
        return null;
    }

    private bool Unseals(string sealedKey)
    {
        try
        {
            Key = Protector.Unprotect(sealedKey);
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
