using CsCheck;

namespace KkiMesh.Registry.Tests;

public sealed class SearchTextTests
{
    [Theory]
    [InlineData("ČAJ", "caj")]
    [InlineData("čaj", "caj")]
    [InlineData("c\u030caj", "caj")]
    [InlineData("Žiga Škafar, s. p.", "ziga skafar s p")]
    [InlineData("Đorđe Ćosić", "dorde cosic")]
    [InlineData("Łódź, Straße, Ærø", "lodz strasse aero")]
    [InlineData("film-in-video 3D", "film in video 3d")]
    [InlineData("  a\t\r\nb\0c  ", "a b c")]
    [InlineData("'); drop & | ! <-> :* \\", "drop")]
    [InlineData("\ud83c\udfa8 umetnost \ud800", "umetnost")]
    [InlineData("!?", "")]
    [InlineData("кавказ", "кавказ")]
    public void Words_are_folded_to_plain_letters_and_digits(string text, string folded) => Assert.Equal(folded, SearchText.Fold(text));

    [Fact]
    public void Whatever_it_is_what_is_left_is_letters_digits_and_single_spaces_and_folds_to_itself()
    {
        Gen.String.Sample(text =>
        {
            var folded = SearchText.Fold(text);
            Assert.All(folded.EnumerateRunes(), r => Assert.True(r.Value == ' ' || System.Text.Rune.IsLetterOrDigit(r), $"U+{r.Value:X4}"));
            Assert.DoesNotContain("  ", folded, StringComparison.Ordinal);
            Assert.Equal(folded.Trim(), folded);
            Assert.Equal(folded, SearchText.Fold(folded));
        });
    }
}
