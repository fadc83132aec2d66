using System.Text.RegularExpressions;

namespace KkiMesh.Gateway.Tests;

public sealed class AnswerHeaderTests
{
    private const string Data = "default-src 'none'; frame-ancestors 'none'";
    private const string Page = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

    [Theory]
    [InlineData("/gorenjska/challenges", 200, Data)]
    [InlineData("/gorenjska/challenges/refused", 422, Data)]
    [InlineData("/gorenjska/challenges/page", 200, Page)]
    [InlineData("/account/page", 200, Page)]
    [InlineData("/connect/authorize/page", 200, Page + "; script-src 'sha256-j7OoGArf6XW6YY4cAyS3riSSvrJRqpSi1fOF9vQ5SrI='")]
    [InlineData("/connect/authorize", 200, Data)]
    [InlineData("/gorenjska/down", 503, Data)]
    [InlineData("/nothing", 404, Data)]
    [InlineData("/health", 503, Data)]
    [InlineData("/alive", 200, Data)]
    [InlineData("/openapi/challenges.json", 200, Data)]
    [InlineData("/docs/signed-in", 200, Data)]
    public async Task Every_answer_tells_browsers_what_not_to_do(string path, int status, string policy)
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(
            [service.Address],
            "--Gateway:Services:1=down", "--services:down:http:0=http://127.0.0.1:1",
            "--Gateway:Services:2=identity", $"--services:identity:http:0={service.Address}");

        var answer = await gateway.ReadAsync(path);

        Assert.Equal((status, policy), (answer.Status, answer.Header("Content-Security-Policy")));
        AssertProtected(answer);
    }

    [Fact]
    public async Task The_page_of_the_APIs_is_protected_as_well_and_only_its_own_script_runs()
    {
        await using var gateway = await RunningGateway.StartAsync(["http://127.0.0.1:1"]);

        var page = await gateway.ReadAsync("/docs");

        AssertProtected(page);
        Assert.Equal("no-store", page.Header("Cache-Control"));
        var policy = page.Header("Content-Security-Policy")!;
        var nonce = Regex.Match(policy, "(?<=script-src 'self' 'nonce-)[^']+(?=';)", RegexOptions.None, TimeSpan.FromSeconds(1)).Value;
        Assert.Contains($"nonce=\"{nonce}\"", page.Body, StringComparison.Ordinal);
        Assert.DoesNotContain(nonce, (await gateway.ReadAsync("/docs")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_service_says_itself_stays_unless_it_allows_to_be_framed()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(service);
        service.OwnHeaders["Content-Security-Policy"] = "default-src 'none'; sandbox";
        service.OwnHeaders["Cache-Control"] = "private, max-age=60";
        service.OwnHeaders["X-Frame-Options"] = "SAMEORIGIN";
        using var request = new HttpRequestMessage(HttpMethod.Get, "/gorenjska/challenges/page") { Headers = { { "Authorization", "Bearer abc" } } };

        var answer = await gateway.ReadAsync(request);

        Assert.Equal("default-src 'none'; sandbox", answer.Header("Content-Security-Policy"));
        Assert.Equal("max-age=60, private", answer.Header("Cache-Control"));
        AssertProtected(answer);
    }

    [Fact]
    public async Task What_somebody_gets_for_a_token_is_stored_nowhere()
    {
        await using var service = await Backend.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(service);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/gorenjska/challenges") { Headers = { { "Authorization", "Bearer abc" } } };

        Assert.Equal("no-store", (await gateway.ReadAsync(request)).Header("Cache-Control"));
        Assert.Null((await gateway.ReadAsync("/gorenjska/challenges")).Header("Cache-Control"));
    }

    private static void AssertProtected(Read answer)
    {
        Assert.Equal("nosniff", answer.Header("X-Content-Type-Options"));
        Assert.Equal("DENY", answer.Header("X-Frame-Options"));
        Assert.Equal("no-referrer", answer.Header("Referrer-Policy"));
        Assert.Equal("same-origin", answer.Header("Cross-Origin-Opener-Policy"));
        Assert.Contains("camera=()", answer.Header("Permissions-Policy"), StringComparison.Ordinal);
    }
}
