using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Identity;

namespace KkiMesh.Identity;

/// <summary>
/// The codes in letters: good for one account and one purpose, until their time is over or the account's security stamp
/// changes. ASP.NET Core Identity's own provider has one life for all purposes, and reads the machine's clock.
/// </summary>
internal sealed class LetterCodes(IDataProtectionProvider protection, TimeProvider time) : IUserTwoFactorTokenProvider<Account>
{
    public const string Name = "letter";

    /// <summary>Confirms an e-mail address.</summary>
    public const string Confirm = UserManager<Account>.ConfirmEmailTokenPurpose;

    /// <summary>Sets a password.</summary>
    public const string Reset = UserManager<Account>.ResetPasswordTokenPurpose;

    /// <summary>Sets the first password.</summary>
    public const string Invite = "Invite";

    private static readonly Dictionary<string, TimeSpan> Lives = new()
    {
        [Reset] = TimeSpan.FromHours(2),
        [Confirm] = TimeSpan.FromHours(24),
        [Invite] = TimeSpan.FromDays(7),
    };

    public Task<bool> CanGenerateTwoFactorTokenAsync(UserManager<Account> manager, Account user) => Task.FromResult(false);

    public async Task<string> GenerateAsync(string purpose, UserManager<Account> manager, Account user)
    {
        var until = (time.GetUtcNow() + Lives[purpose]).ToUnixTimeSeconds();
        return Protector(purpose, user).Protect($"{until.ToString(CultureInfo.InvariantCulture)} {await manager.GetSecurityStampAsync(user)}");
    }

    public async Task<bool> ValidateAsync(string purpose, string token, UserManager<Account> manager, Account user)
    {
        try
        {
            var (until, stamp) = Protector(purpose, user).Unprotect(token).Split(' ') is [var first, var second] ? (first, second) : ("0", "");
            return time.GetUtcNow().ToUnixTimeSeconds() < long.Parse(until, CultureInfo.InvariantCulture) && stamp == await manager.GetSecurityStampAsync(user);
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            return false;
        }
    }

    private IDataProtector Protector(string purpose, Account account) => protection.CreateProtector("letter codes", purpose, account.Id.ToString());
}
