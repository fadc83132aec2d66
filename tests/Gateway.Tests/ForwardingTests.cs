using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using KkiMesh.TestKit;

namespace KkiMesh.Gateway.Tests;

public sealed class ForwardingTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";

    [Fact]
    public async Task A_request_reaches_the_service_as_it_was_sent()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(service);
        using var command = new HttpRequestMessage(HttpMethod.Post, "/gorenjska/challenges/1/entries?q=2") { Content = new StringContent("""{"x":1}""") };
        command.Headers.Add("Authorization", "Bearer abc");
        command.Headers.Add("Idempotency-Key", "k-1");
        command.Headers.Add("traceparent", $"00-{TraceId}-b7ad6b7169203331-01");

        var answer = await gateway.ReadAsync(command);

        Assert.Equal((200, "as the service wrote it"), (answer.Status, answer.Body));
        var seen = Assert.Single(service.Requests);
        Assert.Equal(("POST", "/gorenjska/challenges/1/entries?q=2", """{"x":1}"""), (seen.Method, seen.Target, seen.Body));
        Assert.Equal(("Bearer abc", "k-1"), (seen.Headers["Authorization"], seen.Headers["Idempotency-Key"]));
        Assert.StartsWith($"00-{TraceId}-", seen.Headers["traceparent"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/gorenjska/challenges")]
    [InlineData("/gorenjska/challenges/")]
    [InlineData("/jugovzhodna-2/challenges/entries/1.json?at=2026-01-01T00:00:00%2B01:00")]
    [InlineData("/gorenjska/challenges/a%20b/c%2Fd%2541/%C5%BE;x=1,2?q=%C5%BE&q=a+b")]
    [InlineData("/gorenjska/challenges/../challenges/./%2e%2e/challenges/x")]
    public async Task The_rest_of_an_address_may_be_anything(string path)
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(service);

        Assert.Equal(200, (await gateway.ReadVerbatimAsync(path)).Status);
        Assert.Equal(path, Assert.Single(service.Requests).Target);
    }

    [Fact]
    public async Task A_refusal_by_the_service_is_passed_on_as_it_is()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(service);

        var answer = await gateway.ReadAsync("/gorenjska/challenges/refused");

        Assert.Equal((422, "as the service wrote it"), (answer.Status, answer.Body));
    }

    [Theory]
    [InlineData("/gorenjska/nothing/rows")]
    [InlineData("/gorenjska/challenges/../../health2")]
    [InlineData("/gorenjska/challenges/%2e%2e/%2e%2e/alive2")]
    [InlineData("/gorenjska/nothing.json")]
    [InlineData("/gorenjska")]
    [InlineData("/9orenjska/challenges/x")]
    [InlineData("/gor_enjska/challenges/x")]
    [InlineData("/Gorenjska/challenges/x")]
    [InlineData("/a1234567890123456789012345678901234567890123/challenges")]
    public async Task What_is_nowhere_is_a_problem_that_names_the_services(string path)
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync([service.Address], "--Gateway:Services:1=funding");

        (await gateway.ReadVerbatimAsync(path)).AssertProblem(404, "the services are challenges, funding");
        Assert.Empty(service.Requests);
    }

    [Fact]
    public async Task Nobody_forges_where_a_request_came_from()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(service);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/gorenjska/challenges");
        foreach (var name in (string[])["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "x-forwarded-prefix", "X-Forwarded-Port", "Forwarded", "X-Real-IP", "X-Original-For"])
            request.Headers.TryAddWithoutValidation(name, "198.51.100.7");

        await gateway.ReadAsync(request);

        var headers = Assert.Single(service.Requests).Headers;
        Assert.DoesNotContain(headers, h => h.Value.Contains("198.51.100.7", StringComparison.Ordinal));
        Assert.Equal(("127.0.0.1", "http", gateway.Http.BaseAddress!.Authority), (headers["X-Forwarded-For"], headers["X-Forwarded-Proto"], headers["X-Forwarded-Host"]));
    }

    [Fact]
    public async Task A_service_that_is_down_is_a_problem_at_once()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(service);
        await service.DieAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/gorenjska/challenges");
        request.Headers.Add("traceparent", $"00-{TraceId}-b7ad6b7169203331-01");
        var clock = Stopwatch.StartNew();

        var answer = await gateway.ReadAsync(request);

        answer.AssertProblem(503, "challenges");
        Assert.Equal(TraceId, (string?)answer.Json["traceId"]);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 3);
    }

    [Fact]
    public async Task A_service_that_hangs_is_a_problem_after_the_set_time()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync([service.Address], "--Gateway:TimeoutSeconds=1");
        var clock = Stopwatch.StartNew();

        (await gateway.ReadAsync("/gorenjska/challenges/hang")).AssertProblem(504, "challenges");

        Assert.InRange(clock.Elapsed.TotalSeconds, 0.9, 5);
        Assert.Equal(200, (await gateway.ReadAsync("/gorenjska/challenges")).Status);
    }

    [Fact]
    public async Task A_service_that_takes_no_connection_is_a_problem_after_the_set_time()
    {
        // A full queue of connections that nobody accepts: the next one is neither taken nor refused.
        using var deaf = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        deaf.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        deaf.Listen(0);
        using var first = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await first.ConnectAsync(deaf.LocalEndPoint!, TestContext.Current.CancellationToken);
        await using var gateway = await RunningGateway.StartAsync([$"http://{deaf.LocalEndPoint}"], "--Gateway:ConnectTimeoutSeconds=1");
        var clock = Stopwatch.StartNew();

        (await gateway.ReadAsync("/gorenjska/challenges")).AssertProblem(503, "challenges");

        Assert.InRange(clock.Elapsed.TotalSeconds, 0.5, 5);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_that_is_too_large_is_a_problem(bool isChunked)
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync([service.Address], "--Gateway:MaxBodyBytes=100000");
        var fits = isChunked ? 99_000 : 100_000; // the sizes of chunks count, too

        (await gateway.ReadAsync(Post(100_001, isChunked))).AssertProblem(413, "100000");
        Assert.Empty(service.Requests);
        Assert.Equal(200, (await gateway.ReadAsync(Post(fits, isChunked))).Status);
        Assert.Equal(fits, Assert.Single(service.Requests).Body.Length);
    }

    [Fact]
    public async Task By_default_a_body_is_at_most_1_MiB()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(service);

        (await gateway.ReadAsync(Post((1 << 20) + 1, isChunked: false))).AssertProblem(413, "1048576");
        (await gateway.ReadAsync(Post(20 << 20, isChunked: false))).AssertProblem(413, "1048576");
        Assert.Equal(200, (await gateway.ReadAsync(Post(1 << 20, isChunked: false))).Status);
    }

    [Fact]
    public async Task Headers_are_limited()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(service);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/gorenjska/challenges");
        request.Headers.Add("X-Long", new string('x', 17 * 1024));

        Assert.Equal(431, (await gateway.ReadAsync(request)).Status);
        Assert.Empty(service.Requests);
    }

    [Fact]
    public async Task Replicas_take_turns_and_when_one_dies_the_others_serve_on()
    {
        await using var one = await Backend.StartAsync();
        await using var two = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(one, two);
        await ReadManyAsync(gateway, 10);
        Assert.Equal((5, 5), (one.Requests.Count, two.Requests.Count));

        await one.DieAsync();
        var failed = await ReadManyAsync(gateway, 40);
        Assert.Equal(0, failed);

        await one.ComeBackAsync();
        var before = one.Requests.Count;
        await Eventually.Is(() => ReadManyAsync(gateway, 2), failures => failures == 0 && one.Requests.Count > before);
    }

    [Fact]
    public async Task A_service_that_comes_back_is_served_again_at_once()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(service);
        await service.DieAsync();
        Assert.Equal(3, await ReadManyAsync(gateway, 3));

        await service.ComeBackAsync();

        Assert.Equal(0, await ReadManyAsync(gateway, 3));
    }

    [Fact]
    public async Task A_replica_that_is_announced_later_gets_its_share()
    {
        await using var one = await Backend.StartAsync();
        await using var two = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(one);
        Assert.Equal(0, await ReadManyAsync(gateway, 2));

        gateway.Add(two);

        await Eventually.Is(() => ReadManyAsync(gateway, 2), failed => failed == 0 && !two.Requests.IsEmpty);
    }

    private static async Task<int> ReadManyAsync(RunningGateway gateway, int times)
    {
        var failed = 0;
        for (var i = 0; i < times; i++)
            failed += (await gateway.ReadAsync("/gorenjska/challenges")).Status == 200 ? 0 : 1;
        return failed;
    }

    private static HttpRequestMessage Post(int length, bool isChunked)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/gorenjska/challenges") { Content = new StringContent(new string('x', length)) };
        request.Headers.TransferEncodingChunked = isChunked;
        return request;
    }
}
