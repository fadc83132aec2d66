using System.Net;
using System.Text.RegularExpressions;
using Xunit;

namespace KkiMesh.TestKit;

/// <summary>A page, as it came.</summary>
/// <param name="Status">Its status; a redirect where it leads away from the service.</param>
/// <param name="Address">Where it is.</param>
/// <param name="Html">What stands in it.</param>
public sealed partial record Seen(HttpStatusCode Status, Uri Address, string Html)
{
    /// <summary>Where the links in it lead.</summary>
    public IReadOnlyList<string> Links => [.. Anchors().Matches(Html).Select(m => WebUtility.HtmlDecode(m.Groups["to"].Value))];

    /// <summary>What stands in its places of code: keys, recovery codes.</summary>
    public IReadOnlyList<string> Codes => [.. Code().Matches(Html).Select(m => m.Groups["text"].Value)];

    [GeneratedRegex("<a href=\"(?<to>[^\"]*)\"", RegexOptions.None, 1000)]
    private static partial Regex Anchors();

    [GeneratedRegex("<code[^>]*>(?<text>[^<]*)</code>", RegexOptions.None, 1000)]
    private static partial Regex Code();
}

/// <summary>
/// A browser without scripts: keeps cookies, goes where the service sends it, and sends forms as pages have them. Of
/// every page it checks what a screen reader needs: the language, and a label of each field.
/// </summary>
public sealed partial class Browser : IDisposable
{
    private const int MostSteps = 10;
    private readonly List<string> _cookies = [];
    private readonly HttpClient _http;

    /// <summary>A new one, without cookies.</summary>
    /// <param name="service">Where it begins; what leads elsewhere is not followed.</param>
    /// <param name="language">What its user reads.</param>
    /// <param name="handler">Its connections, which follow no redirect and keep
    /// cookies; by default those of everybody.</param>
    public Browser(Uri service, string language = "en", HttpMessageHandler? handler = null)
    {
        Seen = new Seen(HttpStatusCode.OK, service, "");
        _http = new HttpClient(handler ?? new HttpClientHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() });
        _http.DefaultRequestHeaders.AcceptLanguage.ParseAdd(language);
    }

    /// <summary>The last page.</summary>
    public Seen Seen { get; private set; }

    /// <summary>The cookies that it was given, with what was said of them.</summary>
    public IReadOnlyList<string> Cookies => _cookies;

    /// <summary>Goes to an address.</summary>
    public async Task<Seen> OpenAsync(string where)
    {
        using var answer = await _http.GetAsync(new Uri(Seen.Address, where));
        return await SeeAsync(new Uri(Seen.Address, where), answer);
    }

    /// <summary>Fills in the form that has this button, and presses it.</summary>
    public async Task<Seen> PressAsync(string button, params (string Field, string Value)[] filled)
    {
        using var answer = await SendAsync(button, filled);
        return await SeeAsync(answer.RequestMessage!.RequestUri!, answer);
    }

    /// <summary>The same, and stays on the page.</summary>
    public async Task<HttpResponseMessage> SendAsync(string button, params (string Field, string Value)[] filled)
    {
        var form = Forms().Matches(Seen.Html).Select(m => m.Value)
            .Single(f => Buttons().Matches(f).Any(b => b.Groups["text"].Value == button));
        var pressed = Buttons().Matches(form).Single(b => b.Groups["text"].Value == button).Value;
        var fields = Inputs().Matches(form).Select(i => i.Value).Where(i => Of(i, "name") is not null)
            .ToDictionary(i => Of(i, "name")!, i => Of(i, "value") ?? "");
        foreach (var (field, value) in filled)
        {
            Assert.Contains(field, fields.Keys);
            fields[field] = value;
        }

        if (Of(pressed, "name") is { } name)
            fields[name] = Of(pressed, "value")!;
        var action = Of(pressed, "formaction") ?? Of(form[..form.IndexOf('>', StringComparison.Ordinal)], "action");
        using var content = new FormUrlEncodedContent(fields);
        return await _http.PostAsync(new Uri(Seen.Address, action ?? Seen.Address.PathAndQuery), content);
    }

    /// <summary>Fills in the page where people sign in.</summary>
    public Task<Seen> SignInAsync(string email, string password) =>
        PressAsync("Sign in", ("email", email), ("password", password));

    /// <summary>Fills in the page where people get an account.</summary>
    public async Task<Seen> RegisterAsync(string email, string password)
    {
        await OpenAsync("/account/register");
        return await PressAsync("Register", ("displayName", "Ana Novak"), ("email", email), ("newPassword", password));
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private async Task<Seen> SeeAsync(Uri address, HttpResponseMessage first)
    {
        var (service, answer) = (Seen.Address.Authority, first);
        Keep(answer);
        for (var step = 0; answer.StatusCode == HttpStatusCode.Redirect; step++)
        {
            Assert.True(step < MostSteps, $"The service sends a browser around: {address}");
            address = new Uri(address, answer.Headers.Location!);
            if (address.Authority != service)
                return new Seen(HttpStatusCode.Redirect, address, "");
            answer = await _http.GetAsync(address);
            Keep(answer);
        }

        var html = await answer.Content.ReadAsStringAsync();
        if (answer.Content.Headers.ContentType?.MediaType == "text/html")
            Check(html);
        return Seen = new Seen(answer.StatusCode, address, html);
    }

    private void Keep(HttpResponseMessage answer)
    {
        if (answer.Headers.TryGetValues("Set-Cookie", out var cookies))
            _cookies.AddRange(cookies);
    }

    private static void Check(string html)
    {
        Assert.True(html.Contains("<html lang=\"sl\">", StringComparison.Ordinal) || html.Contains("<html lang=\"en\">", StringComparison.Ordinal));
        Assert.Equal(2, html.Split("<h1>").Length);
        foreach (var input in Inputs().Matches(html).Select(m => m.Value).Where(i => Of(i, "type") != "hidden"))
        {
            Assert.Contains($"<label for=\"{Of(input, "id")}\">", html, StringComparison.Ordinal);
            foreach (var told in (Of(input, "aria-describedby") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                Assert.Contains($"id=\"{told}\"", html, StringComparison.Ordinal);
        }
    }

    private static string? Of(string tag, string attribute) =>
        tag.Split($" {attribute}=\"") is [_, var rest, ..] ? WebUtility.HtmlDecode(rest[..rest.IndexOf('"', StringComparison.Ordinal)]) : null;

    [GeneratedRegex("<form[^>]*>.*?</form>", RegexOptions.Singleline, 1000)]
    private static partial Regex Forms();

    [GeneratedRegex("<input[^>]*>", RegexOptions.Singleline, 1000)]
    private static partial Regex Inputs();

    [GeneratedRegex("<button[^>]*>(?<text>[^<]*)</button>", RegexOptions.Singleline, 1000)]
    private static partial Regex Buttons();
}
