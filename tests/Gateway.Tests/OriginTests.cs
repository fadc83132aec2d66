namespace KkiMesh.Gateway.Tests;

public sealed class OriginTests
{
    private const string App = "https://app.example.org";

    [Fact]
    public async Task A_page_of_a_named_origin_may_call_and_read_what_it_needs()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(
            [service.Address], $"--Gateway:Cors:Origins:0={App}", "--Gateway:Cors:Origins:1=http://localhost:3000");

        var answer = await gateway.ReadAsync(Call(HttpMethod.Post, App));

        Assert.Equal((200, App), (answer.Status, answer.Header("Access-Control-Allow-Origin")));
        foreach (var header in (string[])["Location", "Retry-After", "WWW-Authenticate", "Idempotency-Replayed"])
            Assert.Contains(header, answer.Header("Access-Control-Expose-Headers"), StringComparison.Ordinal);
        Assert.Null(answer.Header("Access-Control-Allow-Credentials"));
        Assert.Single(service.Requests);
    }

    [Fact]
    public async Task A_page_of_a_named_origin_reads_problems_too()
    {
        await using var gateway = await RunningGateway.StartAsync(
            ["http://127.0.0.1:1"], $"--Gateway:Cors:Origins:0={App}", "--Gateway:RateLimits:PerAddress:PerSecond=0.01", "--Gateway:RateLimits:PerAddress:Burst=1");

        foreach (var status in (int[])[503, 429])
        {
            var problem = await gateway.ReadAsync(Call(HttpMethod.Get, App));
            Assert.Equal((status, App), (problem.Status, problem.Header("Access-Control-Allow-Origin")));
        }
    }

    [Fact]
    public async Task The_gateway_says_by_itself_what_such_a_page_may_send()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync([service.Address], $"--Gateway:Cors:Origins:0={App}");

        var answer = await gateway.ReadAsync(Preflight(App));

        Assert.Equal((204, App), (answer.Status, answer.Header("Access-Control-Allow-Origin")));
        Assert.Contains("POST", answer.Header("Access-Control-Allow-Methods"), StringComparison.Ordinal);
        foreach (var header in (string[])["Authorization", "Content-Type", "Idempotency-Key"])
            Assert.Contains(header, answer.Header("Access-Control-Allow-Headers"), StringComparison.Ordinal);
        Assert.Empty(service.Requests);
    }

    [Theory]
    [InlineData("https://evil.example.org")]
    [InlineData("http://app.example.org")]
    [InlineData("https://app.example.org:8443")]
    [InlineData("https://app.example.org.evil.example")]
    [InlineData("null")]
    public async Task No_other_origin_is_told_anything(string origin)
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync([service.Address], $"--Gateway:Cors:Origins:0={App}");

        AssertSilent(await gateway.ReadAsync(Call(HttpMethod.Get, origin)));
        Assert.Single(service.Requests);
        AssertSilent(await gateway.ReadAsync(Preflight(origin)));
        Assert.Single(service.Requests);
    }

    [Fact]
    public async Task By_default_there_is_no_other_origin()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(service);

        AssertSilent(await gateway.ReadAsync(Call(HttpMethod.Get, App)));
        AssertSilent(await gateway.ReadAsync(Preflight(App)));
        Assert.Single(service.Requests);
    }

    [Theory]
    [InlineData("*")]
    [InlineData("https://*.example.org")]
    [InlineData("https://app.example.org/")]
    [InlineData("https://app.example.org/page")]
    [InlineData("app.example.org")]
    [InlineData("null")]
    public async Task What_is_no_origin_is_refused_at_the_start(string origin) =>
        await RefusedStart.Says([$"--Gateway:Cors:Origins:0={App}", $"--Gateway:Cors:Origins:1={origin}"], $"Gateway:Cors:Origins has {origin},");

    private static HttpRequestMessage Call(HttpMethod method, string origin) =>
        new(method, "/gorenjska/challenges") { Headers = { { "Origin", origin }, { "Authorization", "Bearer abc" } } };

    private static HttpRequestMessage Preflight(string origin) => new(HttpMethod.Options, "/gorenjska/challenges")
    {
        Headers =
        {
            { "Origin", origin },
            { "Access-Control-Request-Method", "POST" },
            { "Access-Control-Request-Headers", "authorization,content-type,idempotency-key" },
        },
    };

    private static void AssertSilent(Read answer) =>
        Assert.DoesNotContain(answer.Headers, h => h.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase));
}
