using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// What tests do in the region, with a client that sends each command until it is answered, as a good client does.
/// </summary>
internal static class Region
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Sends a command with one key until it is answered: refused or done, but not "come again".</summary>
    public static async Task<Answer> UntilAnswered(this Client client, string path, string role, object? body = null, string? key = null)
    {
        key ??= Guid.NewGuid().ToString();
        var end = TimeProvider.System.GetUtcNow() + Patience;
        while (true)
        {
            try
            {
                var answer = await client.PostAsync(path, role, body, key);
                if ((int)answer.Status < 500 && !answer.Headers.Contains("Retry-After"))
                    return answer;
            }
            catch (HttpRequestException) when (TimeProvider.System.GetUtcNow() < end)
            {
                // The connection broke: whether it took effect is not known, so the same key goes again.
            }

            if (TimeProvider.System.GetUtcNow() > end)
                throw new TimeoutException($"{path} was not answered within {Patience}.");
            await Task.Delay(200);
        }
    }

    public static object Terms(string row, int year, long pool, int seconds, int awards = 5, int[]? fields = null) => new
    {
        title = "Izziv",
        description = "Opis",
        organiser = "RAS",
        row,
        fiscalYear = year,
        pool = new { amount = pool, currency = "EUR" },
        maxAwards = awards,
        deadline = TimeProvider.System.GetUtcNow().AddSeconds(seconds),
        fields,
    };

    /// <summary>Drafts and publishes.</summary>
    public static async Task<string> PublishAsync(this Client client, string row, int year, long pool, int seconds, int awards = 5, int[]? fields = null)
    {
        var draft = await client.UntilAnswered("/gorenjska/challenges", "coordinator", Terms(row, year, pool, seconds, awards, fields));
        Assert.Equal(HttpStatusCode.Created, draft.Status);
        var id = (string)draft.Body!["id"]!;
        var published = await client.UntilAnswered($"/gorenjska/challenges/{id}/publish", "coordinator");
        Assert.Equal(HttpStatusCode.OK, published.Status);
        return id;
    }

    public static Task<JsonNode> StatusBecomes(this Client client, string challenge, string status, int seconds = 60) => Eventually.Is(
        async () => (await client.Read($"/gorenjska/challenges/{challenge}", "coordinator"))!, c => (string?)c["status"] == status, seconds);

    /// <summary>Reads, also through an outage.</summary>
    public static async Task<JsonNode?> Read(this Client client, string path, string? role = null)
    {
        try
        {
            var answer = await client.GetAsync(path, role);
            return answer.Status == HttpStatusCode.OK ? answer.Body : new JsonObject();
        }
        catch (HttpRequestException)
        {
            return new JsonObject();
        }
    }

    public static async Task<Dictionary<string, long>> BalanceAsync(this Client client, string row, int year)
    {
        var balance = (await client.Read($"/gorenjska/funding/rows/{row}"))!["balances"]!["" + year]!.AsObject();
        return balance.ToDictionary(b => b.Key, b => (long)b.Value!["amount"]!);
    }
}
