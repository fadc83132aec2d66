using System.Globalization;

namespace KkiMesh.Funding.Tests;

/// <summary>What some banks write otherwise than the rest: it is read where the balances add up.</summary>
public sealed class Camt053BanksTests
{
    private const string Booked = "<BookgDt><Dt>2026-11-24</Dt></BookgDt>";
    private const string BalanceDay = "<Dt><Dt>2026-11-24</Dt></Dt>";

    [Theory]
    [InlineData("2026-11-20", "It is of 2026-11-23 to 2026-11-24, and has entries of 2026-11-20.")]
    [InlineData("2026-11-25", "It is of 2026-11-23 to 2026-11-24, and has entries of 2026-11-25.")]
    [InlineData("2026-11-24", null)]
    public void An_entry_of_a_day_outside_the_statements_own_is_taken_with_a_warning(string day, string? warning)
    {
        var file = Of("2026-11-23", "2026-11-24", new Statements.Booking(5));

        var read = Statements.Read(file.With(Booked, $"<BookgDt><Dt>{day}</Dt></BookgDt>"));

        Assert.Equal((1, warning), (read.Entries.Count, read.Warning));
    }

    [Fact]
    public void A_warning_tells_three_days_at_most()
    {
        var file = Of("2026-11-24", "2026-11-24", [.. Enumerable.Repeat(new Statements.Booking(5), 5)]);
        foreach (var day in (string[])["20", "18", "17", "19", "20"])
            file = file.With(Booked, $"<BookgDt><Dt>2026-11-{day}</Dt></BookgDt>");

        Assert.Equal(
            "It is of 2026-11-24 to 2026-11-24, and has entries of 2026-11-17, 2026-11-18, 2026-11-19 and other days.",
            Statements.Read(file).Warning);
    }

    [Fact]
    public void What_is_only_announced_may_be_of_another_day_than_the_statement() =>
        Assert.Null(Statements.Read(Of("2026-11-20", "2026-11-20", new Statements.Booking(5, Status: "PDNG"))).Warning);

    [Theory]
    [InlineData("", "2026-11-24")]
    [InlineData("<ValDt><Dt>2026-11-20</Dt></ValDt>", "2026-11-20")]
    [InlineData("<ValDt><Dt>2026-12-01</Dt></ValDt>", "2026-11-24")]
    public void An_entry_without_a_booking_day_was_booked_when_it_is_valued_or_the_statement_closes(
        string valued, string day)
    {
        var read = Statements.Read(Statements.File("08", "1", 0, new Statements.Booking(5)).With(Booked, valued));

        Assert.Equal(day, Text(read.Entries.Single().BookedOn));
    }

    [Fact]
    public void An_entry_without_a_booking_day_is_booked_by_today_too() => Assert.Equal(
        "Line 8: An entry is booked by today, 2026-11-25, and not on 2026-11-26.",
        Statements.WhyNot(Statements.File("08", "1", 0, new Statements.Booking(5)).With(Booked, "")
            .Replace(BalanceDay, "<Dt><Dt>2026-11-26</Dt></Dt>", StringComparison.Ordinal)));

    [Theory]
    [InlineData("02", "<Sts>BOOK</Sts>")]
    [InlineData("08", "<Sts><Cd>BOOK</Cd></Sts>")]
    public void An_entry_without_a_status_is_booked(string version, string status)
    {
        var read = Statements.Read(Statements.File(version, "1", 0, new Statements.Booking(5)).With(status, ""));

        Assert.Equal((EntryStatus.Open, -5), (read.Entries.Single().Status, read.Closing.Amount));
    }

