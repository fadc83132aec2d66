using System.Net.Http.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// What a service shows another one: a token of the issuer, for its own <c>Authentication:ClientId</c> (by default
/// service-&lt;name&gt;) and <c>Authentication:ClientSecret</c>. It is used until it has nearly expired.
/// </summary>
internal sealed class ServiceToken(
    MeshService service, IConfiguration configuration, IOptionsMonitor<JwtBearerOptions> options, IHttpClientFactory clients, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Spare = TimeSpan.FromMinutes(1);
    private readonly SemaphoreSlim _turn = new(1);
    private (string Token, DateTimeOffset Until)? _token;

    /// <summary>The token.</summary>
    /// <exception cref="InvalidOperationException">The issuer cannot be reached, or there is no secret.</exception>
    /// <exception cref="HttpRequestException">The issuer gives none.</exception>
    public async Task<string> GetAsync(CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            if (_token is { } kept && kept.Until > time.GetUtcNow())
                return kept.Token;
            var given = await AskAsync(ct);
            _token = (given.Token, time.GetUtcNow() + TimeSpan.FromSeconds(given.Seconds) - Spare);
            return given.Token;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task<Given> AskAsync(CancellationToken ct)
    {
        var secret = configuration["Authentication:ClientSecret"]
            ?? throw new InvalidOperationException("Set Authentication:ClientSecret: this service reads other services' histories.");
        var issuer = await options.IssuerAsync(ct);
        using var asked = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = configuration["Authentication:ClientId"] ?? $"service-{service.Name}",
            ["client_secret"] = secret,
            ["scope"] = configuration["Authentication:Scope"] ?? "kkimesh",
        });
        using var http = clients.CreateClient(Access.IssuerClient);
        using var answer = await http.PostAsync(issuer.TokenEndpoint, asked, ct);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadFromJsonAsync<Given>(ct) ?? throw new InvalidOperationException("The issuer gave no token.");
    }

    private sealed record Given([property: JsonPropertyName("access_token")] string Token, [property: JsonPropertyName("expires_in")] int Seconds);
}
