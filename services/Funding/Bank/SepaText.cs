using System.Globalization;
using System.Text;

namespace KkiMesh.Funding;

/// <summary>
/// The characters that every bank of SEPA takes (EPC217-08): letters a to z, digits, and a few marks. What is written
/// otherwise is transliterated, so that a bank refuses no order for a name: as that document's table says, and where it
/// has a full stop or one letter of two, by what keeps more of the name (ß is ss, æ is ae, ō is o, @ is (at)).
/// </summary>
internal static class SepaText
{
    private const StringSplitOptions NoneEmpty = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
    private const string Marks = "/-?:().,'+ ";
    private const string Unknown = ".";

    // Cyrillic as in Bulgaria, Greek, and Latin letters that are no other with a mark; each with what is written.
    private const string Letters =
        """
        а a б b в v г g д d е e ж zh з z и i й y к k л l м m н n о o п p р r с s т t у u ф f х h ц ts ч ch ш sh
        щ sht ъ a ь y ю yu я ya ё e ы y э e і i ї i є e ґ g ђ d ј j љ lj њ nj ћ c џ dz ѓ gj ќ kj ѕ dz
        α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o
        đ d ð d þ th ł l ø o æ ae œ oe ß ss ı i ŧ t ħ h
        """;

    private const string Signs =
        """
        " ' “ ' ” ' „ ' ‟ ' « ' » ' ‘ ' ’ ' ‚ ' ‛ ' ` ' ´ ' ′ ' ″ '
        – - — - − - ‐ - ‑ - _ - ~ - = - [ ( { ( < ( ] ) } ) > ) & + @ (at) ; , \ / | / ¿ ? € EUR … ...
        """;

    private static readonly Dictionary<string, string> Conversions = $"{Letters} {Signs}"
        .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
        .Chunk(2)
        .ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);

    /// <summary>What is written for a text: itself where banks take it, nothing where they take none of it.</summary>
    /// <param name="text">What people wrote.</param>
    /// <param name="longest">How many characters there is room for.</param>
    public static string Of(string text, int longest)
    {
        var written = string.Concat(text.EnumerateRunes().Select(Written)).Trim();
        // No / at the beginning or the end, and none beside another.
        if (written.Contains("//", StringComparison.Ordinal) || written is ['/', ..] or [.., '/'])
            written = string.Join('/', written.Split('/', NoneEmpty));
        written = written[..Math.Min(written.Length, longest)].TrimEnd(' ', '/');
        return written.Any(char.IsAsciiLetterOrDigit) ? written : "";
    }

    private static string Written(Rune rune) =>
        IsTaken(rune) ? rune.ToString()
        : Rune.IsWhiteSpace(rune) ? " "
        : Converted(rune) ?? string.Concat(Decomposed(rune).Select(Part));

    private static StringRuneEnumerator Decomposed(Rune rune) =>
        rune.ToString().Normalize(NormalizationForm.FormKD).EnumerateRunes();

    // A letter without its marks.
    private static string Part(Rune rune) =>
        IsTaken(rune) ? rune.ToString()
        : Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark ? ""
        : Converted(rune) ?? Unknown;

    private static string? Converted(Rune rune)
    {
        var small = Rune.ToLowerInvariant(rune);
        return !Conversions.TryGetValue(small.ToString(), out var written) ? null
            : small == rune ? written
            : char.ToUpperInvariant(written[0]) + written[1..];
    }

    private static bool IsTaken(Rune rune) =>
        rune.IsAscii && (char)rune.Value is var c
        && (char.IsAsciiLetterOrDigit(c) || Marks.Contains(c, StringComparison.Ordinal));
}
