namespace KkiMesh.Funding.Tests;

/// <summary>Amounts as XML may write them, and sentences that are true.</summary>
public sealed class Camt053AmountTests
{
    private const string Amount = "<Amt Ccy=\"EUR\">1.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>";

    [Theory]
    [InlineData("1.5", 150)]
    [InlineData("+1.50", 150)]
    [InlineData("1.500", 150)]
    [InlineData("001.50", 150)]
    [InlineData(".50", 50)]
    [InlineData("+.5", 50)]
    [InlineData("2.", 200)]
    [InlineData("2", 200)]
    public void Each_form_of_a_decimal_number_is_read(string written, long cents)
    {
        string Entry(string amount) => $">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>";
        var file = Statements.File("08", "1", 0, new Statements.Booking(cents));

        var read = Statements.Read(file.With(Entry(Statements.Euro(cents)), Entry(written)));

        Assert.Equal(cents, read.Entries.Single().Amount.Amount);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("+")]
    [InlineData("+-1")]
    [InlineData("-1.50")]
    [InlineData("1,50")]
    [InlineData("1.505")]
    [InlineData("1e2")]
    [InlineData("12345678901234")]
    public void What_is_no_amount_is_refused(string written) => Assert.Equal(
        "Line 8: Amt is no amount of whole cents like 1234.50, below 10,000,000,000,000 EUR.",
        Statements.WhyNot(File.With(Amount, Amount.Replace("1.50", written, StringComparison.Ordinal))));

    [Fact]
    public void Only_what_is_not_well_formed_is_called_so()
    {
        const string type = "A document type (<!DOCTYPE …>) is not taken: leave it out.";
        string Typed(string what) => Statements.WhyNot(File.With("<Document", $"{what}<Document"));
        Assert.Equal($"Line 2: {type}", Typed("<!DOCTYPE x>"));
        Assert.Equal($"Line 3: {type}", Typed("<!-- a\n--><!DOCTYPE x [<!ENTITY a \"b\">]>"));
        Assert.Equal("Line 9: This is not well-formed XML.", Statements.WhyNot(Statements.File("08", "1", 0).With("</Stmt>", "")));
        Assert.Equal("Line 1: This is not well-formed XML.", Statements.WhyNot(""));
        Assert.Equal("Line 3: This is not well-formed XML.", Statements.WhyNot(File.With("<GrpHdr>", "<GrpHdr>&a;")));
    }

    private static string File => Statements.File("08", "1", 0, new Statements.Booking(150));
}
