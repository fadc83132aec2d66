using CsCheck;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding.Tests;

/// <summary>What a statement's file says, and which files are refused.</summary>
public sealed class Camt053Tests
{
    private static readonly Statements.Booking[] Two =
        [new(1_234_56, EndToEndId: "0190c0de000070008000000000000001"), new(99, IsOutgoing: false, Reference: "SI0012345", Name: "Občina Kranj")];

    [Theory]
    [InlineData("02")]
    [InlineData("08")]
    public void Both_forms_say_account_balances_and_bookings_to_the_cent(string version)
    {
        var file = Read(Statements.File(version, "IZP-17", 1_000_00, Two));

        Assert.Equal((Statements.Iban, "IZP-17", "17", 100_000, 100_000 - 123_456 + 99), (file.Iban, file.Id, file.Sequence, file.Opening.Amount, file.Closing.Amount));
        Assert.Equal(
            [
                new BankEntry(1, new DateOnly(2026, 11, 24), Money.Eur(123_456), true, false, "0190c0de000070008000000000000001", null, "Tiskarna d.o.o.", "Plačilo"),
                new BankEntry(2, new DateOnly(2026, 11, 24), Money.Eur(99), false, false, null, "SI0012345", "Občina Kranj", null),
            ],
            file.Entries);
    }

    [Fact]
    public void What_a_bank_wrote_is_shown_without_what_misleads_since_nobody_can_correct_it()
    {
        const string written = "Ana\u202E kavoN \uE000 Ko\u0301s \U0001F469\u200D\U0001F680";
        var booking = new Statements.Booking(5, EndToEndId: "A\u2066-1", Name: written);

        var entry = Assert.Single(Read(Statements.File("08", "1", 0, booking).With("Plačilo", written)).Entries);

        const string shown = "Ana\uFFFD kavoN \uFFFD K\u00F3s \U0001F469\u200D\U0001F680";
        Assert.Equal((shown, shown, "A\uFFFD-1"), (entry.Counterparty, entry.Text, entry.EndToEndId));
    }

    [Fact]
    public void A_booking_of_several_transactions_is_taken_apart_where_their_amounts_add_up()
    {
        const string one = "<TxDtls><Refs><EndToEndId>a</EndToEndId></Refs><Amt Ccy=\"EUR\">30.00</Amt></TxDtls>";
        var file = Statements.File("08", "1", 0, new Statements.Booking(100_00));
        var at = file.IndexOf("<TxDtls>", StringComparison.Ordinal);
        string With(string details) => file[..at] + details + file[(file.IndexOf("</TxDtls>", StringComparison.Ordinal) + 9)..];

        Assert.Equal([(1, 30_00, "a"), (2, 70_00, null)], Read(With(one + "<TxDtls><Amt Ccy=\"EUR\">70.00</Amt></TxDtls>")).Entries.Select(e => (e.Number, (int)e.Amount.Amount, e.EndToEndId)));
        Assert.Equal([(1, 100_00, null)], Read(With(one + "<TxDtls><Amt Ccy=\"EUR\">70.01</Amt></TxDtls>")).Entries.Select(e => (e.Number, (int)e.Amount.Amount, e.EndToEndId)));
        Assert.Equal([(1, 100_00, null)], Read(With("")).Entries.Select(e => (e.Number, (int)e.Amount.Amount, e.EndToEndId)));
    }

