using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using KkiMesh.Contracts;

namespace KkiMesh.ServiceDefaults;

/// <summary>Reads other services' histories, with this service's own token.</summary>
internal sealed class HistoryReader(HttpClient http, ServiceToken token)
{
    private const int PageSize = 200;

    /// <summary>A page with data.</summary>
    /// <exception cref="EpochEndedException">The position is of before the
    /// publisher's database was restored.</exception>
    public Task<HistoryPage> ReadAsync(string region, string publisher, IEnumerable<string> types, Position after, CancellationToken ct) =>
        GetAsync<HistoryPage>(publisher, after, $"{region}/{publisher}/events?after={after}{Page(PageSize, types)}", ct);

    /// <summary>Events by their ids, as far as they are in the history after a position.</summary>
    /// <exception cref="EpochEndedException">The position is of before the
    /// publisher's database was restored.</exception>
    public Task<HistoryPage> ReadAsync(
        string region, string publisher, IEnumerable<string> types, Position after, IEnumerable<string> ids, CancellationToken ct)
    {
        var asked = string.Concat(ids.Select(id => $"&id={id}"));
        return GetAsync<HistoryPage>(
            publisher, after, $"{region}/{publisher}/events?after={after}{Page(PageSize, types)}{asked}", ct);
    }

    /// <summary>A page of ids.</summary>
    /// <exception cref="EpochEndedException">The position is of before the
    /// publisher's database was restored.</exception>
    public Task<HistoryIndex> ReadIdsAsync(
        string region, string publisher, IEnumerable<string> types, Position after, int pageSize, string consumer, CancellationToken ct) =>
        GetAsync<HistoryIndex>(
            publisher, after, $"{region}/{publisher}/events/ids?after={after}&consumer={consumer}{Page(pageSize, types)}", ct);

    private static string Page(int size, IEnumerable<string> types) =>
        $"&pageSize={size}{string.Concat(types.Select(t => $"&type={Uri.EscapeDataString(t)}"))}";

    private async Task<T> GetAsync<T>(string publisher, Position after, string path, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{publisher}/{path}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await token.GetAsync(ct));
        using var answer = await http.SendAsync(request, ct);
        if (answer.StatusCode == HttpStatusCode.Gone)
        {
            var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(ct);
            throw new EpochEndedException(after, problem.GetProperty("goOnAfter").Deserialize<Position>());
        }

        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadFromJsonAsync<T>(ContractJson.Options, ct)
            ?? throw new InvalidOperationException($"{publisher} has no history.");
    }
}
