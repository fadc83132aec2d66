using System.Text;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding.Tests;

/// <summary>The encodings that banks write in.</summary>
public sealed class Camt053EncodingTests
{
    private const string Name = "Šola Žiri, Đuro Ćosić";

    [Theory]
    [InlineData("windows-1250", "Šola Žiri, Đuro Ćosić")]
    [InlineData("ISO-8859-2", "Šola Žiri, Đuro Ćosić")]
    [InlineData("windows-1252", "Šola Žiri, 5 € œuvre")]
    [InlineData("ISO-8859-15", "Šola Žiri, 5 € œuvre")]
    [InlineData("iso-8859-1", "Müller")]
    [InlineData("us-ascii", "Ana")]
    [InlineData("UTF-8", "Šola Жири")]
    public void A_name_is_read_in_the_encoding_that_is_declared_or_that_the_content_type_names(string encoding, string name)
    {
        var bytes = CodePages(encoding).GetBytes(File(name).With("UTF-8", encoding));
        var undeclared = CodePages(encoding).GetBytes(File(name).With(" encoding=\"UTF-8\"", ""));

        Assert.Equal(name, Read(bytes, null));
        Assert.Equal(name, Read(undeclared, encoding.ToUpperInvariant()));
    }

    [Fact]
    public void A_byte_order_mark_counts_before_all_that_is_said()
    {
        foreach (var encoding in (Encoding[])[Encoding.UTF8, Encoding.Unicode, Encoding.BigEndianUnicode])
        {
            var bytes = encoding.GetBytes(File(Name).With("UTF-8", "windows-1250"));
            Assert.Equal(Name, Read([.. encoding.GetPreamble(), .. bytes], "windows-1252"));
        }
    }

    [Fact]
    public void An_encoding_that_is_not_read_is_refused_with_those_that_are() => Assert.Equal(
        "Line 1: The encoding EBCDIC-CP-US is not read; these are: "
        + "utf-8, us-ascii, windows-1250, windows-1252, iso-8859-1, iso-8859-2, iso-8859-15, utf-16 with a byte order mark.",
        WhyNot(Encoding.UTF8.GetBytes(File(Name).With("UTF-8", "EBCDIC-CP-US"))));

    [Fact]
    public void Bytes_of_another_encoding_are_refused_with_their_line() => Assert.Equal(
        "Line 10: A byte here is not of the encoding UTF-8: declare the encoding that the file is written in.",
        WhyNot(CodePages("windows-1250").GetBytes(File(Name))));

    private static Encoding CodePages(string name) =>
        CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);

    private static string File(string name) =>
        Statements.File("08", "1", 0, new Statements.Booking(5, Reference: "x", Name: name));

    private static string? Read(byte[] bytes, string? charset) =>
        Camt053.Read(bytes, charset, new DateOnly(2026, 11, 25))[0].Entries.Single().Counterparty;

    private static string WhyNot(byte[] bytes) =>
        Assert.Throws<RefusedException>(() => Read(bytes, null)).Refusal.Reason;
}
