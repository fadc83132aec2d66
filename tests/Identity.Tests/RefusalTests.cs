using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace KkiMesh.Identity.Tests;

/// <summary>Whoever is refused is told why, in the form that they asked for.</summary>
public sealed class RefusalTests(PlainIdentity shared) : IClassFixture<PlainIdentity>
{
    [Theory]
    [InlineData("client_id=nobody&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback", "invalid_request")]
    [InlineData("client_id=nobody&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256", "invalid_request")]
    [InlineData("client_id=console&response_type=code&redirect_uri=https%3A%2F%2Felsewhere.example&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256", "invalid_request")]
    [InlineData("client_id=console&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=plain", "invalid_request")]
    public async Task A_request_that_cannot_be_sent_back_is_refused_with_a_code_or_a_page(string query, string error)
    {
        var (problem, _) = await GetAsync($"/connect/authorize?{query}", "application/json");
        Assert.Equal(error, (string?)problem!["error"]);
        Assert.False(string.IsNullOrWhiteSpace((string?)problem["detail"]));

        var (_, page) = await GetAsync($"/connect/authorize?{query}", "text/html");
        Assert.Contains("<h1>This cannot be done</h1>", page, StringComparison.Ordinal);
        Assert.Contains($"<p role=\"alert\">{WebUtility.HtmlEncode((string?)problem["detail"])}</p>", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_that_is_no_longer_good_says_so_in_the_persons_language()
    {
        using var http = shared.Running.Http();
        http.DefaultRequestHeaders.Add("Accept", "text/html");
        http.DefaultRequestHeaders.Add("Accept-Language", "sl");
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["email"] = "ana@example.org", ["password"] = "long-enough-words" });

        using var answer = await http.PostAsync("/account/sign-in", form, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("Ta obrazec ne velja več", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_asks_for_no_scope_is_told_which_there_are_and_only_S256_is_offered()
    {
        using var http = shared.Running.Http();
        using var asked = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = "demo-integrator",
            ["client_secret"] = DemoAccounts.Password,
        });

        using var answer = await http.PostAsync("/connect/token", asked, TestContext.Current.CancellationToken);
        var refused = await answer.Content.ReadFromJsonAsync<JsonNode>(TestContext.Current.CancellationToken);
        var discovery = await http.GetFromJsonAsync<JsonNode>("/.well-known/openid-configuration", TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.BadRequest, "invalid_scope"), (answer.StatusCode, (string?)refused!["error"]));
        Assert.Contains("kkimesh", (string?)refused["error_description"], StringComparison.Ordinal);
        Assert.Equal(["S256"], discovery!["code_challenge_methods_supported"]!.AsArray().Select(m => (string?)m));
    }

    private async Task<(JsonNode? Problem, string Page)> GetAsync(string path, string accept)
    {
        using var handler = new HttpClientHandler { AllowAutoRedirect = false };
        using var http = new HttpClient(handler) { BaseAddress = shared.Running.Address };
        http.DefaultRequestHeaders.Add("Accept", accept);
        http.DefaultRequestHeaders.Add("Accept-Language", "en");
        using var answer = await http.GetAsync(path, TestContext.Current.CancellationToken);
        var body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        return (accept == "text/html" ? null : JsonNode.Parse(body), body);
    }
}
