using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Threading.Tasks;
using KkiMesh.Clients.Challenges;
using KkiMesh.Clients.Funding;
using Standing = KkiMesh.Clients.Challenges.Status;

/// <summary>
/// A program of somebody who knows the mesh by its documents alone; a test compiles it with the clients.
/// </summary>
public static class Outsider
{
    public static async Task<string> DraftAsync(HttpClient http, string title, long cents)
    {
        var challenges = new ChallengesClient(http);
        var request = new ChallengeRequest
        {
            Title = title,
            Description = "KKS in turizem",
            Organiser = "RAS",
            Row = "U3-P4",
            FiscalYear = 2022,
            Pool = new KkiMesh.Clients.Challenges.Money { Amount = cents, Currency = "EUR" },
            MaxAwards = 5,
            Deadline = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero),
            Competences = new List<string> { "ilustracija" },
        };
        var drafted = await challenges.DraftChallengeAsync("gorenjska", Guid.NewGuid().ToString(), request);
        var shown = await challenges.ShowChallengeAsync("gorenjska", drafted.Id);
        return $"{shown.Status} {shown.Terms.Title} {shown.Terms.Pool.Amount} {shown.Terms.Deadline:yyyy-MM-dd}";
    }

    public static async Task<string> FindAsync(HttpClient http, string title)
    {
        var page = await new ChallengesClient(http)
            .ListChallengesAsync("gorenjska", status: Standing.Draft, row: null, page: 1, pageSize: 100);
        return string.Join(", ", page.Items.Where(c => c.Terms.Title == title).Select(c => c.Terms.Organiser));
    }

    public static async Task<string> ListRowsAsync(HttpClient http)
    {
        var rows = await new FundingClient(http).ListRowsAsync("gorenjska", measure: 3, page: null, pageSize: 100);
        return $"{rows.Total == rows.Items.Count} {rows.Items.Single(r => r.Id == "U3-P4").Measure}";
    }

    public static async Task<string> ReportAsync(HttpClient http)
    {
        var report = await new FundingClient(http).ReportFlowAsync("gorenjska", asOf: new DateOnly(2026, 1, 1));
        return $"{report.AsOf:yyyy-MM-dd}";
    }

    public static async Task<string> RefusedAsync(HttpClient http)
    {
        try
        {
            await DraftAsync(http, "", 1);
            return "taken";
        }
        catch (KkiMesh.Clients.Challenges.ApiException<KkiMesh.Clients.Challenges.Problem> refused)
        {
            return $"{refused.StatusCode} {refused.Result.Status} {string.Join(", ", refused.Result.Errors!.Keys)}";
        }
    }
}
