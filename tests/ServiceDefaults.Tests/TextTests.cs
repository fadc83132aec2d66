using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>The rule of texts itself.</summary>
public sealed class TextTests
{
    private const string Astronaut = "\U0001F469\u200D\U0001F680";

    private sealed record Letter([OneLine(5, MinimumLength = 1)] string Title, [LongText(9)] string? Words = null);

    [Fact]
    public void Of_all_characters_just_these_are_refused()
    {
        string[] marks = ["200E-200F", "202A-202E", "2066-2069", "2028-2029", "FDD0-FDEF"];
        var refused = marks.Select(Range).ToList();
        for (var c = 0; c <= 0x10FFFF; c++)
        {
            var text = c is >= 0xD800 and <= 0xDFFF ? ((char)c).ToString() : char.ConvertFromUtf32(c);
            var category = CharUnicodeInfo.GetUnicodeCategory(c);
            var isRefused = category is UnicodeCategory.Control or UnicodeCategory.Surrogate
                || category is UnicodeCategory.PrivateUse || (c & 0xFFFF) >= 0xFFFE || refused.Exists(r => c >= r.First && c <= r.Last);

            Assert.True(Text.FaultOf(text) is not null == isRefused, $"U+{c:X4}");
            var isRefusedInLines = isRefused && c != '\n';
            Assert.True(Text.FaultOf(text, hasLines: true) is not null == isRefusedInLines, $"U+{c:X4} in lines");
            // What is taken can be stored, and stays taken.
            if (!isRefused)
                Assert.Null(Text.FaultOf(Text.Normalized(text)));
            Assert.Null(Text.FaultOf(Text.Cleaned(text)));
        }

        static (int First, int Last) Range(string range) =>
            (Convert.ToInt32(range[..4], 16), Convert.ToInt32(range[5..], 16));
    }

    [Theory]
    [InlineData("ab\u202Ec", 3, "U+202E", "direction")]
    [InlineData(Astronaut + "\uE000", 4, "U+E000", "private")]
    [InlineData("a\nb", 2, "U+000A", "one line")]
    [InlineData("a\tb", 2, "U+0009", "spaces")]
    [InlineData("\uFFFE", 1, "U+FFFE", "no character")]
    [InlineData("\U0010FFFE", 1, "U+10FFFE", "no character")]
    public void A_refusal_names_the_character_its_place_and_what_would_be_right(
        string text, int place, string name, string word)
    {
        var fault = Text.FaultOf(text)!;

        Assert.StartsWith($"Character {place} is {name}, ", fault.En, StringComparison.Ordinal);
        Assert.StartsWith($"Znak {place} je {name}, ", fault.Sl, StringComparison.Ordinal);
        Assert.Contains(word, fault.En, StringComparison.Ordinal);
    }

    // An attribute could not hold it.
    [Fact]
    public void Half_of_a_pair_is_named_as_what_it_is()
    {
        Assert.StartsWith("Character 2 is U+D83D, half", Text.FaultOf("a\ud83d")!.En, StringComparison.Ordinal);
        Assert.StartsWith("Character 1 is U+DE00, half", Text.FaultOf("\ude00a")!.En, StringComparison.Ordinal);
    }

    [Fact]
    public void A_carriage_return_is_told_how_a_line_ends() =>
        Assert.Contains("U+000A", Text.FaultOf("a\r\nb", hasLines: true)!.En, StringComparison.Ordinal);

    [Fact]
    public void A_length_counts_characters_of_what_is_stored()
    {
        Assert.Equal(3, Text.Length(Astronaut));
        Assert.True(Fits(new Letter("\U0001F680\U0001F680\U0001F680\U0001F680\U0001F680")));
        Assert.True(Fits(new Letter("a\u0301a\u0301a\u0301a\u0301a\u0301")));
        Assert.False(Fits(new Letter("abcdef")));
        Assert.False(Fits(new Letter("\u200D\u2060")));
        Assert.False(Fits(new Letter("a\u202E")));
        Assert.True(Fits(new Letter("a", "a\nb")));
        Assert.False(Fits(new Letter("a\nb")));
    }

    [Fact]
    public void Json_is_read_by_the_rule_and_a_marked_text_has_lines()
    {
        var read = Read($$"""{"title":"Ka\u0301va","words":"{{Astronaut}}\n\u010d"}""")!;

        Assert.Equal(("K\u00E1va", $"{Astronaut}\n\u010D"), (read.Title, read.Words));
        Assert.Equal("$.title", Fault("""{"title":"a\nb"}""").Path);
        Assert.Equal("$.words", Fault("""{"title":"a","words":"a\r\nb"}""").Path);
        Assert.Contains("U+D800", Fault("""{"title":"a\\\ud800b"}""").Message, StringComparison.Ordinal);
        Assert.Contains("Character 3", Fault("""{"title":"a\\\ud800b"}""").Message, StringComparison.Ordinal);
        Assert.Null(Read("""{"title":"a","words":null}""")!.Words);
    }

    [Fact]
    public void What_nobody_can_correct_is_shown_without_what_misleads() =>
        Assert.Equal("a\uFFFDb\uFFFD\u010D", Text.Cleaned("a\u202Eb\ud800c\u030C"));

    private static bool Fits(Letter letter) => new[]
    {
        (letter.Title, (StringLengthAttribute)new OneLineAttribute(5) { MinimumLength = 1 }),
        (letter.Words, new LongTextAttribute(9)),
    }.All(t => t.Item2.GetValidationResult(t.Item1, new ValidationContext(letter)) == ValidationResult.Success);

    private static TextException Fault(string json) => Assert.Throws<TextException>(() => Read(json));

    private static Letter? Read(string json)
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        TextConverter.Apply(options);
        return JsonSerializer.Deserialize<Letter>(json, options);
    }
}
