using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace KkiMesh.TestKit;

/// <summary>An answer.</summary>
/// <param name="Status">Its status.</param>
/// <param name="Body">Its JSON; null where it has none.</param>
/// <param name="Headers">Its headers.</param>
public sealed record Answer(HttpStatusCode Status, JsonNode? Body, HttpResponseHeaders Headers)
{
    /// <summary>The problem's sentence.</summary>
    public string? Detail => (string?)Body?["detail"];

    /// <summary>Whether it is the answer of <c>/health</c> where all is well.</summary>
    public bool IsReady => Status == HttpStatusCode.OK && (string?)Body?["status"] == "ready";

    /// <summary>Whether a service is started: all is ready, apart from streams that may be closed.</summary>
    public bool IsStarted => Status == HttpStatusCode.OK
        && Body?["checks"]?.AsObject().All(check => check.Key == "streams" || (string?)check.Value == "ready") == true;
}

/// <summary>A client of a service or the gateway.</summary>
/// <param name="address">Where.</param>
/// <param name="token">Gives a token for somebody who is called by their role, e.g. <c>juror-2</c>.</param>
/// <param name="connections">Its connections; by default those of everybody.</param>
public sealed class Client(Uri address, Func<string, Task<string>> token, HttpMessageHandler? connections = null) : IDisposable
{
    private readonly HttpClient _http = new(connections ?? new HttpClientHandler()) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) };

    /// <summary>A client with a foreign issuer's tokens, good in a region.</summary>
    public Client(Uri address, Issuer issuer, string region = "gorenjska")
        : this(address, who => Task.FromResult(issuer.Token(who, region)))
    {
    }

    /// <summary>Where it sends to.</summary>
    public string AddressOf => address.ToString();

    /// <summary>Sends a request.</summary>
    /// <param name="method">The HTTP method.</param>
    /// <param name="path">The path, from the root.</param>
    /// <param name="role">The token's role, and, after a dash, whose it is, and, after a
    /// slash, what it is good for; null sends none.</param>
    /// <param name="body">The JSON body; a string is sent as it is.</param>
    /// <param name="idempotencyKey">The key; null sends none.</param>
    /// <param name="traceParent">The trace that the request belongs to.</param>
    public async Task<Answer> SendAsync(
        HttpMethod method, string path, string? role = null, object? body = null, string? idempotencyKey = null, string? traceParent = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (role is not null)
            request.Headers.Authorization = new("Bearer", await token(role));
        if (traceParent is not null)
            request.Headers.Add("traceparent", traceParent);
        if (idempotencyKey is not null)
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        request.Content = body switch
        {
            null => null,
            string text => new StringContent(text, System.Text.Encoding.UTF8, "application/json"),
            _ => JsonContent.Create(body),
        };
        using var answer = await _http.SendAsync(request);
        var content = await answer.Content.ReadAsStringAsync();
        var isJson = answer.Content.Headers.ContentType?.MediaType?.Contains("json", StringComparison.Ordinal) == true;
        return new Answer(answer.StatusCode, isJson && content.Length > 0 ? JsonNode.Parse(content) : null, answer.Headers);
    }

    /// <summary>Reads.</summary>
    public Task<Answer> GetAsync(string path, string? role = null) => SendAsync(HttpMethod.Get, path, role);

    /// <summary>Sends a command with a key of its own, or the given one.</summary>
    public Task<Answer> PostAsync(string path, string role, object? body = null, string? idempotencyKey = null, string? traceParent = null) =>
        SendAsync(HttpMethod.Post, path, role, body, idempotencyKey ?? Guid.NewGuid().ToString(), traceParent);

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();
}

/// <summary>Waits for conditions.</summary>
public static class Eventually
{
    /// <summary>Waits until something holds; fails with its last state after a time.</summary>
    /// <param name="read">Reads the state.</param>
    /// <param name="holds">Whether it is as wanted.</param>
    /// <param name="seconds">How long to wait.</param>
    public static async Task<T> Is<T>(Func<Task<T>> read, Func<T, bool> holds, int seconds = 30)
    {
        var end = TimeProvider.System.GetUtcNow().AddSeconds(seconds);
        while (true)
        {
            var state = await read();
            if (holds(state))
                return state;
            if (TimeProvider.System.GetUtcNow() > end)
                throw new TimeoutException($"It did not become so within {seconds} s; the last state was {state}.");
            await Task.Delay(50);
        }
    }
}
