using System.ComponentModel.DataAnnotations;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>The account that somebody saw when they decided.</summary>
/// <param name="Iban">The IBAN, with or without spaces.</param>
/// <param name="Holder">Whose it is.</param>
public sealed record SeenAccount(
    [Required, OneLine(42, MinimumLength = 1)] string Iban,
    [Required, OneLine(70, MinimumLength = 1)] string Holder)
{
    /// <summary>Why nothing is decided: the account is another one by now; null where it is this one.</summary>
    internal Refusal? WhyNot(BankAccount now) => now.IsSameAs(new BankAccount(Iban, Holder))
        ? null
        : Refusal.Conflict("The agreement names another account by now: look at the grant again.");
}

/// <summary>Where somebody is paid; private.</summary>
/// <param name="Iban">The IBAN, with or without spaces; it is verified (ISO 13616).</param>
/// <param name="Holder">Whose it is; at most 70 characters, as payment orders allow.</param>
/// <param name="Bic">The bank's BIC; null: the bank finds it by the IBAN.</param>
public sealed record BankAccount(
    [Required, OneLine(42, MinimumLength = 1)] string Iban,
    [Required, OneLine(70, MinimumLength = 1)] string Holder,
    [RegularExpression("[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", ErrorMessage = "A BIC has 8 or 11 capital letters and digits.")] string? Bic = null)
{
    /// <summary>The same with the IBAN as banks write it to each other.</summary>
    public BankAccount Tidied() => this with { Iban = Ibans.Tidied(Iban) };

    /// <summary>Whether it is the account of another: its IBAN and its holder, however they are spaced.</summary>
    public bool IsSameAs(BankAccount? other) =>
        other is not null && Ibans.Tidied(Iban) == Ibans.Tidied(other.Iban) && Holder.Trim() == other.Holder.Trim();

    internal Refusal? Fault(string field) =>
        Ibans.WhyNot(Ibans.Tidied(Iban)) is { } why ? Refusal.Invalid($"{field}.iban", why) : null;
}
