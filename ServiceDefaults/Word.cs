using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// What competences, offers and wants are made of: a few lower-case words, 2 to 40 letters
/// (also č, š, ž), digits, spaces and dashes, beginning and ending with a letter or a digit. So
/// that »Ilustracija « and »ilustracija« are the same.
/// </summary>
public static partial class Word
{
    /// <summary>How many words a list has at the most.</summary>
    public const int Most = 20;

    /// <summary>How many characters a word has at the least.</summary>
    public const int Shortest = 2;

    /// <summary>How many characters a word has at the most.</summary>
    public const int Longest = 40;

    /// <summary>
    /// Each trimmed, in lower case, with single spaces, and once; whether it is a word is not looked at.
    /// </summary>
    public static IReadOnlyList<string> Tidied(IEnumerable<string?> words) =>
        [.. words.Select(w => Tidied(w ?? "")).Distinct(StringComparer.Ordinal)];

    /// <summary>One word to filter by.</summary>
    /// <exception cref="RefusedException">400: no profile can have it.</exception>
    public static string? AsFilter(string? text, string parameter) =>
        text is null ? null
        : Tidied(text) is var word && Is(word) ? word
        : throw new RefusedException(new Refusal(StatusCodes.Status400BadRequest, Rule, parameter));

    /// <summary>What is wrong with a list; null where nothing is.</summary>
    public static Refusal? Fault(string field, IReadOnlyList<string> words) =>
        words.Count > Most ? Refusal.Invalid(field, $"At most {Most} words.")
        : words.All(Is) ? null
        : Refusal.Invalid(field, Rule);

    private static string Rule => $"A word has {Shortest} to {Longest} letters, digits, spaces and dashes; it begins and ends with a letter or a digit.";

    private static bool Is(string word) => word.Length is >= Shortest and <= Longest && Pattern().IsMatch(word);

    // Normalised, so that a č of two code points is the č of one; a half of a pair cannot be, and is no letter anyway.
    private static string Tidied(string text)
    {
        var words = string.Join(' ', text.ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return words.Any(char.IsSurrogate) ? words : words.Normalize();
    }

    [GeneratedRegex(@"^[\p{L}\p{Nd}]([\p{L}\p{Nd} -]*[\p{L}\p{Nd}])?\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Pattern();
}
