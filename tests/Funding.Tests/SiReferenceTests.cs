using CsCheck;

namespace KkiMesh.Funding.Tests;

/// <summary>References as banks and other programs print them.</summary>
public sealed class SiReferenceTests
{
    // From the guides of banks and the tests of other programs that write payment orders.
    [Theory]
    [InlineData("SI00123456789012-45678901")]
    [InlineData("SI01 25-20-85")]
    [InlineData("SI01 1-5-11")]
    [InlineData("SI02 5124123-62146-63720")]
    [InlineData("SI03 125121-621351040-61220")]
    [InlineData("SI04 215123123-521312-78")]
    [InlineData("SI05 2141256-15123-165162")]
    [InlineData("SI06 125412-135-1257")]
    [InlineData("SI07 1124-5169-761")]
    [InlineData("SI08 12561-7828-827320")]
    [InlineData("SI09 72182-238212")]
    [InlineData("SI10 126896-290-23440")]
    [InlineData("SI11 1637134-8233411-21")]
    [InlineData("SI12 1234567890120")]
    [InlineData("SI12 1362687524218")]
    [InlineData("si12 1362 6875 24218")]
    [InlineData("SI18 73474-2782642-1")]
    [InlineData("SI19 62682016-15261-721")]
    [InlineData("SI28 12351-1235680-12358347")]
    [InlineData("SI38 125235569-123561329-6")]
    [InlineData("SI51 125235569-123561329")]
    [InlineData("SI55 125235569-123561329")]
    public void What_others_print_is_valid(string text) => Assert.NotNull(SiReference.Parse(text));

    [Theory]
    [InlineData("SI12 1234567890123")]
    [InlineData("SI12 1234567890120-1")]
    [InlineData("SI01 19-1235-84504")]
    [InlineData("SI03 125121-621351040")]
    [InlineData("SI12 0")]
    [InlineData("SI00")]
    [InlineData("SI00-")]
    [InlineData("SI00--")]
    [InlineData("SI00 1-2-3-4")]
    [InlineData("SI00 123456789012345678901")]
    [InlineData("SI99 1")]
    [InlineData("RF71 2348231")]
    [InlineData("SI12 123456789012٠")]
    [InlineData("")]
    public void What_is_none_or_has_a_wrong_check_digit_is_not(string text) => Assert.Null(SiReference.Parse(text));

    [Fact]
    public void Whatever_is_made_is_read_again_and_a_single_wrong_digit_is_found_unless_both_give_zero() =>
        Gen.Select(Gen.Int[2020, 2100], Gen.Int[0, 999], Gen.Int[1, 99], Gen.Int[0, 11], Gen.Int[1, 9]).Sample((year, code, number, at, more) =>
        {
            var reference = ContributionReference.Of(year, $"{code:000}", number)!;
            Assert.Equal(reference, SiReference.Parse(reference.ToString()));
            Assert.Equal((year, $"{code:000}"), ContributionReference.Read(reference));

            var digits = reference.Content.ToCharArray();
            digits[at] = (char)('0' + ((digits[at] - '0' + more) % 10));
            var wrong = new string(digits);
            // Rests of 0 and 1 share the digit 0; any other two differ, since all weights
            // are prime to 11 but that of the eleventh digit.
            if (at != 2 && (reference.Content[^1] != '0' || SiReference.CheckDigit(wrong[..^1]) != 0))
                Assert.Null(SiReference.Parse($"SI12 {wrong}"));
        });

    [Fact]
    public void A_reference_says_year_municipality_and_running_number() =>
        Assert.Equal("SI12 2026052000011", ContributionReference.Of(2026, "052", 1)!.ToString());
}
