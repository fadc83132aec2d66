using System.Globalization;

namespace KkiMesh.Funding.Tests;

/// <summary>Which day a bank means, in Europe/Ljubljana.</summary>
public sealed class Camt053DayTests
{
    private const string Booked = "<BookgDt><Dt>2026-11-24</Dt></BookgDt>";

    [Theory]
    [InlineData("<Dt>2026-11-24</Dt>", "2026-11-24")]
    [InlineData("<Dt>2026-11-24Z</Dt>", "2026-11-24")]
    [InlineData("<Dt>2026-11-24+01:00</Dt>", "2026-11-24")]
    [InlineData("<DtTm>2026-11-24T23:30:00</DtTm>", "2026-11-24")]
    [InlineData("<DtTm>2026-11-24T23:30:00Z</DtTm>", "2026-11-25")]
    [InlineData("<DtTm>2026-11-24T23:30:00.000+00:00</DtTm>", "2026-11-25")]
    [InlineData("<DtTm>2026-11-25T00:30:00+02:00</DtTm>", "2026-11-24")]
    [InlineData("<DtTm>2026-06-24T22:30:00Z</DtTm>", "2026-06-25")]
    public void A_booking_is_of_its_day_in_Ljubljana(string written, string day)
    {
        var read = Statements.Read(File.With(Booked, $"<BookgDt>{written}</BookgDt>"));

        Assert.Equal(day, read.Entries.Single().BookedOn.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("2026-11-24T25:30:00Z")]
    [InlineData("2026-11-24T23:30:00+15:00")]
    [InlineData("2026-11-24x")]
    [InlineData("2026-11-24T23")]
    [InlineData("1999-12-31T12:00:00Z")]
    [InlineData("9999-12-31T23:59:59-10:00")]
    [InlineData("0001-01-01T00:00:00+10:00")]
    [InlineData("2026")]
    public void What_is_no_day_is_refused_with_what_it_would_be(string written) => Assert.Equal(
        "Line 9: BookgDt is no day like 2026-11-25 or 2026-11-25T14:30:00+01:00.",
        Statements.WhyNot(File.With(Booked, $"<BookgDt><DtTm>{written}</DtTm></BookgDt>")));

    [Theory]
    [InlineData("2026-11-23T23:00:00Z", "2026-11-24T22:59:59Z", null)]
    [InlineData("2026-11-22T23:00:00Z", "2026-11-23T22:59:59Z", "2026-11-23 to 2026-11-23")]
    [InlineData("2026-11-24T23:30:00Z", "2026-11-25T12:00:00Z", "2026-11-25 to 2026-11-25")]
    public void A_statements_period_is_of_days_in_Ljubljana(string from, string to, string? other)
    {
        var file = File.With("<Acct>", $"<FrToDt><FrDtTm>{from}</FrDtTm><ToDtTm>{to}</ToDtTm></FrToDt><Acct>");

        Assert.Equal(
            other is null ? null : $"It is of {other}, and has entries of 2026-11-24.", Statements.Read(file).Warning);
    }

    [Fact]
    public void A_balance_is_of_its_day_in_Ljubljana() => Assert.Equal(
        "Line 7: The closing balance is of 2026-11-24, the opening balance of 2026-11-25, which is later.",
        Statements.WhyNot(File.With("<Dt><Dt>2026-11-24</Dt></Dt>", "<Dt><DtTm>2026-11-24T23:30:00Z</DtTm></Dt>")));

    private static string File => Statements.File("08", "1", 0, new Statements.Booking(5));
}
