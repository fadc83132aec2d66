namespace KkiMesh.Gateway.Tests;

public sealed class RateLimitTests
{
    // Two at once, the next one after 100 seconds: as good as never for a test.
    private static string[] Slow(string name) => [$"--Gateway:RateLimits:{name}:PerSecond=0.01", $"--Gateway:RateLimits:{name}:Burst=2"];

    [Fact]
    public async Task An_address_that_asks_too_often_is_told_when_to_ask_again()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync([service.Address], Slow("PerAddress"));

        await AssertStatusesAsync(gateway, () => new(HttpMethod.Get, "/gorenjska/challenges"), 200, 200, 429);
        var refused = await gateway.ReadAsync("/gorenjska/challenges");
        refused.AssertProblem(429, "try again in");
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 50, 101);
        Assert.Equal(2, service.Requests.Count);
        await AssertStatusesAsync(gateway, () => new(HttpMethod.Get, "/alive"), 200, 200, 200);
        await AssertStatusesAsync(gateway, () => new(HttpMethod.Get, "/health"), 200, 200, 200);
    }

    [Theory]
    [InlineData("203.0.113.9", "203.0.113.10", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("::ffff:203.0.113.9", "::ffff:203.0.113.10", false)]
    [InlineData("::ffff:203.0.113.9", "203.0.113.9", true)]
    public async Task Each_address_is_counted_for_itself_and_a_network_of_IPv6_as_one(string one, string two, bool isOne)
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(
            [service.Address], [.. Slow("PerAddress"), "--Gateway:TrustedProxies:0=127.0.0.1", "--Gateway:AllowHttp=true"]);

        await AssertStatusesAsync(gateway, () => From(one), 200, 200, 429);
        await AssertStatusesAsync(gateway, () => From(two), isOne ? 429 : 200);
    }

    [Theory]
    [InlineData("POST", "/connect/token", true)]
    [InlineData("POST", "/Connect/Token/", true)]
    [InlineData("POST", "/connect/introspect", true)]
    [InlineData("GET", "/connect/authorize?client_id=mesh", true)]
    [InlineData("POST", "/account/sign-in", true)]
    [InlineData("GET", "/account/sign-in", false)]
    [InlineData("GET", "/connect/userinfo", false)]
    [InlineData("POST", "/gorenjska/challenges", false)]
    public async Task Where_secrets_could_be_guessed_fewer_requests_are_taken(string method, string path, bool isLimited)
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync([service.Address], [.. Slow("SignIn"), .. Identity(service)]);

        await AssertStatusesAsync(gateway, () => new(new HttpMethod(method), path), 200, 200, isLimited ? 429 : 200);
        await AssertStatusesAsync(gateway, () => new(HttpMethod.Get, "/gorenjska/challenges"), 200);
    }

    [Fact]
    public async Task A_token_is_counted_wherever_it_comes_from()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(
            [service.Address], [.. Slow("PerToken"), "--Gateway:TrustedProxies:0=127.0.0.1", "--Gateway:AllowHttp=true"]);

        await AssertStatusesAsync(gateway, () => From("203.0.113.9", "Bearer abc"), 200, 200);
        await AssertStatusesAsync(gateway, () => From("203.0.113.10", "bearer  abc"), 429);
        await AssertStatusesAsync(gateway, () => From("203.0.113.9", "Bearer abd"), 200);
        await AssertStatusesAsync(gateway, () => From("203.0.113.9"), 200, 200, 200);
    }

    [Fact]
    public async Task By_default_sign_in_is_limited_and_in_Development_nothing_is()
    {
        await using var service = await Backend.StartAsync();
        await using var development = await RunningGateway.StartAsync([service.Address], Identity(service));
        await using var production = await RunningGateway.StartAsync(
            [service.Address], [.. Identity(service), "--environment=Production", "--Gateway:AllowHttp=true"]);

        Assert.All(await StatusesAsync(development, 300, SignIn), status => Assert.Equal(200, status));
        var statuses = await StatusesAsync(production, 300, SignIn);
        Assert.All(statuses[..30], status => Assert.Equal(200, status));
        Assert.Contains(429, statuses);

        static HttpRequestMessage SignIn() => new(HttpMethod.Post, "/account/sign-in");
    }

    [Fact]
    public async Task What_is_no_limit_is_refused_at_the_start()
    {
        await RefusedStart.Says(["--Gateway:RateLimits:SignIn:PerSecond=-1"], "Gateway:RateLimits:SignIn");
        await RefusedStart.Says(["--Gateway:RateLimits:PerAddress:Burst=0"], "Gateway:RateLimits:PerAddress");
    }

    private static string[] Identity(Backend service) => ["--Gateway:Services:1=identity", $"--services:identity:http:0={service.Address}"];

    private static HttpRequestMessage From(string address, string? authorization = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/gorenjska/challenges") { Headers = { { "X-Forwarded-For", address } } };
        if (authorization is not null)
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        return request;
    }

    private static async Task AssertStatusesAsync(RunningGateway gateway, Func<HttpRequestMessage> request, params int[] statuses) =>
        Assert.Equal(statuses, await StatusesAsync(gateway, statuses.Length, request));

    private static async Task<int[]> StatusesAsync(RunningGateway gateway, int times, Func<HttpRequestMessage> request)
    {
        var statuses = new int[times];
        for (var i = 0; i < times; i++)
            statuses[i] = (await gateway.ReadAsync(request())).Status;
        return statuses;
    }
}
