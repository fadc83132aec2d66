using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using KkiMesh.AppHost;

namespace KkiMesh.Demo;

/// <summary>The mesh as an outsider sees it: its gateway, and its demo accounts, who really sign in.</summary>
internal sealed class Mesh(Uri gateway) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri(gateway, "/gorenjska/"), Timeout = TimeSpan.FromSeconds(30) };
    private readonly DemoTokens _tokens = new(gateway);

    public async Task<JsonNode> Get(string path, string? role = null) => JsonNode.Parse(await Read(path, role))!;

    /// <summary>The last of the lines that are answered, e.g. a verification's result.</summary>
    public async Task<JsonNode> Last(string path, string role) =>
        JsonNode.Parse((await Read(path, role)).Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1])!;

    /// <summary>Sends a command, with a key of its own.</summary>
    public async Task<(HttpStatusCode Status, JsonNode Body)> Send(string role, string path, object? body = null, HttpMethod? method = null)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Post, path);
        request.Headers.Authorization = await Token(role);
        request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
        request.Content = body is null ? null : JsonContent.Create(body);
        var answer = await _http.SendAsync(request);
        return (answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonNode>())!);
    }

    /// <summary>Sends a command that is expected to be done.</summary>
    public async Task<JsonNode> Do(string role, string path, object? body = null, HttpMethod? method = null)
    {
        var (status, answer) = await Send(role, path, body, method);
        return (int)status < 300 ? answer : throw new DemoException($"{path} answers {(int)status}: {answer["detail"]}");
    }

    /// <summary>Somebody gets a role, for one thing or for the whole region; their next token says so.</summary>
    public async Task Give(string who, string role, string? of = null, string by = "coordinator")
    {
        await Do(by, "identity/grants", new { email = $"{who}@example.org", role, of });
        _tokens.Renew(who);
    }

    public void Dispose()
    {
        _http.Dispose();
        _tokens.Dispose();
    }

    private async Task<string> Read(string path, string? role)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (role is not null)
            request.Headers.Authorization = await Token(role);
        var answer = await _http.SendAsync(request);
        return answer.IsSuccessStatusCode
            ? await answer.Content.ReadAsStringAsync()
            : throw new DemoException($"GET {path} answers {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
    }

    private async Task<AuthenticationHeaderValue> Token(string who) => new("Bearer", await _tokens.ForAsync(who));
}

/// <summary>Something that the demo expects did not happen.</summary>
internal sealed class DemoException(string message) : Exception(message);
