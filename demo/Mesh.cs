using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using KkiMesh.AppHost;

namespace KkiMesh.Demo;

/// <summary>The mesh as an outsider sees it: its gateway, and a token for each role.</summary>
internal sealed class Mesh(Uri gateway, string key) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri(gateway, "/gorenjska/"), Timeout = TimeSpan.FromSeconds(30) };

    public async Task<JsonNode> Get(string path, string? role = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (role is not null)
            request.Headers.Authorization = Token(role);
        var answer = await _http.SendAsync(request);
        return answer.IsSuccessStatusCode
            ? (await answer.Content.ReadFromJsonAsync<JsonNode>())!
            : throw new DemoException($"GET {path} answers {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
    }

    /// <summary>Sends a command, with a key of its own.</summary>
    public async Task<(HttpStatusCode Status, JsonNode Body)> Send(string role, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Headers.Authorization = Token(role);
        request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
        request.Content = body is null ? null : JsonContent.Create(body);
        var answer = await _http.SendAsync(request);
        return (answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonNode>())!);
    }

    /// <summary>Sends a command that is expected to be done.</summary>
    public async Task<JsonNode> Do(string role, string path, object? body = null)
    {
        var (status, answer) = await Send(role, path, body);
        return (int)status < 300 ? answer : throw new DemoException($"{path} answers {(int)status}: {answer["detail"]}");
    }

    public void Dispose() => _http.Dispose();

    private AuthenticationHeaderValue Token(string who) =>
        new("Bearer", Tokens.Create(key, $"demo-{who}", "gorenjska", TimeProvider.System.GetUtcNow(), who.Split('-')[0]));
}

/// <summary>Something that the demo expects did not happen.</summary>
internal sealed class DemoException(string message) : Exception(message);
