using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using KkiMesh.TestKit;

namespace KkiMesh.Gateway.Tests;

public sealed class OverviewTests
{
    [Fact]
    public async Task The_gateway_is_alive_without_any_service()
    {
        await using var gateway = await RunningGateway.StartAsync(["http://127.0.0.1:1"]);

        Assert.Equal(200, (await gateway.ReadAsync("/alive")).Status);
    }

    [Fact]
    public async Task Health_tells_of_every_replica()
    {
        await using var one = await Backend.StartAsync();
        await using var two = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(one, two);

        await AssertHealth(gateway, 200, "ready", "ready", "ready", "ready");

        one.Status = "unready";
        await AssertHealth(gateway, 200, "ready", "ready", "unready", "ready");

        two.Status = "unready";
        await AssertHealth(gateway, 503, "unready", "unready", "unready", "unready");

        await one.DieAsync();
        await AssertHealth(gateway, 503, "unready", "unready", "down", "unready");

        await two.DieAsync();
        await AssertHealth(gateway, 503, "unready", "down", "down", "down");
    }

    [Fact]
    public async Task A_service_that_takes_commands_and_cannot_relay_is_degraded_which_is_no_failure_and_tells_its_lag()
    {
        await using var one = await Backend.StartAsync();
        await using var two = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(one, two);

        one.Status = "degraded";
        await AssertHealth(gateway, 200, "ready", "ready", "degraded", "ready");
        two.Status = "degraded";
        await AssertHealth(gateway, 200, "degraded", "degraded", "degraded", "degraded");
        two.Status = "unready";
        await AssertHealth(gateway, 200, "degraded", "degraded", "degraded", "unready");

        var replica = (await gateway.ReadAsync("/health")).Json["services"]!["challenges"]!["replicas"]![0]!;
        Assert.Equal("degraded", (string?)replica["checks"]!["broker"]);
        Assert.Equal("""{"events":7,"waitedSeconds":70}""", replica["relay"]!.ToJsonString());
    }

    [Fact]
    public async Task What_a_service_says_in_other_words_is_unready()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(service);

        service.Status = "well, look at 10.0.0.7";

        await AssertHealth(gateway, 503, "unready", "unready", "unready");
    }

    [Fact]
    public async Task Each_service_needs_a_ready_replica()
    {
        await using var one = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync([one.Address], "--Gateway:Services:1=funding", "--services:funding:http:0=http://127.0.0.1:1");

        var health = await gateway.ReadAsync("/health");

        Assert.Equal((503, "unready"), (health.Status, (string?)health.Json["status"]));
        Assert.Equal("ready", (string?)health.Json["services"]!["challenges"]!["status"]);
        Assert.Equal("down", (string?)health.Json["services"]!["funding"]!["status"]);
    }

    [Fact]
    public async Task The_API_of_a_service_is_told_as_the_gateways_own()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(service);

        var document = await gateway.ReadAsync("/openapi/challenges.json");

        Assert.Equal((200, "application/json"), (document.Status, document.Type));
        Assert.Equal("""[{"url":"/"}]""", document.Json["servers"]!.ToJsonString());
        Assert.Equal("3.1.1", (string?)document.Json["openapi"]);
    }

    [Fact]
    public async Task An_API_that_cannot_be_told_is_a_problem()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(service);

        (await gateway.ReadAsync("/openapi/nothing.json")).AssertProblem(404, "the services are challenges");

        service.Document = "not JSON";
        (await gateway.ReadAsync("/openapi/challenges.json")).AssertProblem(503, "challenges");

        await service.DieAsync();
        (await gateway.ReadAsync("/openapi/challenges.json")).AssertProblem(503, "challenges");
    }

    [Fact]
    public async Task One_page_shows_every_API_and_needs_nothing_from_outside()
    {
        await using var gateway = await RunningGateway.StartAsync(["http://127.0.0.1:1"], "--Gateway:Services:1=funding");

        var page = await gateway.ReadAsync("/");

        Assert.Equal((200, "text/html"), (page.Status, page.Type));
        Assert.Contains("openapi/challenges.json", page.Body, StringComparison.Ordinal);
        Assert.Contains("openapi/funding.json", page.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("//", page.Body.Replace(gateway.Http.BaseAddress!.ToString(), "/", StringComparison.Ordinal), StringComparison.Ordinal);
        foreach (var source in Regex.Matches(page.Body, "(?<=(src|href)=\")[^\"]+", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Select(m => m.Value))
            Assert.Equal(200, (await gateway.ReadAsync("/docs/" + source)).Status);

        // The program knows outside addresses; the browser is to use none: no source but the gateway, for anything.
        var policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"[.*/]|https?:", policy);
    }

    [Fact]
    public async Task The_page_lets_somebody_sign_in_and_comes_back_to_an_address_of_the_gateway()
    {
        await using var gateway = await RunningGateway.StartAsync(["http://127.0.0.1:1"]);

        var page = await gateway.ReadAsync("/docs");
        var configuration = Assert.Single(page.Body.Split('\n'), line => line.Contains("\"authentication\"", StringComparison.Ordinal)).Trim().TrimEnd(',');

        var flow = JsonNode.Parse(configuration)!["authentication"]!["securitySchemes"]!["sign-in"]!["flows"]!["authorizationCode"]!;
        Assert.Equal(("mesh", "SHA-256"), ((string?)flow["x-scalar-client-id"], (string?)flow["x-usePkce"]));
        Assert.Equal(["openid", "kkimesh"], flow["selectedScopes"]!.AsArray().Select(s => (string?)s));
        var back = new Uri((string)flow["x-scalar-redirect-uri"]!);
        Assert.Equal(new Uri(gateway.Http.BaseAddress!, "/docs/signed-in"), back);
        Assert.Equal(200, (await gateway.ReadAsync(back.PathAndQuery + "?code=abc&state=def")).Status);
    }

    private static async Task AssertHealth(RunningGateway gateway, int status, string overall, string service, params string[] replicas)
    {
        var health = await gateway.ReadAsync("/health").WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        var challenges = health.Json["services"]!["challenges"]!;

        Assert.Equal((status, overall, service), (health.Status, (string?)health.Json["status"], (string?)challenges["status"]));
        Assert.Equal(replicas, challenges["replicas"]!.AsArray().Select(r => (string?)r!["status"]));
        Assert.Equal(
            replicas.Where(r => r != "down"),
            challenges["replicas"]!.AsArray().Select(r => (string?)r!["checks"]!["broker"]).OfType<string>());
        Assert.DoesNotContain("127.0.0.1", health.Body, StringComparison.Ordinal);
    }
}
