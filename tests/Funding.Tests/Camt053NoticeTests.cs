namespace KkiMesh.Funding.Tests;

/// <summary>Entries that move no money: they are shown, and have no effect.</summary>
public sealed class Camt053NoticeTests
{
    private const string Day = "<BookgDt><Dt>2026-11-24</Dt></BookgDt>";

    [Theory]
    [InlineData("INFO")]
    [InlineData("PDNG")]
    [InlineData("FUTR")]
    public void An_entry_that_is_not_booked_is_a_notice_that_the_balances_do_not_count(string status)
    {
        var read = Statements.Read(Statements.File("08", "1", 100, new Statements.Booking(700, Status: status), new(5)));

        Assert.Equal([EntryStatus.Notice, EntryStatus.Open], read.Entries.Select(e => e.Status));
        Assert.Equal([status, null], read.Entries.Select(e => e.BankStatus));
        Assert.Equal((700, 95), (read.Entries[0].Amount.Amount, read.Closing.Amount));
    }

    [Fact]
    public void A_booked_entry_of_zero_is_a_notice()
    {
        var read = Statements.Read(Statements.File("02", "1", 100, new Statements.Booking(0), new(5)));

        Assert.Equal([(EntryStatus.Notice, 0), (EntryStatus.Open, 5)], read.Entries.Select(e => (e.Status, e.Amount.Amount)));
    }

    [Fact]
    public void What_is_announced_may_be_of_a_day_to_come_or_of_none()
    {
        string Announced(string day) => Statements.File("08", "1", 0, new Statements.Booking(5, Status: "FUTR")).With(Day, day);

        DateOnly Read(string day) => Statements.Read(Announced(day)).Entries.Single().BookedOn;

        Assert.Equal(new DateOnly(2026, 12, 1), Read("<BookgDt><Dt>2026-12-01</Dt></BookgDt>"));
        Assert.Equal(new DateOnly(2026, 12, 2), Read("<ValDt><Dt>2026-12-02</Dt></ValDt>"));
        Assert.Equal(new DateOnly(2026, 11, 24), Read(""));
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public void A_summary_counts_the_booked_entries_or_all(int count, bool isTaken)
    {
        var file = Statements.File("08", "1", 0, new Statements.Booking(5, Status: "PDNG"), new(5))
            .With("<Ntry>", $"<TxsSummry><TtlNtries><NbOfNtries>{count}</NbOfNtries></TtlNtries></TxsSummry><Ntry>");

        if (isTaken)
            Assert.Equal(2, Statements.Read(file).Entries.Count);
        else
            Assert.StartsWith(
                "Line 8: The statement has 2 such entries, 1 of them booked", Statements.WhyNot(file), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_status_is_refused_with_those_that_there_are() => Assert.Equal(
        "Line 8: Sts is BOOK, PDNG, INFO or FUTR.",
        Statements.WhyNot(Statements.File("08", "1", 0, new Statements.Booking(0, Status: "DONE"))));

    [Fact]
    public void A_notice_settles_no_payment_is_no_contribution_and_waits_for_nobody()
    {
        var day = new DateOnly(2026, 11, 20);
        var payment = new Payment(
            Guid.CreateVersion7(), "U3-P4", new(Guid.CreateVersion7()), "Ana", Contracts.Money.Eur(100), day);
        var pending = new Statements.Booking(100, EndToEndId: payment.Id.ToString("N"), Status: "PDNG");
        var read = Statements.Read(Statements.File("08", "1", 0, pending));

        var entries = MatchEntries.Match(read.Entries, [payment], [], []);
        var imported = new StatementImported("", "1", null, read.Opening, read.Closing, entries, new DateOnly(2026, 11, 25));
        var statement = BankStatement.Apply(null, BankStatement.Of("k"), imported)!;

        Assert.Equal((EntryStatus.Notice, null), (entries.Single().Status, entries.Single().PaymentId));
        Assert.Equal(0, statement.Open);
        Assert.Equal(
            "This entry moves no money: it is only shown.",
            statement.Assign(1, payment, isSettled: false).Refusal!.Reason);
        Assert.Equal(409, statement.SetAside(1, "Ni").Refusal!.Status);
    }
}
