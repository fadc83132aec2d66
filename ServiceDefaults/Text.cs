using System.Buffers;
using System.Globalization;
using System.Text;

namespace KkiMesh.ServiceDefaults;

/// <summary>A character that no text has.</summary>
/// <param name="CodePoint">Its code point, or the half of a pair that it is.</param>
/// <param name="Place">Which character of the text it is; the first is 1.</param>
/// <param name="WhyEn">What it is and what would be right, in English.</param>
/// <param name="WhySl">The same in Slovene.</param>
public sealed record TextFault(int CodePoint, int Place, string WhyEn, string WhySl)
{
    private string Name => $"U+{CodePoint:X4}";

    /// <summary>A sentence for people, in English.</summary>
    public string En => $"Character {Place} is {Name}, {WhyEn}.";

    /// <summary>A sentence for people, in Slovene.</summary>
    public string Sl => $"Znak {Place} je {Name}, {WhySl}.";
}

/// <summary>
/// The one rule for text that people write and others read. It refuses what misleads a reader or means nothing, takes
/// every other character, and stores text in NFC, so that what looks the same is the same. A length is a number of
/// characters (Unicode code points) after that, as in JSON Schema.
/// </summary>
public static class Text
{
    /// <summary>The first character that a text cannot have; null where there is none.</summary>
    /// <param name="text">The text.</param>
    /// <param name="hasLines">Whether it may have several lines.</param>
    public static TextFault? FaultOf(string text, bool hasLines = false)
    {
        var rest = text.AsSpan();
        for (var place = 1; rest.Length > 0; place++)
        {
            var isWhole = Rune.DecodeFromUtf16(rest, out var rune, out var length) == OperationStatus.Done;
            var codePoint = isWhole ? rune.Value : rest[0];
            if (WhyNot(codePoint, hasLines) is var (en, sl))
                return new TextFault(codePoint, place, en, sl);
            rest = rest[length..];
        }

        return null;
    }

    /// <summary>The text as it is stored: in NFC. It has no fault.</summary>
    public static string Normalized(string text) => text.Normalize(NormalizationForm.FormC);

    /// <summary>How many characters it has.</summary>
    public static int Length(string text) => text.EnumerateRunes().Count();

    /// <summary>Whether a reader sees anything of it.</summary>
    public static bool IsVisible(string text) => text.EnumerateRunes().Any(r =>
        !Rune.IsWhiteSpace(r) && Rune.GetUnicodeCategory(r) is not (UnicodeCategory.Format or UnicodeCategory.Control));

    /// <summary>
    /// A text that nobody here can correct, such as a bank's: what the rule refuses becomes U+FFFD, so that it neither
    /// misleads nor disappears.
    /// </summary>
    public static string Cleaned(string text, bool hasLines = false) => Normalized(string.Concat(
        text.EnumerateRunes().Select(r => WhyNot(r.Value, hasLines) is null ? r : Rune.ReplacementChar)));

    private static (string En, string Sl)? WhyNot(int codePoint, bool hasLines) => codePoint switch
    {
        '\n' when hasLines => null,
        '\n' => ("a line feed; this text is one line", "prelom vrstice; to besedilo ima eno samo vrstico"),
        '\r' when hasLines => (
            "a carriage return; a line ends with a line feed alone (U+000A)",
            "pomik na začetek; vrstica se konča samo s prelomom vrstice (U+000A)"),
        '\t' => ("a tab; write spaces", "tabulator; uporabite presledke"),
        < 0x20 or (>= 0x7F and <= 0x9F) => ("a control character; leave it out", "krmilni znak; izpustite ga"),
        >= 0xD800 and <= 0xDFFF => (
            "half of a surrogate pair; write both halves or none",
            "polovica nadomestnega para; zapišite obe polovici ali nobene"),
        0x200E or 0x200F or (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069) => (
            "a mark that changes the direction of writing; leave it out",
            "oznaka, ki spremeni smer pisanja; izpustite jo"),
        0x2028 or 0x2029 => (
            "a separator of lines; a line ends with a line feed (U+000A)",
            "ločilo vrstic; vrstica se konča s prelomom vrstice (U+000A)"),
        (>= 0xE000 and <= 0xF8FF) or >= 0xF0000 when !IsNoncharacter(codePoint) => (
            "a character for private use, which others do not know; leave it out",
            "znak za zasebno rabo, ki ga drugi ne poznajo; izpustite ga"),
        _ when IsNoncharacter(codePoint) => ("no character; leave it out", "ni znak; izpustite ga"),
        _ => null,
    };

    private static bool IsNoncharacter(int codePoint) =>
        codePoint is >= 0xFDD0 and <= 0xFDEF || (codePoint & 0xFFFE) == 0xFFFE;
}
