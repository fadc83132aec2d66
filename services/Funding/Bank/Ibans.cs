using System.Globalization;
using System.Text.RegularExpressions;

namespace KkiMesh.Funding;

/// <summary>International bank account numbers (ISO 13616).</summary>
internal static partial class Ibans
{
    // How long those of each country are: SWIFT's IBAN Registry, release 100 (ISO 13616-1).
    private const string Registry =
        """
        AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28
        EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26
        IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28
        NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25
        SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
        """;

    private static readonly Dictionary<string, int> Lengths = Registry
        .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
        .ToDictionary(entry => entry[..2], entry => int.Parse(entry[2..], CultureInfo.InvariantCulture));

    /// <summary>The countries that have IBANs.</summary>
    public static IReadOnlyCollection<string> Countries => Lengths.Keys;

    /// <summary>Without spaces, in capitals.</summary>
    public static string Tidied(string iban) => iban.Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant();

    /// <summary>Whether it is one, of a country that has them.</summary>
    public static bool IsValid(string tidied) => WhyNot(tidied) is null;

    /// <summary>Why it is none, in a sentence; null where it is one.</summary>
    /// <param name="tidied">The IBAN without spaces, in capitals.</param>
    public static string? WhyNot(string tidied) =>
        !Form().IsMatch(tidied)
            ? "This is no IBAN: it has a country's two letters, two check digits, and letters and digits."
        : !Lengths.TryGetValue(tidied[..2], out var length)
            ? $"This is no IBAN: there is no country {tidied[..2]} that has IBANs."
        : tidied.Length != length
            ? $"This is no IBAN: one of {tidied[..2]} has {length} characters, and this has {tidied.Length}."
        : !HasRightCheckDigits(tidied) ? "This is no IBAN: its check digits are wrong."
        : null;

    // ISO 7064, modulo 97-10: 98 less a rest of 0 to 96. 00, 01 and 99 are never made, though they leave the same rest.
    private static bool HasRightCheckDigits(string iban) =>
        iban[2..4] is not ("00" or "01" or "99") && Remainder(iban[4..] + iban[..4]) == 1;

    // Letters count as 10 to 35.
    private static int Remainder(string text) => text.Aggregate(
        0, (rest, c) => (char.IsAsciiDigit(c) ? (rest * 10) + (c - '0') : (rest * 100) + (c - 'A' + 10)) % 97);

    [GeneratedRegex(@"^[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}\z", RegexOptions.None, 1000)]
    private static partial Regex Form();
}
