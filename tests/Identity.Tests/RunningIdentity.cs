using System.Collections.Concurrent;
using System.Net;
using System.Text.RegularExpressions;
using Duende.IdentityModel.OidcClient;
using Duende.IdentityModel.OidcClient.Browser;
using KkiMesh.AppHost;
using KkiMesh.TestKit;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using MimeKit;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

[assembly: AssemblyFixture(typeof(TestServers))]

namespace KkiMesh.Identity.Tests;

/// <summary>The service itself, in this process, on a database of its own, with a clock that tests set.</summary>
internal sealed class RunningIdentity : IAsyncDisposable
{
    public const string Console = "console";
    public const string Callback = "http://127.0.0.1/callback";
    private readonly Place? _place;
    private readonly WebApplicationFactory<Account> _program;
    private readonly string _letters = Directory.CreateTempSubdirectory("kkimesh-letters-").FullName;

    private RunningIdentity(Place? place, string database, string environment, DateTimeOffset now, IEnumerable<(string Name, string? Value)> settings)
    {
        (_place, Address, Time) = (place, new Uri($"http://localhost:{Ports.Free()}/"), new TestClock(now));
        _program = new WebApplicationFactory<Account>().WithWebHostBuilder(web =>
        {
            web.UseEnvironment(environment)
                .UseSetting("ConnectionStrings:identity", database)
                .UseSetting("Mesh:PublicAddress", environment == "Development" ? Address.ToString() : "https://kki.example.org/")
                .UseSetting("urls", Address.ToString())
                .UseSetting("Mesh:Regions:0", "gorenjska")
                .UseSetting("Mail:Folder", _letters)
                .ConfigureServices(services => services.AddSingleton<TimeProvider>(Time))
                .ConfigureLogging(logging => logging.ClearProviders());
            foreach (var (name, value) in settings)
                web.UseSetting(name, value);
        });
        _program.UseKestrel();
    }

    public Uri Address { get; }

    public TestClock Time { get; }

    /// <summary>The letters that were sent, the oldest first.</summary>
    public IReadOnlyList<MimeMessage> Letters =>
        [.. Directory.GetFiles(_letters, "*.eml").Order(StringComparer.Ordinal).Select(file => MimeMessage.Load(file))];

    /// <summary>On a database of its own, with a console that acts for people.</summary>
    public static async Task<RunningIdentity> StartAsync(TestServers servers, params (string Name, string? Value)[] settings)
    {
        var place = await servers.NewPlaceAsync();
        var identity = await StartAsync(place, await place.DatabaseAsync("identity"), "Development", DateTimeOffset.UtcNow, settings);
        await using var scope = identity._program.Services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<IOpenIddictApplicationManager>().CreateAsync(ConsoleClient());
        return identity;
    }

    /// <summary>On a database that stays when it stops.</summary>
    public static Task<RunningIdentity> StartAsync(string database, string environment, params (string Name, string? Value)[] settings) =>
        StartAsync(database, environment, DateTimeOffset.UtcNow, settings);

    /// <summary>The same at another time.</summary>
    public static Task<RunningIdentity> StartAsync(string database, string environment, DateTimeOffset now, params (string Name, string? Value)[] settings) =>
        StartAsync(null, database, environment, now, settings);

    private static async Task<RunningIdentity> StartAsync(
        Place? place, string database, string environment, DateTimeOffset now, (string Name, string? Value)[] settings)
    {
        var identity = new RunningIdentity(place, database, environment, now, settings);
        try
        {
            await Task.Run(identity._program.StartServer);
            using var http = identity.Http();
            await Eventually.Is(async () => (await http.GetAsync("/health")).StatusCode, s => s == HttpStatusCode.OK);
            return identity;
        }
        catch
        {
            await identity.DisposeAsync();
            throw;
        }
    }

