using System.Globalization;
using System.Text.Json.Nodes;

namespace KkiMesh.Funding.Tests;

/// <summary>Files as some banks give them, taken in by a treasurer.</summary>
public sealed class BankFileTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    [Fact]
    public async Task A_statement_with_an_entry_of_a_day_that_is_not_its_own_is_taken_and_explained()
    {
        var first = await TakenAsync(Backdated("IZP-90", 0, "2021-03-01"));
        var second = await TakenAsync(Backdated("IZP-91", 7, "2021-03-02"));

        Assert.Equal("It is of 2021-03-01 to 2021-03-01, and has entries of 2021-02-26.", (string?)first["warning"]);
        Assert.Equal(
            "It opens with 0.07 EUR, and the statement of 2021-03-01 closed with 0.05 EUR. "
            + "It is of 2021-03-02 to 2021-03-02, and has entries of 2021-02-26.",
            (string?)second["warning"]);

        using var client = funding.Client();
        var explained = await client.PostAsync(
            $"/gorenjska/funding/bank-statements/{first["key"]}/explanation",
            "treasurer",
            new { reason = "Knjiženo za nazaj" });

        Assert.Equal("Knjiženo za nazaj", (string?)explained.Body!["explanation"]);
    }

    [Fact]
    public async Task Half_a_year_in_one_file_with_a_statement_for_each_day_is_taken()
    {
        string Of(int day) => Dated($"IZP-{1000 + day}", 5 * day, Day(new DateOnly(2022, 1, 3).AddDays(day)));

        var file = Statements.Together([.. Enumerable.Range(0, 180).Select(Of)]);
        var (status, body) = await BankTests.ImportAsync(funding, file, "treasurer");

        Assert.Equal((201, 180), (status, body!["statements"]!.AsArray().Count));
        Assert.All(body["statements"]!.AsArray().Skip(1), s => Assert.Null((string?)s!["warning"]));
    }

    private static string Backdated(string id, long opening, string day) => Dated(id, opening, day)
        .With("<Acct>", $"<FrToDt><FrDtTm>{day}T00:00:00</FrDtTm><ToDtTm>{day}T23:59:59</ToDtTm></FrToDt><Acct>")
        .With($"<BookgDt><Dt>{day}", "<BookgDt><Dt>2021-02-26");

    private static string Dated(string id, long opening, string day) =>
        Statements.File("08", id, opening, new Statements.Booking(5, IsOutgoing: false))
            .Replace("2026-11-24", day, StringComparison.Ordinal);

    private static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private async Task<JsonNode> TakenAsync(string file)
    {
        var (status, body) = await BankTests.ImportAsync(funding, file, "treasurer");
        Assert.Equal(201, status);
        return body!["statements"]![0]!;
    }
}
