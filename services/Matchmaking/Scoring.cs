using KkiMesh.Contracts.Matchmaking.V1;

namespace KkiMesh.Matchmaking;

/// <summary>
/// How well a subject fits a challenge: a sum of named parts, each with its reason in words. The policy asks for
/// match-making (measure 3, project 1) and gives no measure for it: the weights are ours.
/// </summary>
public static class Scoring
{
    /// <summary>What all sought fields give: half, since both sides choose them from the same list.</summary>
    public const int Fields = 50;

    /// <summary>
    /// What all sought competences give: less, since they are free words that people choose differently.
    /// </summary>
    public const int Competences = 40;

    /// <summary>
    /// What a subject looks for says that it is interested, not that it can: it decides between equals.
    /// </summary>
    public const int LooksFor = 10;

    // Of a competence's worth: who only offers the thing may have somebody else do it.
    private const int Can = 4, Offers = 3;
    private const int EachLookedFor = 5;
    private const int MostNamed = 10;

    /// <summary>
    /// Scores a subject: null where it does not fit. It fits when it shares a field, if fields are sought, and when it
    /// can or offers something of what is sought, if competences are. Nobody fits a challenge that says neither. What a
    /// challenge does not say gives no points, so scores compare the subjects of one challenge.
    /// </summary>
    public static Match? Of(OpenChallenge challenge, KnownSubject subject)
    {
        var fields = challenge.Fields.Where(Field.All.ContainsKey).Distinct().ToList();
        var shared = fields.Intersect(subject.Fields).Order().Select(number => Field.All[number]).ToList();
        var sought = Words.Of(challenge.Competences);
        var can = Shared(sought, subject.Competences, []);
        var offers = Shared(sought, subject.Offers, can);
        if (SeeksNobody(challenge) || (fields.Count > 0 && shared.Count == 0) || (sought.Count > 0 && can.Count + offers.Count == 0))
            return null;

        ScorePart[] parts = [OfFields(shared, fields.Count), OfCompetences(can, offers, sought.Count), OfLooksFor(challenge, sought, subject)];
        return new Match(subject.SubjectId, parts.Sum(p => p.Points), parts);
    }

    /// <summary>Whether a challenge says nothing by which somebody could be proposed.</summary>
    public static bool SeeksNobody(OpenChallenge challenge) =>
        !challenge.Fields.Any(Field.All.ContainsKey) && Words.Of(challenge.Competences).Count == 0;

    private static ScorePart OfFields(List<Field> shared, int sought) => sought == 0
        ? new("fields", 0, Fields, "Izziv ne imenuje področij.", "The challenge names no fields.")
        : new(
            "fields", Points(Fields, shared.Count, sought), Fields,
            $"Skupna področja: {string.Join("; ", shared.Select(f => f.Sl))} ({shared.Count} od {sought} iskanih).",
            $"Shared fields: {string.Join("; ", shared.Select(f => f.En))} ({shared.Count} of {sought} sought).");

    private static ScorePart OfCompetences(List<string> can, List<string> offers, int sought)
    {
        if (sought == 0)
            return new("competences", 0, Competences, "Izziv ne imenuje kompetenc.", "The challenge names no competences.");
        var count = can.Count + offers.Count;
        string[] sl = [.. Said("zna: ", can, More.Sl), .. Said("ponuja: ", offers, More.Sl)];
        string[] en = [.. Said("it can do: ", can, More.En), .. Said("it offers: ", offers, More.En)];
        return new(
            "competences", Points(Competences, (can.Count * Can) + (offers.Count * Offers), sought * Can), Competences,
            $"Od iskanega {string.Join("; ", sl)} ({count} od {sought}).",
            $"Of what is sought {string.Join("; ", en)} ({count} of {sought}).");
    }

    private static ScorePart OfLooksFor(OpenChallenge challenge, IReadOnlyDictionary<string, string> sought, KnownSubject subject)
    {
        var title = Words.InSentence(challenge.Title);
        var found = Words.Of(subject.LooksFor)
            .Where(w => sought.ContainsKey(w.Key) || title.Contains($" {w.Key} ", StringComparison.Ordinal))
            .OrderBy(w => w.Key, StringComparer.Ordinal).Select(w => w.Value).ToList();
        return found.Count == 0
            ? new("looks-for", 0, LooksFor, "Ne išče ničesar, kar imenuje izziv.", "It looks for nothing that the challenge names.")
            : new(
                "looks-for", Math.Min(LooksFor, found.Count * EachLookedFor), LooksFor,
                $"Izziv je o tem, kar išče: {List(found, More.Sl)}.",
                $"The challenge is about what it looks for: {List(found, More.En)}.");
    }

    // At least one, since something is shared; all of them only where everything is.
    private static int Points(int weight, int share, int whole) => Math.Max(1, weight * share / whole);

    private static List<string> Shared(IReadOnlyDictionary<string, string> sought, IEnumerable<string> has, List<string> without)
    {
        var words = Words.Of(has);
        return [.. sought.Where(s => words.ContainsKey(s.Key) && !without.Contains(s.Value)).OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => s.Value)];
    }

    private static string[] Said(string verb, List<string> words, Func<int, string> more) => words.Count == 0 ? [] : [verb + List(words, more)];

    // A sentence stays one, however many words there are.
    private static string List(List<string> words, Func<int, string> more) =>
        string.Join(", ", words.Take(MostNamed).Concat(words.Count > MostNamed ? [more(words.Count - MostNamed)] : []));

    private static class More
    {
        public static string Sl(int count) => $"še {count}";

        public static string En(int count) => $"{count} more";
    }
}
