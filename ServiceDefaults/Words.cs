using System.Text.RegularExpressions;

namespace KkiMesh.ServiceDefaults;

/// <summary>Words that people tag themselves and their calls with (competences, offers): written alike, so that they can be compared.</summary>
public static partial class Words
{
    /// <summary>Trimmed, in lower case, each once, in the order in which they came; null for null.</summary>
    public static IReadOnlyList<string>? Of(IReadOnlyList<string>? words) =>
        words?.Select(w => w.Trim().ToLowerInvariant()).Distinct(StringComparer.Ordinal).ToList();

    /// <summary>What is wrong with them, in a sentence; null where nothing is.</summary>
    public static string? Fault(IEnumerable<string> words) =>
        words.FirstOrDefault(w => !Word().IsMatch(w)) is { } wrong
            ? $"A word has 2 to 40 letters, digits, spaces or dashes; '{(wrong.Length > 40 ? wrong[..40] + "…" : wrong)}' has not."
            : null;

    [GeneratedRegex(@"^[\p{L}\p{Nd}][\p{L}\p{Nd} -]{0,38}[\p{L}\p{Nd}]\z", RegexOptions.NonBacktracking)]
    private static partial Regex Word();
}
