using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KkiMesh.Gateway.Tests;

/// <summary>The real gateway on a real socket.</summary>
internal sealed class RunningGateway : IAsyncDisposable
{
    private readonly WebApplication _app;

    private RunningGateway(WebApplication app)
    {
        _app = app;

        // A client without a trace of its own: the gateway's telemetry would
        // otherwise trace this process's clients as well.
        Http = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null, UseProxy = false })
        {
            BaseAddress = new Uri(app.Urls.First(url => url.StartsWith("http:", StringComparison.Ordinal))),
            Timeout = TimeSpan.FromSeconds(20),
        };
    }

    public HttpClient Http { get; }

    /// <summary>
    /// Where it speaks HTTP/2 without TLS, where it is set up so: Kestrel takes endpoints in the order of their names.
    /// </summary>
    public Uri Http2 => new(_app.Urls.Last(url => url.StartsWith("http:", StringComparison.Ordinal)));

    /// <summary>Where it speaks HTTPS.</summary>
    public Uri Https => new(_app.Urls.First(url => url.StartsWith("https:", StringComparison.Ordinal)));

    /// <summary>
    /// Starts it before the service challenges, which has these addresses;
    /// further settings may name more, or other ones.
    /// </summary>
    public static Task<RunningGateway> StartAsync(IEnumerable<string> challenges, params string[] settings) => StartAsync(TimeProvider.System, challenges, settings);

    public static async Task<RunningGateway> StartAsync(TimeProvider time, IEnumerable<string> challenges, params string[] settings)
    {
        var app = GatewayApp.Build(
            [
                "--environment=Development",
                "--urls=http://127.0.0.1:0",
                "--Gateway:Services:0=challenges",
                .. challenges.Select((address, index) => $"--services:challenges:http:{index}={address}"),
                .. settings,
            ],
            time);
        await app.StartAsync();
        return new RunningGateway(app);
    }

    public static Task<RunningGateway> StartAsync(params Backend[] challenges) => StartAsync(challenges.Select(b => b.Address));

    /// <summary>Tells it of a further replica while it runs.</summary>
    public void Add(Backend replica)
    {
        _app.Configuration["services:challenges:http:1"] = replica.Address;
        ((IConfigurationRoot)_app.Configuration).Reload();
    }

    /// <summary>Hears what it logs from now on.</summary>
    public void Listen(ILoggerProvider to) => _app.Services.GetRequiredService<ILoggerFactory>().AddProvider(to);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}

/// <summary>An answer that is read to its end.</summary>
internal sealed record Read(int Status, string? Type, string Body, HttpResponseHeaders Headers)
{
    public JsonNode Json => JsonNode.Parse(Body)!;

    public string Detail => (string)Json["detail"]!;

    /// <summary>A header's value; null where it is missing.</summary>
    public string? Header(string name) => Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;
}

internal static class Reading
{
    public static Task<Read> ReadAsync(this RunningGateway gateway, string path) => gateway.ReadAsync(new HttpRequestMessage(HttpMethod.Get, path));

    /// <summary>Reads an address to the letter; a client's own tidying of dots and escapes is off.</summary>
    public static Task<Read> ReadVerbatimAsync(this RunningGateway gateway, string path) => gateway.ReadAsync(new HttpRequestMessage(
        HttpMethod.Get, new Uri(gateway.Http.BaseAddress!.ToString().TrimEnd('/') + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true })));

    public static async Task<Read> ReadAsync(this RunningGateway gateway, HttpRequestMessage request)
    {
        using (request)
        {
            using var answer = await gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
            var body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            return new Read((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, body, answer.Headers);
        }
    }

    public static void AssertProblem(this Read answer, int status, string words)
    {
        Assert.Equal((status, "application/problem+json"), (answer.Status, answer.Type));
        Assert.Contains(words, answer.Detail, StringComparison.Ordinal);
        Assert.Matches("^[0-9a-f]{32}$", (string)answer.Json["traceId"]!);
        Assert.Equal(status is 429 or 503 or 504, answer.Headers.RetryAfter is not null);
    }
}
