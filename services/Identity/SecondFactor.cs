using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using OtpNet;

namespace KkiMesh.Identity;

/// <summary>
/// Who must sign in with a second factor: who holds money or the platform, where <c>Identity:RequireSecondFactor</c>
/// says so (everywhere but in Development, unless it is set).
/// </summary>
internal sealed class SecondFactor(IdentityStore store, IConfiguration configuration, IHostEnvironment environment)
{
    private static readonly string[] NeededFor = [Roles.Treasurer.Name, Roles.Operator.Name];

    public async Task<bool> IsNeededAsync(Account account, CancellationToken ct)
    {
        if (!configuration.GetValue("Identity:RequireSecondFactor", !environment.IsDevelopment()))
            return false;
        var subject = account.Id.ToString();
        return await store.Grants.AnyAsync(g => g.Subject == subject && g.TakenAt == null && NeededFor.Contains(g.Role), ct);
    }
}

/// <summary>
/// Codes of an authenticator app (RFC 6238), each good once, and one step of 30 seconds early or late. ASP.NET Core
/// Identity's own provider takes a code as often as it comes.
/// </summary>
internal sealed class Authenticator(TimeProvider time) : IUserTwoFactorTokenProvider<Account>
{
    /// <summary>Whether this is a code of that key; then <paramref name="step"/> tells of which 30 seconds.</summary>
    public static bool Fits(string key, string code, DateTimeOffset now, out long step) =>
        new Totp(Base32Encoding.ToBytes(key)).VerifyTotp(now.UtcDateTime, code, out step, VerificationWindow.RfcSpecifiedNetworkDelay);

    public Task<bool> CanGenerateTwoFactorTokenAsync(UserManager<Account> manager, Account user) => Task.FromResult(user.TwoFactorEnabled);

    // The app makes them.
    public Task<string> GenerateAsync(string purpose, UserManager<Account> manager, Account user) => Task.FromResult("");

    public async Task<bool> ValidateAsync(string purpose, string token, UserManager<Account> manager, Account user)
    {
        if (await manager.GetAuthenticatorKeyAsync(user) is not { Length: > 0 } key
            || !Fits(key, token, time.GetUtcNow(), out var step) || step <= user.LastTimeStep)
        {
            return false;
        }

        user.LastTimeStep = step;
        // Of two requests with the same code at once, the later one finds the account changed.
        return (await manager.UpdateAsync(user)).Succeeded;
    }
}
