using System.Collections.Concurrent;
using System.Net;
using KkiMesh.TestKit;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace KkiMesh.Gateway.Tests;

public sealed class HttpsTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_gateway_shows_its_certificate_with_the_chain_above_it(bool isPem)
    {
        using var own = new OwnCertificate();
        await using var service = await Backend.StartAsync();
        string[] pkcs12 = [.. own.Pem[..2], $"--Gateway:Certificate:Path={own.Pkcs12Path}", "--Gateway:Certificate:Password=secret"];
        await using var gateway = await RunningGateway.StartAsync([service.Address], isPem ? own.Pem : pkcs12);
        using var client = own.Client(gateway.Https);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/gorenjska/challenges") { Headers = { Host = "kki.example.org" } };

        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("max-age=31536000", Assert.Single(answer.Headers.GetValues("Strict-Transport-Security")));
        var seen = Assert.Single(service.Requests).Headers;
        Assert.Equal(("https", "kki.example.org"), (seen["X-Forwarded-Proto"], seen["X-Forwarded-Host"]));
    }

    [Fact]
    public async Task A_renewed_certificate_needs_no_restart_and_a_broken_one_changes_nothing()
    {
        using var own = new OwnCertificate();
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var gateway = await RunningGateway.StartAsync(time, ["http://127.0.0.1:1"], own.Pem);
        using var log = new Heard();
        gateway.Listen(log);
        var first = own.Newest.Thumbprint;
        Assert.Equal(first, await own.ShownAsync(gateway.Https));

        await File.WriteAllTextAsync(own.Path, "-----BEGIN CERTIFICATE-----\nhalf", TestContext.Current.CancellationToken);
        await Eventually.Is(() => PassMinuteAsync(time), _ => log.Lines.Any(l => l.Contains("cannot be read again", StringComparison.Ordinal)));
        Assert.Equal(first, await own.ShownAsync(gateway.Https));

        own.Renew();
        await Eventually.Is(() => PassMinuteAsync(time), _ => log.Lines.Any(l => l.Contains("was renewed", StringComparison.Ordinal)));
        Assert.NotEqual(first, own.Newest.Thumbprint);
        Assert.Equal(own.Newest.Thumbprint, await own.ShownAsync(gateway.Https));
    }

    [Fact]
    public async Task What_is_read_over_HTTP_is_sent_on_to_HTTPS()
    {
        using var own = new OwnCertificate();
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync([service.Address], [.. own.Pem, "--Gateway:HttpsPort=8443"]);
        using var client = own.Client(gateway.Http.BaseAddress!);

        using var answer = await client.GetAsync("/gorenjska/challenges/a%20b?q=%C5%BE", TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode)308, answer.StatusCode);
        Assert.Equal("https://127.0.0.1:8443/gorenjska/challenges/a%20b?q=%C5%BE", answer.Headers.Location!.OriginalString);
        Assert.False(answer.Headers.Contains("Strict-Transport-Security"));
        Assert.Empty(service.Requests);
    }

    [Fact]
    public async Task What_is_secret_is_refused_over_HTTP_and_not_sent_on()
    {
        using var own = new OwnCertificate();
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync([service.Address], own.Pem);
        using var read = new HttpRequestMessage(HttpMethod.Get, "/gorenjska/challenges") { Headers = { { "Authorization", "Bearer abc" } } };
        using var command = new HttpRequestMessage(HttpMethod.Post, "/gorenjska/challenges") { Content = new StringContent("{}") };

        (await gateway.ReadAsync(command)).AssertProblem(400, "https://127.0.0.1.");
        (await gateway.ReadAsync(read)).AssertProblem(400, "HTTPS only");
        Assert.Empty(service.Requests);
    }

    [Fact]
    public async Task Who_asks_for_health_alone_may_use_HTTP()
    {
        using var own = new OwnCertificate();
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync([service.Address], own.Pem);

        Assert.Equal(200, (await gateway.ReadAsync("/alive")).Status);
        Assert.Equal(200, (await gateway.ReadAsync("/health")).Status);
    }

    [Fact]
    public async Task Outside_Development_a_start_without_encryption_is_refused_unless_it_is_wanted()
    {
        await RefusedStart.Says(["--environment=Production"], "Gateway:Certificate:Path");
        await RefusedStart.Says(["--environment=Production", "--Gateway:AllowHttp=true", "--Gateway:HttpsPort=0"], "Gateway:HttpsPort");

        await using var gateway = await RunningGateway.StartAsync(["http://127.0.0.1:1"], "--environment=Production", "--Gateway:AllowHttp=true");
        Assert.Equal(404, (await gateway.ReadAsync("/nothing")).Status);
    }

    [Fact]
    public async Task A_certificate_that_cannot_be_used_is_refused_at_the_start()
    {
        using var own = new OwnCertificate();
        using var other = new OwnCertificate();

        await RefusedStart.Says([.. own.Pem, "--Gateway:Certificate:Path=/nowhere/chain.pem"], "/nowhere/chain.pem");
        await RefusedStart.Says([.. own.Pem, "--Gateway:Certificate:Path=/nowhere/chain.p12", "--Gateway:Certificate:KeyPath="], "/nowhere/chain.p12");
        await RefusedStart.Says([.. own.Pem, $"--Gateway:Certificate:KeyPath={other.KeyPath}"], own.Path);
        await RefusedStart.Says([.. own.Pem, "--Gateway:Certificate:KeyPath="], own.Path);
        await RefusedStart.Says([.. own.Pem[..2], $"--Gateway:Certificate:Path={own.Pkcs12Path}", "--Gateway:Certificate:Password=wrong"], own.Pkcs12Path);
    }

    private static Task<bool> PassMinuteAsync(FakeTimeProvider time)
    {
        time.Advance(TimeSpan.FromMinutes(1));
        return Task.FromResult(true);
    }

    private sealed class Heard : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}

internal static class RefusedStart
{
    /// <summary>A start with these settings is refused with a sentence that has these words.</summary>
    public static async Task Says(string[] settings, string words)
    {
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await using var gateway = await RunningGateway.StartAsync(["http://127.0.0.1:1"], settings);
        });
        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
    }
}
