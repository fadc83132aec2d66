using System.Globalization;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Localization;
using MimeKit;

namespace KkiMesh.Identity;

/// <summary>
/// The letters about an account, in Slovene (sl) or English (en). Their links lead to
/// <c>Mesh:PublicAddress</c>, whatever host a request names.
/// </summary>
internal sealed class AccountMail(UserManager<Account> accounts, IMail mail, IStringLocalizer<Texts> texts, IConfiguration configuration)
{
    private readonly Uri _address = new(configuration["Mesh:PublicAddress"]!);

    /// <summary>Whether letters can be sent there: an address of one person, as it stands.</summary>
    public static bool IsAddress(string text) =>
        MailboxAddress.TryParse(text, out var box) && box.Address == text && text.Contains('@', StringComparison.Ordinal);

    /// <summary>Invites somebody to set a password, within 7 days.</summary>
    public async Task InviteAsync(Account account, string region, string language, CancellationToken ct) =>
        await SendAsync(account, "invitation", language, ct, await PasswordLinkAsync(account, LetterCodes.Invite, language), region);

    /// <summary>Asks somebody who has registered to confirm the address, within 24 hours.</summary>
    public async Task ConfirmAsync(Account account, string language, CancellationToken ct)
    {
        var code = await accounts.GenerateEmailConfirmationTokenAsync(account);
        await SendAsync(account, "confirmation", language, ct, Link($"account/confirm?account={account.Id}&code={code}", language));
    }

    /// <summary>Lets somebody set a new password, within 2 hours.</summary>
    public async Task ResetAsync(Account account, string language, CancellationToken ct) =>
        await SendAsync(account, "reset", language, ct, await PasswordLinkAsync(account, LetterCodes.Reset, language));

    /// <summary>Tells somebody who has an account that their address was used to register.</summary>
    public Task TellTriedAsync(Account account, string language, CancellationToken ct) =>
        SendAsync(account, "tried", language, ct, Link("account/forgot?", language));

    private async Task<string> PasswordLinkAsync(Account account, string purpose, string language) => Link(
        $"account/password?account={account.Id}&code={await accounts.GenerateUserTokenAsync(account, LetterCodes.Name, purpose)}", language);

    // The page speaks the letter's language.
    private string Link(string page, string language) => $"{new Uri(_address, page)}&ui_locales={Of(language)}".Replace("?&", "?", StringComparison.Ordinal);

    private Task SendAsync(Account account, string letter, string language, CancellationToken ct, params object[] values)
    {
        var before = CultureInfo.CurrentUICulture;
        CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(Of(language));
        var (subject, text) = (texts[$"letter {letter} subject"].Value, texts[$"letter {letter}", values].Value);
        CultureInfo.CurrentUICulture = before;
        return mail.SendAsync(account.Email!, subject, text, ct);
    }

    private static string Of(string language) => language == "en" ? "en" : "sl";
}
