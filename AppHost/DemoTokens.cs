using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace KkiMesh.AppHost;

/// <summary>
/// Real tokens of a mesh in Development, for its demo accounts: a person signs in as with a browser (authorization code
/// with PKCE), a program shows its secret. A token is used until it has nearly expired.
/// </summary>
public sealed partial class DemoTokens(Uri gateway) : IDisposable
{
    /// <summary>
    /// The demo accounts' password, and their programs' secret; Identity knows them in Development only.
    /// </summary>
    public const string Password = "kkimesh-development";

    private const string Client = "mesh";
    private const string Callback = "http://127.0.0.1/mesh";
    private const string Scope = "openid kkimesh";
    private const int MostSteps = 10;
    private const int MostTries = 30;
    private static readonly TimeSpan Spare = TimeSpan.FromMinutes(2);
    private static readonly string[] Programs = ["integrator", "partner"];
    private readonly ConcurrentDictionary<string, (string Token, DateTimeOffset Until)> _tokens = [];
    private readonly HttpClient _http = new() { BaseAddress = gateway, Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>An access token.</summary>
    /// <param name="account">The part of a demo account's address before the @, e.g. <c>juror</c>
    /// or <c>juror-2</c>; or integrator, or partner.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="InvalidOperationException">The mesh gives none, and says why.</exception>
    /// <exception cref="HttpRequestException">The mesh does not answer.</exception>
    public async Task<string> ForAsync(string account, CancellationToken ct = default)
    {
        if (_tokens.TryGetValue(account, out var kept) && kept.Until > TimeProvider.System.GetUtcNow())
            return kept.Token;
        var (token, life) = await AskAsync(Programs.Contains(account) ? OfProgram(account) : await OfPersonAsync($"{account}@example.org", ct), ct);
        _tokens[account] = (token, TimeProvider.System.GetUtcNow() + life - Spare);
        return token;
    }

    /// <summary>The next token says what the account may do by then.</summary>
    public void Renew(string account) => _tokens.TryRemove(account, out _);

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private static Dictionary<string, string> OfProgram(string name) => new()
    {
        ["grant_type"] = "client_credentials",
        ["client_id"] = $"demo-{name}",
        ["client_secret"] = Password,
        ["scope"] = "kkimesh",
    };

    private async Task<Dictionary<string, string>> OfPersonAsync(string email, CancellationToken ct)
    {
        var verifier = Base64Url(RandomNumberGenerator.GetBytes(32));
        var challenge = Base64Url(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
        var code = await SignInAsync(
            $"/connect/authorize?client_id={Client}&response_type=code&scope={Uri.EscapeDataString(Scope)}&redirect_uri={Uri.EscapeDataString(Callback)}"
            + $"&code_challenge={challenge}&code_challenge_method=S256",
            email,
            ct);
        return new()
        {
            ["grant_type"] = "authorization_code",
            ["client_id"] = Client,
            ["code"] = code,
            ["redirect_uri"] = Callback,
            ["code_verifier"] = verifier,
        };
    }

    // As a browser without scripts: follows where it is sent, and fills the form of the sign-in page.
    private async Task<string> SignInAsync(string path, string email, CancellationToken ct)
    {
        using var handler = new HttpClientHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() };
        using var browser = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(30) };
        var at = new Uri(gateway, path);
        for (var step = 0; step < MostSteps; step++)
        {
            using var answer = await WhenReadyAsync(() => browser.GetAsync(at, ct), ct);
            var next = answer.Headers.Location;
            if (next is null)
            {
                var page = await answer.Content.ReadAsStringAsync(ct);
                if (!answer.IsSuccessStatusCode)
                    throw new InvalidOperationException($"{email} is not asked who they are: {(int)answer.StatusCode} {page}");
                using var signedIn = await WhenReadyAsync(() => SendAsync(browser, at, Filled(page, email), ct), ct);
                next = signedIn.Headers.Location ?? throw new InvalidOperationException(WhyNot(email, page, signedIn.StatusCode));
            }

            at = new Uri(at, next);
            if (Code().Match(at.Query) is { Success: true } code && at.ToString().StartsWith(Callback, StringComparison.Ordinal))
                return Uri.UnescapeDataString(code.Groups["code"].Value);
        }

        throw new InvalidOperationException($"{email} was sent round in circles, at last to {at.AbsolutePath}.");
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient browser, Uri to, FormUrlEncodedContent form, CancellationToken ct)
    {
        using (form)
            return await browser.PostAsync(to, form, ct);
    }

    // A replica that starts or stops answers 503 for a moment, and says when to come again.
    private static async Task<HttpResponseMessage> WhenReadyAsync(Func<Task<HttpResponseMessage>> ask, CancellationToken ct)
    {
        for (var tries = 1; ; tries++)
        {
            var answer = await ask();
            if (answer.StatusCode is not (HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway) || tries == MostTries)
                return answer;
            answer.Dispose();
            await Task.Delay(TimeSpan.FromSeconds(1), ct);
        }
    }

    // In Development the page says which accounts there are.
    private static string WhyNot(string email, string page, HttpStatusCode status)
    {
        var accounts = Account().Matches(page).Select(m => m.Groups["name"].Value).ToList();
        return accounts.Count == 0 || accounts.Exists(name => email == $"{name}@example.org")
            ? $"{email} could not sign in: {(int)status}. Is the mesh in Development?"
            : $"There is no demo account {email.Split('@')[0]}: there are {string.Join(", ", accounts.Concat(Programs))}.";
    }

    private static FormUrlEncodedContent Filled(string page, string email)
    {
        var fields = Hidden().Matches(page).ToDictionary(m => m.Groups["name"].Value, m => WebUtility.HtmlDecode(m.Groups["value"].Value));
        (fields["email"], fields["password"]) = (email, Password);
        return new FormUrlEncodedContent(fields);
    }

    private async Task<(string Token, TimeSpan Life)> AskAsync(Dictionary<string, string> grant, CancellationToken ct)
    {
        using var asked = new FormUrlEncodedContent(grant);
        using var answer = await WhenReadyAsync(() => _http.PostAsync("/connect/token", asked, ct), ct);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>(ct);
        return answer.IsSuccessStatusCode
            ? (body.GetProperty("access_token").GetString()!, TimeSpan.FromSeconds(body.GetProperty("expires_in").GetInt32()))
            : throw new InvalidOperationException($"The mesh gives no token: {body}");
    }

    private static string Base64Url(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);

    [GeneratedRegex("<input(?=[^>]*type=\"hidden\")(?=[^>]*name=\"(?<name>[^\"]*)\")(?=[^>]*value=\"(?<value>[^\"]*)\")[^>]*>", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Hidden();

    [GeneratedRegex("(?<name>[a-z0-9-]+)@example\\.org", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Account();

    [GeneratedRegex("[?&]code=(?<code>[^&]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Code();
}
