namespace KkiMesh.Funding.Tests;

/// <summary>
/// All versions of the message, whatever its elements are called in them, and several statements in one file.
/// </summary>
public sealed class Camt053VersionTests
{
    [Fact]
    public void Versions_02_to_14_are_read_in_both_forms_that_their_elements_have()
    {
        foreach (var version in Enumerable.Range(2, 13).Select(v => $"{v:00}"))
        {
            foreach (var form in (string[])["02", "08"])
            {
                var file = Statements.File(form, "1", 0, new Statements.Booking(5, Name: "Ana"))
                    .With($"camt.053.001.{form}", $"camt.053.001.{version}");
                Assert.Equal(("Ana", 5), Statements.Read(file).Entries.Select(e => (e.Counterparty, (int)e.Amount.Amount)).Single());
            }
        }
    }

    [Theory]
    [InlineData("camt.053.001.01")]
    [InlineData("camt.053.001.15")]
    [InlineData("camt.052.001.08")]
    public void Another_message_is_refused_with_those_that_are_read(string message) => Assert.Equal(
        "Line 2: This is no Document of camt.053.001.02 to camt.053.001.14.",
        Statements.WhyNot(Statements.File("08", "1", 0).With("camt.053.001.08", message)));

    [Fact]
    public void Each_statement_of_a_file_is_read()
    {
        var first = Statements.File("08", "1", 0, new Statements.Booking(5));
        var read = Statements.ReadAll(Statements.Together(first, Statements.File("08", "2", 7)));

        Assert.Equal([("1", -5, 1), ("2", 7, 0)], read.Select(s => (s.Id, (int)s.Closing.Amount, s.Entries.Count)));
    }

    [Fact]
    public void A_file_has_one_to_four_hundred_statements()
    {
        string Many(int count) =>
            Statements.Together([.. Enumerable.Range(1, count).Select(i => Statements.File("08", $"{i}", 0))]);

        Assert.Equal(400, Statements.ReadAll(Many(400)).Count);
        Assert.Equal("Line 3: A file has 1 to 400 statements; this one has 401.", Statements.WhyNot(Many(401)));
        Assert.Equal(
            "Line 3: A file has 1 to 400 statements; this one has 0.", Statements.WhyNot(Statements.Together()));
    }

    [Fact]
    public void All_statements_of_a_file_have_a_thousand_entries_together_at_most()
    {
        string Half(string id) => Statements.File("08", id, 0, [.. Enumerable.Repeat(new Statements.Booking(1), 501)]);

        Assert.Equal("Line 3: A file has at most 1000 entries.", Statements.WhyNot(Statements.Together(Half("1"), Half("2"))));
    }
}