    [Theory]
    [InlineData("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<!DOCTYPE x [<!ENTITY a \"b\">]>", "Line 1: A document type (<!DOCTYPE …>) is not taken: leave it out.")]
    [InlineData("</Stmt>", "", "Line 14: This is not well-formed XML.")]
    [InlineData("camt.053.001.08", "camt.053.001.15", "Line 2: This is no Document of camt.053.001.02 to")]
    [InlineData("camt.053.001.08", "camt.054.001.08", "Line 2: This is no Document of camt.053.001.02 to")]
    [InlineData("<Stmt><Id>", "<Stmt/><Stmt><Id>", "Line 4: Stmt has no Acct/Id/IBAN")]
    [InlineData("<IBAN>SI56", "<IBAN>SI57", "Line 5: This is no IBAN")]
    [InlineData("<Cd>CLBD</Cd>", "<Cd>CLAV</Cd>", "Line 4: The statement has no balance CLBD")]
    [InlineData("<Amt Ccy=\"EUR\">1234.56</Amt>", "<Amt Ccy=\"EUR\">1234.57</Amt>", "Line 4: The opening balance 1,000.00 EUR and the entries -1,233.58 EUR are -233.58 EUR, and not the closing balance -233.57 EUR")]
    [InlineData("<Amt Ccy=\"EUR\">1234.56</Amt>", "<Amt Ccy=\"EUR\">1234.561</Amt>", "Line 8: Amt is no amount of whole cents")]
    [InlineData("<Amt Ccy=\"EUR\">1234.56</Amt>", "<Amt Ccy=\"EUR\">-1234.56</Amt>", "Line 8: Amt is no amount of whole cents")]
    [InlineData("<Amt Ccy=\"EUR\">1234.56</Amt>", "<Amt Ccy=\"EUR\">12345678901234.00</Amt>", "Line 8: Amt is no amount of whole cents")]
    [InlineData("<Amt Ccy=\"EUR\">1234.56</Amt>", "<Amt Ccy=\"USD\">1234.56</Amt>", "Line 8: Amounts are in EUR, and this one is in USD.")]
    [InlineData("<Amt Ccy=\"EUR\">1234.56</Amt><CdtDbtInd>DBIT", "<Amt Ccy=\"EUR\">1234.56</Amt><CdtDbtInd>BOTH", "Line 8: CdtDbtInd is CRDT or DBIT")]
    [InlineData("<BookgDt><Dt>2026-11-24</Dt></BookgDt>", "<BookgDt><Dt>2026-11-31</Dt></BookgDt>", "Line 9: BookgDt is no day")]
    [InlineData("<BookgDt><Dt>2026-11-24</Dt></BookgDt>", "<BookgDt><Dt>2026-11-26</Dt></BookgDt>", "Line 9: An entry is booked by today, 2026-11-25, and not on 2026-11-26")]
    [InlineData("<Dt><Dt>2026-11-24</Dt></Dt>", "<Dt><Dt>2026-11-25</Dt></Dt>", "Line 7: The closing balance is of 2026-11-24, the opening balance of 2026-11-25, which is later")]
    [InlineData("<Sts><Cd>BOOK</Cd></Sts>", "<RvslInd>yes</RvslInd><Sts><Cd>BOOK</Cd></Sts>", "Line 8: RvslInd is true or false")]
    [InlineData("<Ntry>", "<TxsSummry><TtlNtries><NbOfNtries>3</NbOfNtries></TtlNtries></TxsSummry><Ntry>", "Line 8: The statement has 2 such entries")]
    [InlineData("<Ntry>", "<TxsSummry><TtlCdtNtries><NbOfNtries>x</NbOfNtries></TtlCdtNtries></TxsSummry><Ntry>", "Line 8: The statement has 1 such entries")]
    [InlineData("<Ntry>", "<TxsSummry><TtlCdtNtries><Sum>1.00</Sum></TtlCdtNtries></TxsSummry><Ntry>", "Line 8: These entries are 0.99 EUR, and not 1.00 EUR as the summary says")]
    [InlineData("<Ntry>", "<TxsSummry><TtlDbtNtries><Sum>1234.55</Sum></TtlDbtNtries></TxsSummry><Ntry>", "Line 8: These entries are 1,234.56 EUR, and not 1,234.55 EUR as")]
    public void A_wrong_file_is_refused_with_the_line_and_why(string right, string wrong, string why)
    {
        var file = Statements.File("08", "IZP-17", 1_000_00, Two);
        var at = file.IndexOf(right, StringComparison.Ordinal);
        Assert.True(at >= 0);

        var refused = Assert.Throws<RefusedException>(() => Read(file[..at] + wrong + file[(at + right.Length)..]));

        Assert.Equal((422, "body"), (refused.Refusal.Status, refused.Refusal.Field));
        Assert.StartsWith(why, refused.Refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Days_and_a_summary_that_agree_with_the_entries_are_taken()
    {
        var file = Statements.File("02", "IZP-17", 1_000_00, Two)
            .Replace("<Acct>", "<FrToDt><FrDtTm>2026-11-24T00:00:00+01:00</FrDtTm><ToDtTm>2026-11-24T23:59:59+01:00</ToDtTm></FrToDt><Acct>", StringComparison.Ordinal);
        var at = file.IndexOf("<Ntry>", StringComparison.Ordinal);
        const string summary = "<TxsSummry><TtlNtries><NbOfNtries>02</NbOfNtries><Sum>1233.57</Sum></TtlNtries><TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>0.99</Sum></TtlCdtNtries>"
            + "<TtlDbtNtries><NbOfNtries>1</NbOfNtries><Sum>1234.560</Sum></TtlDbtNtries></TxsSummry>";

        Assert.Equal(2, Read(file.Insert(at, summary)).Entries.Count);
    }

    [Fact]
    public void The_banks_own_reference_names_a_booking_and_with_its_number_each_part_of_it()
    {
        var file = Statements.File("08", "1", 0, new(100_00, BankTransaction: " 2026/77 "), new(1, BankTransaction: "NOTPROVIDED"), new(1, BankTransaction: "Č"), new(1));
        var (from, to) = (file.IndexOf("<TxDtls>", StringComparison.Ordinal), file.IndexOf("</TxDtls>", StringComparison.Ordinal) + 9);
        const string parts = "<TxDtls><Amt Ccy=\"EUR\">30.00</Amt></TxDtls><TxDtls><Amt Ccy=\"EUR\">70.00</Amt></TxDtls>";

        Assert.Equal(["2026/77", null, null, null], Read(file).Entries.Select(e => e.BankTransaction));
        Assert.Equal(["2026/77#1", "2026/77#2", null, null, null], Read(file[..from] + parts + file[to..]).Entries.Select(e => e.BankTransaction));
    }

    [Fact]
    public void A_statement_has_at_most_a_thousand_entries() =>
        Assert.Contains("at most 1000", Assert.Throws<RefusedException>(() => Read(Statements.File("08", "1", 0, [.. Enumerable.Repeat(new Statements.Booking(1), 1001)]))).Refusal.Reason, StringComparison.Ordinal);

    [Fact]
    public void Whatever_bytes_come_they_are_read_or_refused()
    {
        var file = Statements.File("08", "IZP-17", 1_000_00, Two);
        Gen.Select(Gen.Int[0, file.Length - 1], Gen.Int[0, 40], Gen.String[0, 10]).Sample((at, length, put) =>
        {
            var changed = string.Concat(file.AsSpan(0, at), put, file.AsSpan(Math.Min(file.Length, at + length)));
            try
            {
                var read = Read(changed);
                return read.Opening.Amount + read.Entries.Sum(e => e.IsOutgoing ? -e.Amount.Amount : e.Amount.Amount) == read.Closing.Amount;
            }
            catch (RefusedException refused)
            {
                return refused.Refusal.Reason.StartsWith("Line ", StringComparison.Ordinal);
            }
        });
    }

    [Fact]
    public void What_went_out_is_matched_to_the_payment_that_it_names_once_and_to_the_cent()
    {
        var payment = new Payment(Guid.CreateVersion7(), "U3-P4", new CommitmentId(Guid.CreateVersion7()), "Ana", Money.Eur(100), new DateOnly(2026, 11, 20));
        BankEntry Entry(int number, long cents, bool isOutgoing = true, bool isReversal = false, string? named = null) =>
            new(number, new DateOnly(2026, 11, 24), Money.Eur(cents), isOutgoing, isReversal, named ?? payment.Id.ToString("N"), null, null, null);

        var matched = MatchEntries.Match(
            [Entry(1, 99), Entry(2, 100, isOutgoing: false), Entry(3, 100, isReversal: true), Entry(4, 100, named: "x"), Entry(5, 100), Entry(6, 100)], [payment], [], []);

        var found = Assert.Single(matched, e => e.Status == EntryStatus.Matched);
        Assert.Equal((5, payment.Id), (found.Number, found.PaymentId));
        Assert.All(matched.Where(e => e != found), e => Assert.Equal((EntryStatus.Open, null), (e.Status, e.PaymentId)));
    }

    private static StatementFile Read(string file) => Statements.Read(file);
}
