using System.Text;

namespace KkiMesh.Matchmaking;

/// <summary>Words as they are compared: exactly, once their spelling is the same.</summary>
internal static class Words
{
    /// <summary>In lower case, without the carons of č, š and ž, and with single spaces.</summary>
    public static string Fold(string text)
    {
        var lower = text.Normalize(NormalizationForm.FormC).ToLowerInvariant().Replace('č', 'c').Replace('š', 's').Replace('ž', 'z');
        return string.Join(' ', lower.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Different words, each in the spelling that sorts first; what is empty is left out.</summary>
    public static IReadOnlyDictionary<string, string> Of(IEnumerable<string> words) => words
        .Where(w => !string.IsNullOrWhiteSpace(w))
        .GroupBy(Fold, StringComparer.Ordinal)
        .ToDictionary(g => g.Key, g => g.Min(StringComparer.Ordinal)!.Trim(), StringComparer.Ordinal);

    /// <summary>
    /// A sentence's words without its punctuation, folded, so that a word or several are found in it by " word ".
    /// </summary>
    public static string InSentence(string sentence) =>
        $" {Fold(new string([.. sentence.Select(c => char.IsPunctuation(c) && c is not ('-' or '#') ? ' ' : c)]))} ";
}
