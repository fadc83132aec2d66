using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>An account that a region's money is paid from.</summary>
/// <param name="Region">The region.</param>
/// <param name="Iban">Its IBAN.</param>
/// <param name="Holder">Whose it is, as payment orders name them; at most 70 characters.</param>
/// <param name="Bic">The bank's BIC; null: the bank finds it by the IBAN.</param>
public sealed record OwnAccount(string Region, string Iban, string Holder, string? Bic = null);

/// <summary>The regions' own accounts (<c>Funding:Accounts</c>).</summary>
/// <param name="All">All of them.</param>
public sealed record OwnAccounts(IReadOnlyList<OwnAccount> All)
{
    /// <summary>Reads them; none where none are configured.</summary>
    /// <exception cref="InvalidOperationException">One is not complete, or has no valid IBAN.</exception>
    public static OwnAccounts Of(IConfiguration configuration)
    {
        // Without it an account that does not bind is left out without a word.
        var all = configuration.GetSection("Funding:Accounts").Get<OwnAccount[]>(binder => binder.ErrorOnUnknownConfiguration = true) ?? [];
        if (all.Any(a => !Ibans.IsValid(Ibans.Tidied(a.Iban)) || !IsHolder(a.Holder)))
        {
            throw new InvalidOperationException(
                "Each of Funding:Accounts needs a Region, an Iban with right check digits, "
                + "and a Holder of at most 70 characters, some of which banks take.");
        }

        return new OwnAccounts([.. all.Select(a => a with { Iban = Ibans.Tidied(a.Iban) })]);
    }

    private static bool IsHolder(string? name) =>
        name is { Length: > 0 and <= Pain001.MaxName } && SepaText.Of(name, Pain001.MaxName).Length > 0;

    /// <summary>
    /// A region's account; null where it has none of this IBAN, or, where none is asked for, not just one.
    /// </summary>
    public OwnAccount? Find(string region, string? iban)
    {
        var asked = iban is null ? null : Ibans.Tidied(iban);
        OwnAccount[] found = [.. All.Where(a => a.Region == region && (asked is null || a.Iban == asked))];
        return found.Length == 1 ? found[0] : null;
    }

    /// <summary>Why a region's account is not found.</summary>
    public Refusal WhyNot(string region, string? iban, string field) => Refusal.Invalid(
        field,
        !All.Any(a => a.Region == region) ? $"No account of {region} is configured: an operator sets Funding__Accounts__0__Region, __Iban and __Holder."
        : iban is not null && Ibans.WhyNot(Ibans.Tidied(iban)) is { } why ? why
        : iban is null ? "The region has several accounts: say which one it is."
        : $"{Ibans.Tidied(iban)} is none of the region's accounts (Funding:Accounts).");
}
