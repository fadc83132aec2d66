using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;

namespace KkiMesh.Identity;

/// <summary>
/// Keeps authenticator keys and recovery codes protected: whoever sees the database alone cannot make codes of them.
/// </summary>
internal sealed class AccountStore(IdentityStore store, IDataProtectionProvider protection) : UserOnlyStore<Account, IdentityStore, Guid>(store)
{
    private readonly IDataProtector _protector = protection.CreateProtector("second factors");

    public override Task SetTokenAsync(Account user, string loginProvider, string name, string? value, CancellationToken cancellationToken) =>
        base.SetTokenAsync(user, loginProvider, name, value is null ? null : _protector.Protect(value), cancellationToken);

    public override async Task<string?> GetTokenAsync(Account user, string loginProvider, string name, CancellationToken cancellationToken) =>
        await base.GetTokenAsync(user, loginProvider, name, cancellationToken) is { } value ? _protector.Unprotect(value) : null;
}
