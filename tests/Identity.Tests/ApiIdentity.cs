using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;

namespace KkiMesh.Identity.Tests;

/// <summary>Tests that share one running service.</summary>
[CollectionDefinition(Name)]
public sealed class WithIdentity : ICollectionFixture<ApiIdentity>
{
    public const string Name = "identity";
}

/// <summary>One service with two regions, and the API's callers.</summary>
public sealed class ApiIdentity(TestServers servers) : IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, string> _tokens = [];

    internal RunningIdentity Identity { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Identity = await RunningIdentity.StartAsync(servers, ("Mesh:Regions:1", "posavje"));

    public ValueTask DisposeAsync() => Identity.DisposeAsync();

    /// <summary>Calls as a demo account, e.g. coordinator or member-1; null: as nobody.</summary>
    public async Task<Answer> SendAsync(HttpMethod method, string path, string? who, object? body = null)
    {
        if (who is not null && !_tokens.ContainsKey(who))
            _tokens[who] = await Identity.TokenAsync(who);
        return await Identity.SendAsync(method, path, who is null ? null : _tokens[who], body);
    }

    public Task<Answer> GetAsync(string path, string? who) => SendAsync(HttpMethod.Get, path, who);

    public Task<Answer> PostAsync(string path, string? who, object body) => SendAsync(HttpMethod.Post, path, who, body);
}

internal static class Calls
{
    /// <summary>An access token of a demo account, by signing in.</summary>
    public static async Task<string> TokenAsync(
        this RunningIdentity identity,
        string who,
        string scope = "openid kkimesh",
        string client = RunningIdentity.Console,
        string callback = RunningIdentity.Callback)
    {
        using var person = new Person(DemoAccounts.Email(who), DemoAccounts.Password);
        var result = await identity.Client(person, client, callback, scope).LoginAsync();
        Assert.False(result.IsError, result.Error);
        return result.AccessToken;
    }

    /// <summary>The newest hundred calls, as an auditor sees them.</summary>
    public static async Task<List<JsonNode>> AccessLogAsync(this RunningIdentity identity, string token) =>
        [.. (await identity.SendAsync(HttpMethod.Get, "/gorenjska/identity/access-log?pageSize=100", token)).Items()];

    /// <summary>The items of a page.</summary>
    public static IEnumerable<JsonNode> Items(this Answer page) => page.Body!["items"]!.AsArray().Select(i => i!);

    /// <summary>What the token endpoint says to a program.</summary>
    public static async Task<Answer> AskTokenAsync(this RunningIdentity identity, string client, string secret, string scope)
    {
        using var http = identity.Http();
        using var asked = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = client,
            ["client_secret"] = secret,
            ["scope"] = scope,
        });
        using var answer = await http.PostAsync("/connect/token", asked);
        return await ReadAsync(answer);
    }

    /// <summary>Calls with a token; a body that is a string is sent as it is.</summary>
    public static async Task<Answer> SendAsync(this RunningIdentity identity, HttpMethod method, string path, string? token, object? body = null)
    {
        using var http = identity.Http();
        using var request = new HttpRequestMessage(method, path);
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Content = body switch
        {
            null => null,
            string text => new StringContent(text, System.Text.Encoding.UTF8, "application/json"),
            _ => JsonContent.Create(body),
        };
        using var answer = await http.SendAsync(request);
        return await ReadAsync(answer);
    }

    private static async Task<Answer> ReadAsync(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync();
        return new Answer(answer.StatusCode, text.StartsWith('{') ? JsonNode.Parse(text) : null, answer.Headers);
    }
}