    private static OpenIddictApplicationDescriptor ConsoleClient() => new()
    {
        ClientId = Console,
        ClientType = ClientTypes.Public,
        ConsentType = ConsentTypes.Explicit,
        DisplayName = "Console",
        RedirectUris = { new Uri(Callback) },
        Permissions =
        {
            Permissions.Endpoints.Authorization, Permissions.Endpoints.Token, Permissions.Endpoints.Revocation, Permissions.GrantTypes.AuthorizationCode,
            Permissions.GrantTypes.RefreshToken, Permissions.ResponseTypes.Code, Permissions.Scopes.Profile, Permissions.Scopes.Email,
            Permissions.Prefixes.Scope + "kkimesh", Permissions.Prefixes.Scope + Scopes.OfflineAccess,
        },
    };

    /// <summary>The service's own parts, for what has no door.</summary>
    public AsyncServiceScope Inside() => _program.Services.CreateAsyncScope();

    /// <summary>A new person with the password of the demo accounts and these roles: their address.</summary>
    public async Task<string> NewPersonAsync(params string[] roles)
    {
        await using var inside = Inside();
        var email = $"{Guid.NewGuid():N}@example.org";
        var account = new Account { Id = Guid.CreateVersion7(), UserName = email, Email = email, EmailConfirmed = true, DisplayName = "Somebody" };
        Assert.True((await inside.ServiceProvider.GetRequiredService<UserManager<Account>>().CreateAsync(account, DemoAccounts.Password)).Succeeded);
        var store = inside.ServiceProvider.GetRequiredService<IdentityStore>();
        store.Grants.AddRange(roles.Select(role => new Grant
        {
            Id = Guid.CreateVersion7(),
            Subject = account.Id.ToString(),
            Region = "gorenjska",
            Role = role,
            GivenBy = "test",
        }));
        await store.SaveChangesAsync();
        return email;
    }

    /// <summary>The letters to an address, oldest first, when there are as many.</summary>
    public Task<IReadOnlyList<MimeMessage>> LettersAsync(string to, int count) => Eventually.Is(
        () => Task.FromResult<IReadOnlyList<MimeMessage>>(
        [
            .. Letters.Where(letter => letter.To.Mailboxes.Single().Address == to),
        ]),
        letters => letters.Count >= count);

    /// <summary>An answer that may be held back: the clock goes on for as long as it is.</summary>
    public async Task<T> PatientlyAsync<T>(Task<T> answer)
    {
        await Eventually.Is(
            () =>
            {
                while (Time.HeldBack.TryDequeue(out var wait))
                    Time.Advance(wait);
                return Task.FromResult(answer.IsCompleted);
            },
            isThere => isThere);
        return await answer;
    }

    public HttpClient Http() => new() { BaseAddress = Address };

    /// <summary>A client library that nobody here wrote, with a browser that fills in what the pages ask.</summary>
    public OidcClient Client(
        Person person, string id = Console, string callback = Callback, string scope = "openid profile email offline_access kkimesh") => new(new()
        {
            Authority = Address.ToString(),
            ClientId = id,
            RedirectUri = callback,
            Scope = scope,
            Browser = person,
            Policy = { Discovery = { RequireHttps = false } },
        });

    public async ValueTask DisposeAsync()
    {
        await _program.DisposeAsync();
        Directory.Delete(_letters, recursive: true);
        if (_place is not null)
            await _place.DisposeAsync();
    }
}

/// <summary>A clock that tests set, and that tells how long answers are held back.</summary>
internal sealed class TestClock(DateTimeOffset now) : FakeTimeProvider(now)
{
    // Nothing else that the service does waits for so short a time.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    /// <summary>The waits that no test has looked at, the oldest first.</summary>
    public ConcurrentQueue<TimeSpan> HeldBack { get; } = [];

