using CsCheck;
using KkiMesh.Contracts;

namespace KkiMesh.Funding.Tests;

/// <summary>What banks of SEPA take, and what is written for the rest.</summary>
public sealed class SepaTextTests
{
    [Theory]
    [InlineData("Tiskarna d.o.o., Kranj (2026): 5+1?", "Tiskarna d.o.o., Kranj (2026): 5+1?")]
    [InlineData("Občina Šenčur", "Obcina Sencur")]
    [InlineData("Đuro Ćosić & Straße", "Duro Cosic + Strasse")]
    [InlineData("Народна банка Жабљак", "Narodna banka Zhabljak")]
    [InlineData("Αθήνα", "Athina")]
    [InlineData("„Gozd“ “x” ‘y’ d’Or", "'Gozd' 'x' 'y' d'Or")]
    [InlineData("U3_P4 – 410", "U3-P4 - 410")]
    [InlineData("//410//1/", "410/1")]
    [InlineData("/ 410", "410")]
    [InlineData("<a> [b] {c}", "(a) (b) (c)")]
    [InlineData("5 €\u00a0…", "5 EUR ...")]
    [InlineData("Ĳssel | Æro ¿", "IJssel / Aero ?")]
    [InlineData("a\u4e2db", "a.b")]
    [InlineData("中文", "")]
    [InlineData("", "")]
    public void What_is_written_for_a_text(string text, string written) => Assert.Equal(written, SepaText.Of(text, 140));

    [Fact]
    public void Whatever_people_write_banks_take_what_is_written_and_it_stays_so() => Gen.String[0, 100].Sample(text =>
    {
        var written = SepaText.Of(text, 70);

        Assert.Matches(@"^([A-Za-z0-9?:().,'+ /-]{0,70})\z", written);
        Assert.DoesNotContain("//", written, StringComparison.Ordinal);
        Assert.False(written is ['/', ..] or [.., '/']);
        Assert.Equal(written, SepaText.Of(written, 70));
    });

    [Fact]
    public void A_draft_warns_of_what_will_be_written_otherwise_and_leaves_out_who_has_no_name_to_write()
    {
        var (plain, changed, none) = (Due("Ana", "410-1"), Due("Občina Žiri", "410_2"), Due("中文", "410-3"));

        var draft = IbanTests.Draft(plain, changed, none);

        Assert.Equal([plain.Payment.Id, changed.Payment.Id], draft.Lines.Select(l => l.PaymentId));
        Assert.Equal(
            [
                new TextWarning(changed.Payment.Id, "to.holder", "Občina Žiri", "Obcina Ziri"),
                new TextWarning(changed.Payment.Id, "text", "U3-P4 410_2", "U3-P4 410-2"),
            ],
            draft.Warnings);
        Assert.Equal(
            (none.Payment.Id, "The account's holder has no letter or digit that banks take: the agreement needs another spelling."),
            draft.LeftOut.Select(l => (l.PaymentId, l.Reason)).Single());
    }

    private static (Payment Payment, Grant Grant) Due(string holder, string number) =>
        IbanTests.Due("SI56263300012039086", holder, number);
}
