using CsCheck;

namespace KkiMesh.Contracts.Tests;

/// <summary>Numbers of public registers by which undertakings and people are known.</summary>
public sealed class PartyIdentifierTests
{
    [Theory]
    [InlineData("SI50223054", "SI50223054")]
    [InlineData("SI-50223054", "SI50223054")]
    [InlineData("si 5022 3054", "SI50223054")]
    [InlineData("50223054", "SI50223054")]
    [InlineData("9331310", "9331310")]
    [InlineData("9331310000", "9331310")]
    [InlineData("9331310 A01", "9331310")]
    [InlineData("ATU12345678", "ATU12345678")]
    [InlineData("at u1234-5678", "ATU12345678")]
    [InlineData("HR 12345678901", "HR12345678901")]
    [InlineData("GR123456789", "EL123456789")]
    [InlineData("NL123456789B01", "NL123456789B01")]
    public void However_it_is_written_it_has_one_normal_form(string written, string normal) =>
        Assert.Equal((normal, null), PartyIdentifier.Read(written));

    [Theory]
    [InlineData("SI50223055", "This is no tax number: its check digit is wrong.")]
    [InlineData("SI05022305", "This is no tax number: its check digit is wrong.")]
    [InlineData("9331320", "This is no registration number: its check digit is wrong.")]
    [InlineData("SI5022305", "This is no identifier")]
    [InlineData("SI", "This is no identifier")]
    [InlineData("", "This is no identifier")]
    [InlineData("AT12345678", "This is no identifier")]
    [InlineData("US123456789", "This is no identifier")]
    [InlineData("Tiskarna", "This is no identifier")]
    [InlineData("SI50223054\n", "This is no identifier")]
    [InlineData("ЅІ50223054", "U+0405 is another character")]
    [InlineData("SI５０２２３０５４", "U+FF15 is another character")]
    [InlineData("SI‐50223054", "U+2010 is another character")]
    public void What_is_none_is_told_why(string written, string why)
    {
        var (normal, fault) = PartyIdentifier.Read(written);

        Assert.Null(normal);
        Assert.Contains(why, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_slip_in_one_digit_or_two_swapped_neighbours_is_found()
    {
        var numbers = Gen.Int[1_000_000, 9_999_999].SelectMany(start => Gen.Int[0, 9].Select(last => $"{start}{last}"))
            .Where(number => PartyIdentifier.Read(number).Normal is not null);
        Gen.Select(numbers, Gen.Int[0, 7], Gen.Int[1, 9]).Sample((number, place, by) =>
        {
            var slip = number.ToCharArray();
            slip[place] = (char)('0' + ((slip[place] - '0' + by) % 10));
            var swapped = number.ToCharArray();
            var left = place % 6;
            (swapped[left], swapped[left + 1]) = (swapped[left + 1], swapped[left]);

            Assert.Null(PartyIdentifier.Read(new string(slip)).Normal);
            Assert.True(swapped.SequenceEqual(number) || PartyIdentifier.Read(new string(swapped)).Normal is null, number);
        });
    }
}