    /// <summary>How long the next answer is held back, as soon as one is.</summary>
    public async Task<TimeSpan> NextHeldBackAsync() =>
        (await Eventually.Is(() => Task.FromResult(HeldBack.TryDequeue(out var wait) ? wait : (TimeSpan?)null), wait => wait is not null)).GetValueOrDefault();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        if (dueTime > TimeSpan.Zero && dueTime <= Longest)
            HeldBack.Enqueue(dueTime);
        return timer;
    }
}

/// <summary>What letters say.</summary>
internal static class Letters
{
    /// <summary>Where a letter's link leads.</summary>
    public static string Link(MimeMessage letter) => letter.TextBody!.Split(' ', '\r', '\n').First(word => word.StartsWith("http", StringComparison.Ordinal));
}

/// <summary>One for all tests of a class: each has people of its own.</summary>
public abstract class SharedIdentity(TestServers servers, params (string Name, string? Value)[] settings) : IAsyncLifetime
{
    internal RunningIdentity Running { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Running = await RunningIdentity.StartAsync(servers, settings);

    public async ValueTask DisposeAsync()
    {
        await Running.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>As it comes.</summary>
public sealed class PlainIdentity(TestServers servers) : SharedIdentity(servers);

/// <summary>As outside Development: money and the platform need a second factor.</summary>
public sealed class StrictIdentity(TestServers servers) : SharedIdentity(servers, ("Identity:RequireSecondFactor", "true"));

/// <summary>Somebody at a browser without scripts: signs in, and agrees or does not.</summary>
internal sealed partial class Person(string email, string password, bool agrees = true) : IBrowser, IDisposable
{
    private const int MostSteps = 10;
    private readonly HttpClient _http = new(new HttpClientHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() });

    /// <summary>The pages seen.</summary>
    public List<string> Pages { get; } = [];

    public async Task<BrowserResult> InvokeAsync(BrowserOptions options, CancellationToken cancellationToken = default)
    {
        var address = new Uri(options.StartUrl);
        for (var step = 0; step < MostSteps; step++)
        {
            using var answer = await _http.GetAsync(address, cancellationToken);
            if (answer.StatusCode != HttpStatusCode.Redirect)
            {
                Pages.Add(await answer.Content.ReadAsStringAsync(cancellationToken));
                using var next = await _http.PostAsync(address, Fill(Pages[^1]), cancellationToken);
                if (next.StatusCode != HttpStatusCode.Redirect)
                    return new BrowserResult { ResultType = BrowserResultType.UserCancel, Error = $"{next.StatusCode}" };
                address = new Uri(address, next.Headers.Location!);
            }
            else
            {
                address = new Uri(address, answer.Headers.Location!);
            }

            if (address.ToString().StartsWith(options.EndUrl, StringComparison.Ordinal))
                return new BrowserResult { ResultType = BrowserResultType.Success, Response = address.ToString() };
        }

        return new BrowserResult { ResultType = BrowserResultType.Timeout };
    }

    /// <summary>What the browser, with its cookies, gets at an address.</summary>
    public async Task<HttpStatusCode> StatusOfAsync(Uri address) => (await _http.GetAsync(address)).StatusCode;

    public void Dispose() => _http.Dispose();

    private FormUrlEncodedContent Fill(string page)
    {
        var fields = Hidden().Matches(page).Select(m => m.Value).ToDictionary(input => Of(input, "name"), input => Of(input, "value"));
        if (page.Contains("name=\"password\"", StringComparison.Ordinal))
            (fields["email"], fields["password"]) = (email, password);
        else
            fields["agrees"] = agrees ? "true" : "false";
        return new FormUrlEncodedContent(fields);
    }

    private static string Of(string input, string attribute)
    {
        var from = input.IndexOf($"{attribute}=\"", StringComparison.Ordinal) + attribute.Length + 2;
        return WebUtility.HtmlDecode(input[from..input.IndexOf('"', from)]);
    }

    [GeneratedRegex("<input[^>]*type=\"hidden\"[^>]*>", RegexOptions.None, 1000)]
    private static partial Regex Hidden();
}
