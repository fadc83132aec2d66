using KkiMesh.TestKit;
using Npgsql;

namespace KkiMesh.Funding.Tests;

/// <summary>What the calendar does to a contribution, and what is found out about who changes its history.</summary>
public sealed class ContributionHistoryTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    private const string Contributions = "/gorenjska/funding/contributions";

    [Fact]
    public async Task What_is_still_to_come_is_reminded_of_until_its_last_day_and_after_it_each_once()
    {
        using var client = funding.Client();
        var today = DateOnly.FromDateTime(funding.Time.GetUtcNow().UtcDateTime);
        await MunicipalMoneyTests.CalledAsync(client, 2041, 300, ["003", "052"], $"{today:yyyy-MM-dd}");
        // Kranj pays at once, and is never reminded.
        await client.PostAsync(Contributions, "treasurer", new { year = 2041, municipality = "052", amount = MunicipalMoneyTests.Eur(100) });

        List<string> told = ["contribution-called"];
        foreach (var days in (int[])[0, 1, 14])
        {
            funding.Time.Advance(TimeSpan.FromDays(days));
            told = await Eventually.Is(
                async () =>
                {
                    funding.Time.Advance(TimeSpan.FromMinutes(1));
                    return await TypesAsync("003");
                },
                types => types.Count > told.Count);
        }

        Assert.Equal(["contribution-called", "contribution-due-soon", "contribution-overdue 1", "contribution-overdue 15"], told);
        Assert.Equal(["contribution-called", "contribution-received"], await TypesAsync("052"));

        async Task<List<string>> TypesAsync(string code) =>
        [
            .. (await client.GetAsync($"{Contributions}/2041/{code}/transactions")).Body!["items"]!.AsArray()
                .Select(e => $"{((string)e!["type"]!).Split('.')[2]} {e["data"]!["days"]}".Trim()),
        ];
    }

    [Theory]
    [InlineData("update mt_events set data = jsonb_set(data, '{amount,amount}', '1') where stream_id = '{it}' and version = 2", 2042, 2, "not what was recorded")]
    [InlineData("delete from mt_events where stream_id = '{it}' and version = 2", 2043, null, "not as many as were recorded")]
    [InlineData("update mt_doc_contribution set data = jsonb_set(data, '{credit,amount}', '5') where id = '{it}'", 2044, null, "stored state")]
    [InlineData("delete from mt_doc_contribution where id = '{it}'", 2045, null, "stored state")]
    [InlineData("update mt_events set headers = '7' where stream_id = '{it}' and version = 2", 2046, 2, "not what was recorded")]
    public async Task A_change_behind_the_ledgers_back_is_found_with_its_place(string change, int year, int? transaction, string what)
    {
        using var client = funding.Client();
        await MunicipalMoneyTests.CalledAsync(client, year, 300, ["052"]);
        await client.PostAsync(Contributions, "treasurer", new { year, municipality = "052", amount = MunicipalMoneyTests.Eur(40) });
        await using var database = NpgsqlDataSource.Create(await funding.DatabaseAsync());
        await using var tamper = database.CreateCommand(change.Replace("{it}", $"contributions/{year}/052", StringComparison.Ordinal));
        Assert.Equal(1, await tamper.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));

        var faults = (await funding.VerifyAsync())["faults"]!.AsArray();

        Assert.Contains(faults, f => (string?)f!["row"] == $"contributions/{year}/052" && (int?)f["transaction"] == transaction && ((string)f["what"]!).Contains(what, StringComparison.Ordinal));
        Assert.All(faults, f => Assert.StartsWith("contributions/204", (string)f!["row"]!, StringComparison.Ordinal));
    }
}
