namespace KkiMesh.Gateway.Tests;

public sealed class ProxyTests
{
    private static readonly string[] Production = ["--environment=Production", "--Gateway:TrustedProxies:0=127.0.0.0/8"];

    [Fact]
    public async Task A_trusted_proxy_says_where_a_request_came_from()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync([service.Address], Production);

        // What stands before the proxy's own word may be anybody's.
        var answer = await gateway.ReadAsync(Forwarded("192.0.2.1, 203.0.113.9", "https", "kki.example.org"));

        Assert.Equal((200, "max-age=31536000"), (answer.Status, answer.Header("Strict-Transport-Security")));
        var seen = Assert.Single(service.Requests).Headers;
        Assert.Equal(("203.0.113.9", "https", "kki.example.org"), (seen["X-Forwarded-For"], seen["X-Forwarded-Proto"], seen["X-Forwarded-Host"]));
        Assert.DoesNotContain(seen, h => h.Value.Contains("192.0.2.1", StringComparison.Ordinal));
        Assert.DoesNotContain(seen, h => h.Key.StartsWith("X-Original", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_chain_of_trusted_proxies_is_believed_to_its_end()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(
            [service.Address], [.. Production, "--Gateway:TrustedProxies:1=198.51.100.4", "--Gateway:AllowHttp=true"]);

        await gateway.ReadAsync(Forwarded("203.0.113.9, 198.51.100.4", "https", "kki.example.org"));

        Assert.Equal("203.0.113.9", Assert.Single(service.Requests).Headers["X-Forwarded-For"]);
    }

    [Fact]
    public async Task Nobody_else_is_believed()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(
            [service.Address], "--environment=Production", "--Gateway:TrustedProxies:0=10.0.0.1", "--Gateway:TrustedProxies:1=fd00::/8", "--Gateway:AllowHttp=true");

        await gateway.ReadAsync(Forwarded("203.0.113.9", "https", "kki.example.org"));

        var seen = Assert.Single(service.Requests).Headers;
        Assert.Equal(("127.0.0.1", "http", gateway.Http.BaseAddress!.Authority), (seen["X-Forwarded-For"], seen["X-Forwarded-Proto"], seen["X-Forwarded-Host"]));
    }

    [Fact]
    public async Task What_a_proxy_was_asked_in_the_open_is_not_served()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync([service.Address], Production);
        using var request = Forwarded("203.0.113.9", "http", "kki.example.org");
        request.Method = HttpMethod.Post;

        (await gateway.ReadAsync(request)).AssertProblem(400, "https://kki.example.org.");
        Assert.Empty(service.Requests);
    }

    [Fact]
    public async Task Who_is_to_be_believed_has_to_be_said_clearly()
    {
        await RefusedStart.Says(["--Gateway:TrustedProxies:0=proxy.example.org"], "proxy.example.org");
        await RefusedStart.Says(["--Gateway:TrustedProxies:0=0.0.0.0/0"], "0.0.0.0/0");
        await RefusedStart.Says(["--ForwardedHeaders_Enabled=true"], "Gateway:TrustedProxies");
    }

    private static HttpRequestMessage Forwarded(string address, string scheme, string host) => new(HttpMethod.Get, "/gorenjska/challenges")
    {
        Headers = { { "X-Forwarded-For", address }, { "X-Forwarded-Proto", scheme }, { "X-Forwarded-Host", host } },
    };
}
