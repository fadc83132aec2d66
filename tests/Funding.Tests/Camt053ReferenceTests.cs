namespace KkiMesh.Funding.Tests;

/// <summary>What a bank writes several times, or in one of several places: all of it is read.</summary>
public sealed class Camt053ReferenceTests
{
    private static readonly string Call = ContributionReference.Of(2037, "003", 1)!.ToString();
    private static readonly string Other = ContributionReference.Of(2037, "052", 1)!.ToString();

    [Fact]
    public void A_call_that_any_of_the_references_names_is_found()
    {
        Assert.Equal("RF18539007547034", Read(Strd("RF18539007547034") + Strd("SI0012345")).Reference);
        Assert.Equal(Call, Read(Strd("SI0012345") + Strd(Call)).Reference);
        Assert.Equal(Call, Read(Strd("") + Strd(Call)).Reference);
        Assert.Equal(Call, Read($"<Strd>{Ref("SI0012345")}{Ref(Call)}</Strd>").Reference);
        Assert.Equal(Call, Read("<Strd><AddtlRmtInf>x</AddtlRmtInf></Strd></RmtInf><RmtInf>" + Strd(Call)).Reference);
    }

    [Fact]
    public void Where_the_references_name_several_calls_it_waits_for_a_person()
    {
        var entry = Read(Strd(Call) + Strd(Other));

        Assert.Equal($"It names several calls: {Call}, {Other}. Assign it to the one that it is.", entry.Reason);
        Assert.Null(MatchEntries.Called(entry));
        Assert.Null(Read(Strd(Call) + Strd(Call)).Reason);
    }

    [Fact]
    public void Words_are_taken_from_all_places_that_have_some()
    {
        Assert.Equal("a b c", Read("<Ustrd>a</Ustrd><Ustrd>b</Ustrd></RmtInf><RmtInf><Ustrd>c</Ustrd>").Text);
        Assert.Equal("d e", Read("<Strd><AddtlRmtInf>d</AddtlRmtInf><AddtlRmtInf>e</AddtlRmtInf></Strd>").Text);
        Assert.Equal("f", Read("</RmtInf><AddtlTxInf>f</AddtlTxInf><RmtInf>").Text);
    }

    [Theory]
    [InlineData("<Dbtr><Nm>Ana</Nm></Dbtr>", "Ana")]
    [InlineData("<Dbtr><Pty><Nm>Ana</Nm></Pty></Dbtr>", "Ana")]
    [InlineData("<Dbtr><Agt><FinInstnId><Nm>Banka</Nm></FinInstnId></Agt></Dbtr>", "Banka")]
    [InlineData("<UltmtDbtr><Nm>Ana</Nm></UltmtDbtr>", "Ana")]
    [InlineData("<Dbtr><Nm> </Nm></Dbtr><UltmtDbtr><Pty><Nm>Ana</Nm></Pty></UltmtDbtr>", "Ana")]
    [InlineData("<Cdtr><Nm>Ana</Nm></Cdtr>", null)]
    public void Who_paid_is_read_wherever_the_bank_says_it(string parties, string? name)
    {
        foreach (var version in (string[])["02", "08"])
        {
            var file = Statements.File(version, "1", 0, new Statements.Booking(5, IsOutgoing: false));
            var from = file.IndexOf("<RltdPties>", StringComparison.Ordinal);
            var to = file.IndexOf("</RltdPties>", StringComparison.Ordinal);

            var read = Statements.Read($"{file[..from]}<RltdPties>{parties}{file[to..]}");

            Assert.Equal(name, read.Entries.Single().Counterparty);
        }
    }

    [Fact]
    public void Transactions_that_do_not_add_up_still_say_what_they_are_in_words()
    {
        const string other = "<NtryDtls><TxDtls><RmtInf><Ustrd>Drugo</Ustrd></RmtInf></TxDtls></NtryDtls>";
        var file = Statements.File("08", "1", 0, new Statements.Booking(5)).With("</NtryDtls>", $"</NtryDtls>{other}");

        Assert.Equal("Plačilo Drugo", Statements.Read(file).Entries.Single().Text);
    }

    [Fact]
    public void A_transaction_that_goes_the_other_way_than_its_booking_keeps_it_whole()
    {
        string Part(string way) => $"<TxDtls><Amt Ccy=\"EUR\">1.00</Amt><CdtDbtInd>{way}</CdtDbtInd></TxDtls>";
        string Two(string way) => Statements.File("08", "1", 0, new Statements.Booking(200))
            .With("<NtryDtls>", $"<NtryDtls>{Part("DBIT")}{Part(way)}</NtryDtls><Rest>")
            .With("</NtryDtls></Ntry>", "</Rest></Ntry>");

        Assert.Equal(2, Statements.Read(Two("DBIT")).Entries.Count);
        Assert.Single(Statements.Read(Two("CRDT")).Entries);
    }

    private static string Ref(string reference) => $"<CdtrRefInf><Ref>{reference}</Ref></CdtrRefInf>";

    private static string Strd(string reference) => $"<Strd>{Ref(reference)}</Strd>";

    private static BankEntry Read(string remittance)
    {
        var file = Statements.File("08", "1", 0, new Statements.Booking(5, IsOutgoing: false));
        return Statements.Read(file.With("<Ustrd>Plačilo</Ustrd>", remittance)).Entries.Single();
    }
}
