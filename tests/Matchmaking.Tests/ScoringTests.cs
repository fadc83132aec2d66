using System.Text.Json.Nodes;
using CsCheck;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Contracts.Matchmaking.V1;
using KkiMesh.Contracts.Registry.V1;

namespace KkiMesh.Matchmaking.Tests;

public sealed class ScoringTests
{
    private static readonly Gen<int[]> Fields = Gen.Int[1, 13].Array[0, 6];
    private static readonly Gen<string[]> Words =
        OneOf("ilustracija", "Ilustracija", "animacija", "oblikovanje tekstila", "3d tisk", "čebelarstvo", "cebelarstvo", "KERAMIKA", "c#", "").Array[0, 6];
    private static readonly Gen<ChallengePublished> Challenges =
        Gen.Select(Fields, Words, OneOf("Izziv", "Oblikovanje tekstila in keramika", "Animacija: 3D tisk!"), (f, w, t) => Given.Challenge(f, w, t));
    private static readonly Gen<SubjectPublished> Subjects = Gen.Select(Fields, Words, Words, Words, (f, c, o, l) => Given.Subject(f, c, o, l));

    [Fact]
    public void A_score_is_the_sum_of_its_parts_which_can_give_a_hundred_together() => Gen.Select(Challenges, Subjects).Sample((challenge, subject) =>
    {
        if (Given.Match(challenge, subject) is not { } match)
            return;
        Assert.InRange(match.Score, 1, 100);
        Assert.Equal(match.Score, match.Parts.Sum(p => p.Points));
        Assert.Equal(100, match.Parts.Sum(p => p.OutOf));
        Assert.Equal(["fields", "competences", "looks-for"], match.Parts.Select(p => p.Name));
        Assert.All(match.Parts, p => Assert.InRange(p.Points, 0, p.OutOf));
        Assert.All(match.Parts, p => Assert.EndsWith(".", p.Sl, StringComparison.Ordinal));
        Assert.All(match.Parts, p => Assert.EndsWith(".", p.En, StringComparison.Ordinal));
    });

    [Fact]
    public void The_order_of_lists_and_what_is_said_twice_change_nothing() => Gen.Select(Challenges, Subjects, Gen.Int).Sample((challenge, subject, seed) =>
    {
        var expected = Given.Match(challenge, subject);

        var shuffled = Given.Match(
            challenge with { Fields = Shuffled(challenge.Fields!, seed), Competences = Shuffled(challenge.Competences!, seed) },
            subject with
            {
                Fields = Shuffled(subject.Fields, seed),
                Competences = Shuffled(subject.Competences, seed),
                Offers = Shuffled(subject.Offers, seed),
                LooksFor = Shuffled(subject.LooksFor, seed),
            });

        Assert.True(expected is null ? shuffled is null : shuffled is not null && expected.IsSameAs(shuffled));
    });

    [Fact]
    public void More_that_is_shared_never_lowers_a_score() => Gen.Select(Challenges, Subjects, Gen.Int[0, 3]).Sample((challenge, subject, which) =>
    {
        var (words, fields) = (challenge.Competences!, challenge.Fields!);
        var more = which switch
        {
            0 => subject with { Fields = [.. subject.Fields, .. fields.Take(1)] },
            1 => subject with { Competences = [.. subject.Competences, .. words.Take(1)] },
            2 => subject with { Offers = [.. subject.Offers, .. words.Take(1)] },
            _ => subject with { LooksFor = [.. subject.LooksFor, .. words.Take(1)] },
        };

        Assert.True((Given.Match(challenge, more)?.Score ?? 0) >= (Given.Match(challenge, subject)?.Score ?? 0));
    });

    [Fact]
    public void Who_shares_everything_has_a_hundred_and_reads_why_in_two_languages()
    {
        var match = Given.Match(
            Given.Challenge([4, 1], ["Ilustracija", "animacija"], "Keramika v turizmu"),
            Given.Subject([1, 4, 7], ["ilustracija", "animacija"], looksFor: ["keramika", "animacija", "les"]))!;

        Assert.Equal(100, match.Score);
        Assert.Equal(
            [
                new ScorePart(
                    "fields", 50, 50,
                    "Skupna področja: arhitektura; kulturna dediščina, arhivska in knjižnična dejavnost (2 od 2 iskanih).",
                    "Shared fields: architecture; cultural heritage, archives and libraries (2 of 2 sought)."),
                new ScorePart(
                    "competences", 40, 40,
                    "Od iskanega zna: animacija, Ilustracija (2 od 2).",
                    "Of what is sought it can do: animacija, Ilustracija (2 of 2)."),
                new ScorePart(
                    "looks-for", 10, 10,
                    "Izziv je o tem, kar išče: animacija, keramika.",
                    "The challenge is about what it looks for: animacija, keramika."),
            ],
            match.Parts);
    }

