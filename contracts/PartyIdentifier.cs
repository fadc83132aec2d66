using System.Text.RegularExpressions;

namespace KkiMesh.Contracts;

/// <summary>
/// A number by which an undertaking or a person is known in a public register: a Slovene tax number, a registration
/// number, or a VAT id of another country of the European Union. Each has one normal form, however it is written, so that
/// who is named twice is one.
/// </summary>
public static partial class PartyIdentifier
{
    /// <summary>The most characters that one may be written with.</summary>
    public const int MostCharacters = 50;

    private const string Kinds =
        "a Slovene tax number (SI and 8 digits), a registration number (7 or 10 digits), "
        + "or a VAT id of another country of the EU, with its country's letters";

    // What follows the country's letters: European Commission, VIES, structure of VAT numbers. XI is Northern Ireland.
    private const string VatIds =
        """
        AT U\d{8}                             BE [01]\d{9}     BG \d{9,10}  CY \d{8}[A-Z]      CZ \d{8,10}
        DE \d{9}                              DK \d{8}         EE \d{9}     EL \d{9}           FI \d{8}
        ES (?:[A-Z]\d{7}[A-Z0-9]|\d{8}[A-Z])  FR [A-HJ-NP-Z0-9]{2}\d{9}     HR \d{11}          HU \d{8}
        IE (?:\d[A-Z0-9]\d{5}[A-Z]|\d{7}[A-W][A-I])            IT \d{11}    LT \d{9}(?:\d{3})? LU \d{8}
        LV \d{11}                             MT \d{8}         NL \d{9}B\d{2}                  PL \d{10}
        PT \d{9}                              RO [1-9]\d{1,9}  SE \d{10}01  SK \d{10}
        XI (?:\d{9}(?:\d{3})?|GD\d{3}|HA\d{3})
        """;

    private static readonly Dictionary<string, Regex> Vat = VatIds
        .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
        .Chunk(2)
        .ToDictionary(pair => pair[0], pair => Pattern(pair[1]));

    /// <summary>Reads one.</summary>
    /// <param name="written">
    /// As somebody wrote it: in capitals or not, with spaces, dots, dashes or slashes between, a tax number also without
    /// the country's letters.
    /// </param>
    /// <returns>
    /// Its normal form, e.g. <c>SI50223054</c>, <c>5300231</c> (an undertaking's, whichever of its units was named),
    /// <c>ATU12345678</c>; or, in a sentence, why it is none.
    /// </returns>
    public static (string? Normal, string? Fault) Read(string written)
    {
        if (written.EnumerateRunes().FirstOrDefault(r => !r.IsAscii).Value is > 0 and var other)
            return (null, $"An identifier has letters from A to Z and digits; U+{other:X4} is another character, also where it looks like one.");
        var bare = Separators().Replace(written, "").ToUpperInvariant();
        if (RegistrationNumber().IsMatch(bare))
            return Checked(bare[..7], RegistrationCheck(bare), "registration number");
        if (TaxNumber().IsMatch(bare))
            return Checked($"SI{bare[^8..]}", TaxCheck(bare[^8..]), "tax number");
        var vat = bare.StartsWith("GR", StringComparison.Ordinal) ? $"EL{bare[2..]}" : bare;
        return vat.Length > 2 && Vat.TryGetValue(vat[..2], out var pattern) && pattern.IsMatch(vat[2..])
            ? (vat, null)
            : (null, $"This is no identifier: it is {Kinds}.");
    }

    private static (string? Normal, string? Fault) Checked(string normal, bool isRight, string kind) =>
        isRight ? (normal, null) : (null, $"This is no {kind}: its check digit is wrong.");

    // Modulo 11 with the weights 8 to 2; a rest that would need 11 as its check digit is never given out.
    private static bool TaxCheck(string digits) => digits[0] != '0' && IsRight(digits, 7, firstWeight: 8);

    // Modulo 11 with the weights 7 to 2, over the six digits before the check digit; likewise.
    private static bool RegistrationCheck(string digits) => IsRight(digits, 6, firstWeight: 7);

    private static bool IsRight(string digits, int length, int firstWeight)
    {
        var sum = digits.Take(length).Select((digit, i) => (digit - '0') * (firstWeight - i)).Sum();
        var check = 11 - (sum % 11);
        return check != 11 && digits[length] - '0' == check % 10;
    }

    private static Regex Pattern(string text) =>
        new($@"^{text}\z", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    [GeneratedRegex(@"[ .\-/]", RegexOptions.None, 1000)]
    private static partial Regex Separators();

    // Business Register of Slovenia: six digits, a check digit, and three characters of a unit.
    [GeneratedRegex(@"^[0-9]{7}(?:[A-Z0-9][0-9]{2})?\z", RegexOptions.None, 1000)]
    private static partial Regex RegistrationNumber();

    [GeneratedRegex(@"^(?:SI)?[0-9]{8}\z", RegexOptions.None, 1000)]
    private static partial Regex TaxNumber();
}
