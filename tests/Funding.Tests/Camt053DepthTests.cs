namespace KkiMesh.Funding.Tests;

/// <summary>Elements within elements, which cost time with each level.</summary>
public sealed class Camt053DepthTests
{
    [Fact]
    public void Elements_are_nested_to_a_limit()
    {
        Assert.Single(Statements.Read(Nested(29)).Entries);
        Assert.Equal("Line 5: Elements are nested at most 32 deep.", Statements.WhyNot(Nested(30)));
        Assert.Equal("Line 5: Elements are nested at most 32 deep.", Statements.WhyNot(Nested(100_000)));
    }

    // Three elements are around it.
    private static string Nested(int depth) => Statements.File("08", "1", 0, new Statements.Booking(5)).With(
        "<Acct>", string.Concat(Enumerable.Repeat("<a>", depth)) + string.Concat(Enumerable.Repeat("</a>", depth)) + "<Acct>");
}
