using System.Globalization;
using System.Text;
using Marten;
using Marten.Schema.Indexing.FullText;

namespace KkiMesh.Registry;

/// <summary>
/// What a published subject is found by, folded: »Čajna hiša« is found by »caj«. It is folded here, since the
/// database's own means (unaccent) need not be installed.
/// </summary>
/// <param name="Name">The name; a match in it weighs most.</param>
/// <param name="Words">Competences and offers.</param>
/// <param name="Description">The description; a match in it weighs least.</param>
public sealed record SearchText(string Name, string Words, string Description)
{
    // Words as they are, without endings and without stop words of some language.
    private const string Configuration = "simple";

    /// <summary>What a profile is found by.</summary>
    public static SearchText Of(Profile profile) =>
        new(Fold(profile.Name), Fold(string.Join(' ', profile.Competences.Concat(profile.Offers))), Fold(profile.Description));

    /// <summary>
    /// Letters without their marks and digits, in lower case; everything else separates words and becomes one space.
    /// </summary>
    public static string Fold(string text)
    {
        // Rune by rune, since a half of a pair cannot be normalised.
        var whole = string.Concat(text.EnumerateRunes());
        var folded = new StringBuilder(whole.Length);
        foreach (var rune in whole.ToLowerInvariant().Normalize(NormalizationForm.FormKD).EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) == UnicodeCategory.NonSpacingMark)
                continue;
            if (Rune.IsLetterOrDigit(rune))
                folded.Append(Plain(rune));
            else if (folded.Length > 0 && folded[^1] != ' ')
                folded.Append(' ');
        }

        return folded.ToString().TrimEnd();
    }

    /// <summary>
    /// GIN indexes: over the three, weighted in their order; and over the document, for the filters on its lists.
    /// </summary>
    public static void Index(StoreOptions store) => store.Schema.For<Subject>().GinIndexJsonData().WeightedFullTextIndex(
        index => index
            .Weighted(s => s.SearchText!.Name, TextSearchWeight.A)
            .Weighted(s => s.SearchText!.Words, TextSearchWeight.B)
            .Weighted(s => s.SearchText!.Description, TextSearchWeight.D),
        Configuration);

    /// <summary>
    /// The subjects that have every word, the last one as a beginning; the better ones first, then
    /// the newest. A text without a letter or digit finds nothing. Only folded letters, digits and
    /// the operators written here reach the database's query.
    /// </summary>
    public static IQueryable<Subject> Find(IQueryable<Subject> subjects, string text)
    {
        var whole = string.Join(" & ", Fold(text).Split(' ', StringSplitOptions.RemoveEmptyEntries));
        var begun = whole.Length == 0 ? "" : whole + ":*";
        return subjects
            .Where(s => s.Search(begun, Configuration))
            .OrderByTextRank(begun, TextSearchFunction.Raw, Configuration)
            // Of two that begin alike, the one that is the very word. Orders are kept
            // as written; only ThenByTextRank goes last.
            .OrderByTextRank(whole, TextSearchFunction.Raw, Configuration)
            .ThenBySql("d.id desc");
    }

    // Letters that are not a letter with a mark, to Unicode.
    private static string Plain(Rune rune) => rune.Value switch
    {
        'đ' or 'ð' => "d",
        'ł' => "l",
        'ø' => "o",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ı' => "i",
        _ => rune.ToString(),
    };
}
