using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KkiMesh.Gateway.Tests;

/// <summary>A request as a service got it.</summary>
internal sealed record Seen(string Method, string Target, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>A small service on a real socket, which a test can make unready, dumb or dead.</summary>
internal sealed class Backend : IAsyncDisposable
{
    private WebApplication? _app;
    private volatile string _status = "ready";
    private volatile string _document = """{ "openapi": "3.1.1", "servers": [{ "url": "http://127.0.0.1:5999" }], "paths": {} }""";

    public int Port { get; private set; }

    public string Address => $"http://127.0.0.1:{Port}";

    /// <summary>What it got under its API, in order.</summary>
    public ConcurrentQueue<Seen> Requests { get; } = new();

    /// <summary>What it says in every answer.</summary>
    public Dictionary<string, string> OwnHeaders { get; } = [];

    /// <summary>What it says of itself: ready, degraded or unready.</summary>
    public string Status { get => _status; set => _status = value; }

    public string Document { get => _document; set => _document = value; }

    public static async Task<Backend> StartAsync()
    {
        var backend = new Backend();
        await backend.ComeBackAsync();
        return backend;
    }

    /// <summary>Starts, on the port that it had before if it had one.</summary>
    public async Task ComeBackAsync()
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls", Address]);
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.Zero);
        _app = builder.Build();
        _app.MapGet("/alive", () => "alive");
        _app.MapGet("/health", () => Results.Json(
            new
            {
                status = Status,
                checks = new { database = Status == "unready" ? $"no answer from {Address}" : "ready", broker = Status },
                relay = new { events = Status == "ready" ? 0 : 7, waitedSeconds = Status == "ready" ? 0 : 70, at = Address },
            },
            statusCode: Status == "unready" ? 503 : 200));
        _app.MapGet("/openapi/v1.json", () => Results.Text(Document, "application/json"));
        _app.Map("/{region}/{service}/hang", (HttpContext http) => Task.Delay(Timeout.Infinite, http.RequestAborted));
        _app.MapFallback("{**path}", AnswerAsync);
        await _app.StartAsync();
        Port = new Uri(_app.Urls.Single()).Port;
    }

    public async Task DieAsync()
    {
        if (_app is { } app)
            await app.DisposeAsync();
        _app = null;
    }

    public async ValueTask DisposeAsync() => await DieAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        Requests.Enqueue(new Seen(
            http.Request.Method,
            http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            await reader.ReadToEndAsync(http.RequestAborted)));
        http.Response.StatusCode = http.Request.Path.Value!.EndsWith("/refused", StringComparison.Ordinal) ? 422 : 200;
        if (http.Request.Path.Value!.EndsWith("/page", StringComparison.Ordinal))
            http.Response.ContentType = "text/html; charset=utf-8";
        foreach (var (name, value) in OwnHeaders)
            http.Response.Headers[name] = value;
        http.Response.Headers["X-Served-By"] = Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await http.Response.WriteAsync("as the service wrote it", http.RequestAborted);
    }
}