    [Fact]
    public void What_is_offered_counts_a_little_less_than_what_one_can_do()
    {
        var challenge = Given.Challenge([1, 2], ["ilustracija", "animacija"]);

        var can = Given.Match(challenge, Given.Subject([1], ["ilustracija"]))!;
        var offers = Given.Match(challenge, Given.Subject([1], [], ["ilustracija"]))!;
        var both = Given.Match(challenge, Given.Subject([1], ["ilustracija"], ["ilustracija", "animacija"]))!;

        Assert.Equal([45, 40, 60], new[] { can, offers, both }.Select(m => m.Score));
        Assert.Equal("Od iskanega zna: ilustracija; ponuja: animacija (2 od 2).", both.Parts[1].Sl);
        Assert.Equal("Of what is sought it offers: ilustracija (1 of 2).", offers.Parts[1].En);
    }

    [Theory]
    [InlineData("Čebelarstvo", "cebelarstvo", true)]
    [InlineData("  oblikovanje   tekstila ", "Oblikovanje tekstila", true)]
    [InlineData("ŽIVALI", "zivali", true)]
    [InlineData("ilustracija", "ilustracije", false)]
    [InlineData("c#", "c++", false)]
    [InlineData("tekstil", "oblikovanje tekstila", false)]
    public void Words_are_the_same_or_not_once_case_and_carons_are_folded(string sought, string can, bool same) =>
        Assert.Equal(same, Given.Match(Given.Challenge([1], [sought]), Given.Subject([1], [can])) is not null);

    [Theory]
    [InlineData(new[] { 1 }, new string[0], new[] { 2 }, new[] { "les" }, false)]
    [InlineData(new[] { 1 }, new string[0], new[] { 1 }, new string[0], true)]
    [InlineData(new[] { 1 }, new[] { "les" }, new[] { 1 }, new string[0], false)]
    [InlineData(new[] { 1 }, new[] { "les" }, new[] { 2 }, new[] { "les" }, false)]
    [InlineData(new int[0], new[] { "les" }, new[] { 2 }, new[] { "les" }, true)]
    [InlineData(new int[0], new[] { " " }, new[] { 2 }, new[] { "les" }, false)]
    [InlineData(new int[0], new string[0], new[] { 1 }, new[] { "les" }, false)]
    [InlineData(new[] { 99 }, new string[0], new[] { 99 }, new string[0], false)]
    public void A_subject_fits_when_it_shares_of_each_thing_that_is_sought(int[] fields, string[] sought, int[] ofSubject, string[] can, bool fits) =>
        Assert.Equal(fits, Given.Match(Given.Challenge(fields, sought), Given.Subject(ofSubject, can)) is not null);

    [Fact]
    public void A_challenge_that_says_nothing_proposes_nobody()
    {
        Assert.Null(Given.Match(Given.Challenge(null), Given.Subject([1], ["les"])));
        Assert.True(Scoring.SeeksNobody(OpenChallenge.Of(Given.Challenge(null))));
        Assert.False(Scoring.SeeksNobody(OpenChallenge.Of(Given.Challenge([1]))));
    }

    [Fact]
    public void A_sentence_stays_one_however_many_words_are_shared()
    {
        string[] words = [.. Enumerable.Range(10, 25).Select(n => $"w{n}")];

        var match = Given.Match(Given.Challenge([1], words), Given.Subject([1], words))!;

        Assert.Equal("Od iskanega zna: w10, w11, w12, w13, w14, w15, w16, w17, w18, w19, še 15 (25 od 25).", match.Parts[1].Sl);
    }

    [Fact]
    public void The_thirteen_fields_are_called_as_the_registry_calls_them()
    {
        var registry = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "registry", "fields.json")))!["fields"]!.AsArray();

        Assert.Equal(13, Field.All.Count);
        Assert.Equal(registry.Select(f => new Field((int)f!["number"]!, (string)f["sl"]!, (string)f["en"]!)), Field.All.Values.OrderBy(f => f.Number));
    }

    private static Gen<string> OneOf(params string[] words) => Gen.Int[0, words.Length - 1].Select(i => words[i]);

    // Another order, and some of it twice.
    private static T[] Shuffled<T>(IReadOnlyList<T> list, int seed)
    {
        T[] shuffled = [.. list, .. list.Take(2)];
        new Random(seed).Shuffle(shuffled);
        return shuffled;
    }
}
