using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>Where somebody is paid; private.</summary>
/// <param name="Iban">The account's IBAN, with or without spaces; its check
/// digits are verified (ISO 13616, mod 97).</param>
/// <param name="Holder">Whose it is; at most 70 characters, as payment orders allow.</param>
/// <param name="Bic">The bank's BIC; null: the bank finds it by the IBAN.</param>
public sealed record BankAccount(
    [Required, StringLength(42)] string Iban,
    [Required, StringLength(70, MinimumLength = 1), RegularExpression(Texts.OneLine, ErrorMessage = Texts.OneLineRule)] string Holder,
    [RegularExpression("[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", ErrorMessage = "A BIC has 8 or 11 capital letters and digits.")] string? Bic = null)
{
    /// <summary>The same with the IBAN as banks write it to each other.</summary>
    public BankAccount Tidied() => this with { Iban = Ibans.Tidied(Iban) };

    internal Refusal? Fault(string field) =>
        Ibans.IsValid(Ibans.Tidied(Iban)) ? null : Refusal.Invalid($"{field}.iban", "This is no IBAN: its length or its check digits are wrong.");
}

/// <summary>International bank account numbers (ISO 13616).</summary>
internal static partial class Ibans
{
    /// <summary>Without spaces, in capitals.</summary>
    public static string Tidied(string iban) => iban.Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant();

    /// <summary>Whether its form fits and its check digits are right; one of Slovenia has 19 characters.</summary>
    public static bool IsValid(string tidied) =>
        Form().IsMatch(tidied) && (!tidied.StartsWith("SI", StringComparison.Ordinal) || tidied.Length == 19) && Remainder(tidied[4..] + tidied[..4]) == 1;

    // Letters count as 10 to 35.
    private static int Remainder(string text)
    {
        var digits = new StringBuilder();
        foreach (var c in text)
            digits.Append(char.IsAsciiDigit(c) ? c - '0' : c - 'A' + 10);
        return digits.ToString().Aggregate(0, (remainder, c) => ((remainder * 10) + int.Parse([c], CultureInfo.InvariantCulture)) % 97);
    }

    [GeneratedRegex(@"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\z", RegexOptions.None, 1000)]
    private static partial Regex Form();
}
