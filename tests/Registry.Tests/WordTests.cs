using CsCheck;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry.Tests;

public sealed class WordTests
{
    [Theory]
    [InlineData("ilustracija")]
    [InlineData("čšž")]
    [InlineData("3d tisk")]
    [InlineData("ab")]
    [InlineData("avtor-ilustrator")]
    [InlineData("abcdefghij abcdefghij abcdefghij abcdefg")]
    public void A_word_is_letters_digits_spaces_and_dashes(string word) => Assert.Null(Word.Fault("offers", [word]));

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("-ab")]
    [InlineData("ab-")]
    [InlineData("a@b")]
    [InlineData("ab!")]
    [InlineData("ab\0")]
    [InlineData("ab\ncd")]
    [InlineData("<b>")]
    [InlineData("abcdefghij abcdefghij abcdefghij abcdefgh")]
    public void Anything_else_is_no_word(string word)
    {
        var fault = Word.Fault("offers", [word]);

        Assert.Equal(("offers", 422), (fault!.Field, fault.Status));
    }

    [Fact]
    public void Words_are_tidied_and_the_same_word_stays_once()
    {
        Assert.Equal(["čaj", "3d tisk", ""], Word.Tidied([" ČAJ ", "3D \t TISK", "čaj", "c\u030caj", null, " "]));
    }

    [Fact]
    public void Whatever_it_is_tidying_twice_is_tidying_once()
    {
        Gen.String.Array[0, 5].Sample(words => Word.Tidied(Word.Tidied(words)).SequenceEqual(Word.Tidied(words)));
    }
}