    [Fact]
    public void Balances_without_days_are_of_the_statements_own()
    {
        var read = Statements.Read(Of("2026-11-23", "2026-11-24").Replace(BalanceDay, "", StringComparison.Ordinal));

        Assert.Equal(("2026-11-23", "2026-11-24"), (Text(read.OpenedOn), Text(read.ClosedOn)));
        Assert.Equal(
            "Line 7: Bal has no Dt.",
            Statements.WhyNot(Statements.File("08", "1", 0).Replace(BalanceDay, "", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_days_between_a_statement_and_the_one_that_its_opening_balance_is_of_are_not_missing()
    {
        var file = Of("2026-11-24", "2026-11-24").With(BalanceDay, "<Dt><Dt>2026-11-19</Dt></Dt>");

        var read = Statements.Read(file);

        Assert.Equal("2026-11-19", Text(read.OpenedOn));
        Assert.Null(Continuity.Warning(read, [new(new DateOnly(2026, 11, 19), read.Opening, null)]));
        Assert.NotNull(Continuity.Warning(read, [new(new DateOnly(2026, 11, 16), read.Opening, null)]));
    }

    [Fact]
    public void An_IBAN_that_is_given_as_another_identification_is_the_account()
    {
        string Of(string id) => Statements.File("08", "1", 0)
            .With($"<IBAN>{Statements.Iban}</IBAN>", $"<Othr><Id>{id}</Id></Othr>");

        Assert.Equal(Statements.Iban, Statements.Read(Of("SI56 0201 7001 4356 205")).Iban);
        Assert.Equal("Line 4: Stmt has no Acct/Id/IBAN.", Statements.WhyNot(Of("60000635")));
    }

    [Fact]
    public void The_namespace_of_Austrias_banks_is_read()
    {
        string Of(string message) => Statements.File("02", "1", 0, new Statements.Booking(5))
            .With("urn:iso:std:iso:20022:tech:xsd:camt.053.001.02", message);

        Assert.Single(Statements.Read(Of("ISO:camt.053.001.02:APC:STUZZA:payments:003")).Entries);
        Assert.Equal(
            "Line 2: This is no Document of camt.053.001.02 to camt.053.001.14.",
            Statements.WhyNot(Of("ISO:camt.052.001.02:APC:STUZZA:payments:003")));
    }

    [Theory]
    [InlineData("-0.05", true)]
    [InlineData("0.05", true)]
    [InlineData("-0.06", false)]
    public void A_total_of_debits_may_have_a_sign(string sum, bool isTaken)
    {
        var file = Statements.File("08", "1", 0, new Statements.Booking(5))
            .With("<Ntry>", $"<TxsSummry><TtlDbtNtries><Sum>{sum}</Sum></TtlDbtNtries></TxsSummry><Ntry>");

        if (isTaken)
            Assert.Single(Statements.Read(file).Entries);
        else
        {
            Assert.Equal(
                "Line 8: These entries are 0.05 EUR, and not 0.06 EUR as the summary says.", Statements.WhyNot(file));
        }
    }

    [Theory]
    [InlineData(" Ccy=\"CHF\"", "is in CHF")]
    [InlineData("", "has no Ccy that says so")]
    public void Another_currency_is_told(string currency, string what) => Assert.Equal(
        $"Line 6: Amounts are in EUR, and this one {what}.",
        Statements.WhyNot(Statements.File("08", "1", 0).With(" Ccy=\"EUR\"", currency)));

    [Fact]
    public void A_booking_that_begins_with_a_transaction_without_an_amount_is_taken_apart_into_the_others()
    {
        const string first = "<TxDtls><RmtInf><Ustrd>Paket</Ustrd></RmtInf></TxDtls>";
        string Part(string id, string amount) =>
            $"<TxDtls><Refs><EndToEndId>{id}</EndToEndId></Refs>"
            + $"<AmtDtls><TxAmt><Amt Ccy=\"EUR\">{amount}</Amt></TxAmt></AmtDtls></TxDtls>";
        string Booked(string parts) => Statements
            .File("02", "1", 0, new Statements.Booking(100_00, BankTransaction: "B-1"))
            .With("<NtryDtls>", $"<NtryDtls>{first}{parts}</NtryDtls><Rest>")
            .With("</NtryDtls></Ntry>", "</Rest></Ntry>");

        var read = Statements.Read(Booked(Part("a", "30") + Part("b", "70")));

        Assert.Equal(
            [("a", 30_00, "B-1#1"), ("b", 70_00, "B-1#2")],
            read.Entries.Select(e => (e.EndToEndId, (int)e.Amount.Amount, e.BankTransaction)));
        Assert.Single(Statements.Read(Booked(Part("a", "30") + Part("b", "69"))).Entries);
    }

    [Fact]
    public void The_banks_own_reference_may_be_the_transactions()
    {
        string? Of(string? entrys) => Statements
            .Read(Statements.File("02", "1", 0, new Statements.Booking(5, BankTransaction: entrys))
                .With("<Refs>", "<Refs><AcctSvcrRef>T-1</AcctSvcrRef>"))
            .Entries.Single().BankTransaction;

        Assert.Equal(("T-1", "B-1"), (Of(null), Of("B-1")));
    }

    private static string Of(string from, string to, params Statements.Booking[] bookings) =>
        Statements.File("08", "1", 0, bookings).With(
            "<Acct>", $"<FrToDt><FrDtTm>{from}T00:00:00</FrDtTm><ToDtTm>{to}T23:59:59</ToDtTm></FrToDt><Acct>");

    private static string Text(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
