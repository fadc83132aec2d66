using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Duende.IdentityModel.Client;
using KkiMesh.TestKit;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using MimeKit;
using static KkiMesh.Identity.Tests.Letters;

namespace KkiMesh.Identity.Tests;

/// <summary>A person looks after their account, with a browser without scripts.</summary>
public sealed class AccountTests(TestServers servers, PlainIdentity shared) : IClassFixture<PlainIdentity>
{
    private const string Secret = "four plain words together";
    private readonly string _ana = $"ana.o'novak+{Guid.NewGuid():N}@example.org";

    private RunningIdentity Identity => shared.Running;

    [Fact]
    public async Task Who_registers_confirms_the_address_once_with_the_password_and_signs_in()
    {
        using var browser = new Browser(Identity.Address);
        await browser.OpenAsync("/account/sign-in");
        Assert.Contains("/account/register", browser.Seen.Links);
        await browser.RegisterAsync(_ana, Secret);
        var letter = (await Identity.LettersAsync(_ana, 1)).Single();
        Assert.Equal("Confirm your address for KkiMesh", letter.Subject);

        await browser.OpenAsync("/account/sign-in");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await browser.SignInAsync(_ana, Secret)).Status);
        await browser.OpenAsync(Link(letter));
        await browser.OpenAsync(Link(letter));
        var wrong = await Identity.PatientlyAsync(browser.PressAsync("Confirm the address", ("password", "what the holder does not know")));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, wrong.Status);
        Assert.Contains("aria-invalid=\"true\" aria-describedby=\"password-wrong\"", wrong.Html, StringComparison.Ordinal);
        var done = await browser.PressAsync("Confirm the address", ("password", Secret));
        Assert.Contains("Done. You can sign in now.", done.Html, StringComparison.Ordinal);
        var account = await browser.SignInAsync(_ana, Secret);
        Assert.Equal((HttpStatusCode.OK, "/account"), (account.Status, account.Address.AbsolutePath));
        Assert.Contains("value=\"Ana Novak\"", account.Html, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await browser.OpenAsync(Link(letter))).Status);
    }

    [Fact]
    public async Task Neither_registering_nor_forgetting_tells_whether_an_address_has_an_account()
    {
        using var browser = new Browser(Identity.Address);
        var mentor = await Identity.NewPersonAsync("mentor");

        var (taken, free) = (await browser.RegisterAsync(mentor, Secret), await browser.RegisterAsync(_ana, Secret));
        var (unknown, known) = (await ForgetAsync(browser, "nobody@example.org"), await ForgetAsync(browser, mentor));

        Assert.Equal(Without(free, _ana), Without(taken, mentor));
        Assert.Equal(Without(unknown, "nobody@example.org"), Without(known, mentor));
        var letters = await Identity.LettersAsync(mentor, 2);
        Assert.Equal(["Somebody tried to register with KkiMesh", "A new password for KkiMesh"], letters.Select(l => l.Subject));
        Assert.Empty(await Identity.LettersAsync("nobody@example.org", 0));
        Assert.StartsWith(Identity.Address.ToString(), Link(letters[0]), StringComparison.Ordinal);
        await browser.OpenAsync("/account/sign-in");
        Assert.Equal("/account", (await browser.SignInAsync(mentor, DemoAccounts.Password)).Address.AbsolutePath);

        static string Without(Seen seen, string email) => WebUtility.HtmlDecode(seen.Html).Replace(email, "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_asks_for_letters_without_end_gets_five()
    {
        using var browser = new Browser(Identity.Address);
        var (flooded, other) = (await Identity.NewPersonAsync(), await Identity.NewPersonAsync());

        for (var asked = 0; asked < 8; asked++)
            await ForgetAsync(browser, asked % 2 == 0 ? flooded : flooded.ToUpperInvariant());
        await ForgetAsync(browser, other);

        // The other's letter comes after all that were asked for before.
        await Identity.LettersAsync(other, 1);
        Assert.Equal(5, (await Identity.LettersAsync(flooded, 5)).Count);
    }

    [Fact]
    public async Task Registration_can_be_turned_off()
    {
        await using var identity = await RunningIdentity.StartAsync(servers, ("Identity:SelfRegistration", "false"));
        using var browser = new Browser(identity.Address);

        Assert.DoesNotContain("/account/register", (await browser.OpenAsync("/account/sign-in")).Links);
        Assert.Equal(HttpStatusCode.NotFound, (await browser.OpenAsync("/account/register")).Status);
    }

    [Fact]
    public async Task A_new_password_ends_sessions_and_refresh_tokens_and_its_link_works_once()
    {
        var member = await Identity.NewPersonAsync("member");
        using var person = new Person(member, DemoAccounts.Password);
        var client = Identity.Client(person);
        var tokens = await client.LoginAsync();
        using var elsewhere = new Browser(Identity.Address);
        await elsewhere.OpenAsync("/account/sign-in");
        await elsewhere.SignInAsync(member, DemoAccounts.Password);
        using var browser = new Browser(Identity.Address);
        await ForgetAsync(browser, member);
        await ForgetAsync(browser, member);
        var letters = await Identity.LettersAsync(member, 2);

        await browser.OpenAsync(Link(letters[1]));
        Assert.Equal("/account/sign-in", (await browser.PressAsync("Set the password", ("newPassword", Secret))).Address.AbsolutePath);
        Assert.Equal("/account", (await browser.SignInAsync(member, Secret)).Address.AbsolutePath);

        foreach (var letter in letters)
            Assert.Equal(HttpStatusCode.UnprocessableEntity, (await browser.OpenAsync(Link(letter))).Status);
        Assert.Equal("/account/sign-in", (await elsewhere.OpenAsync("/account")).Address.AbsolutePath);
        Assert.Equal("invalid_grant", (await client.RefreshTokenAsync(tokens.RefreshToken)).Error);
    }

    [Fact]
    public async Task A_link_ends_by_time()
    {
        await using var identity = await RunningIdentity.StartAsync(servers);
        var links = new Dictionary<string, string>();
        foreach (var kind in (string[])["reset", "confirmation", "invitation"])
            links[kind] = Link((await SendAsync(identity, kind)).Single());
        using var browser = new Browser(identity.Address);
        var now = TimeSpan.Zero;

        foreach (var (kind, hours) in new (string, int)[] { ("reset", 2), ("confirmation", 24), ("invitation", 7 * 24) })
        {
            Pass(TimeSpan.FromHours(hours) - TimeSpan.FromMinutes(1));
            Assert.Equal((kind, HttpStatusCode.OK), (kind, (await browser.OpenAsync(links[kind])).Status));
            Pass(TimeSpan.FromHours(hours) + TimeSpan.FromMinutes(1));
            var over = await browser.OpenAsync(links[kind]);
            Assert.Equal((kind, HttpStatusCode.UnprocessableEntity), (kind, over.Status));
            Assert.DoesNotContain("<form", over.Html, StringComparison.Ordinal);
        }

        void Pass(TimeSpan until)
        {
            identity.Time.Advance(until - now);
            now = until;
        }
    }

    [Fact]
    public async Task An_invited_person_says_their_name_sets_the_password_and_is_in()
    {
        var letter = (await SendAsync(Identity, "invitation", _ana)).Single();
        Assert.Equal("Vabilo v KkiMesh", letter.Subject);
        Assert.Contains("gorenjska", letter.TextBody, StringComparison.Ordinal);
        using var browser = new Browser(Identity.Address);

        Assert.Contains("<html lang=\"sl\">", (await browser.OpenAsync(Link(letter))).Html, StringComparison.Ordinal);
        await browser.OpenAsync(Link(letter).Replace("ui_locales=sl", "ui_locales=en", StringComparison.Ordinal));
        var nameless = await browser.PressAsync("Set the password", ("displayName", " "), ("newPassword", Secret));
        Assert.Contains("displayName-wrong", nameless.Html, StringComparison.Ordinal);
        await browser.PressAsync("Set the password", ("displayName", "Ana Novak"), ("newPassword", Secret));
        var account = await browser.SignInAsync(_ana, Secret);

        Assert.Equal("/account", account.Address.AbsolutePath);
        Assert.Contains("value=\"Ana Novak\"", account.Html, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await browser.OpenAsync(Link(letter))).Status);
    }

    [Theory]
    [InlineData("en", "Character 3 is U+202E, a mark that changes the direction of writing")]
    [InlineData("sl", "Znak 3 je U+202E, oznaka, ki spremeni smer pisanja")]
    public async Task A_name_is_refused_with_the_character_in_the_pages_language(string language, string sentence)
    {
        using var browser = new Browser(Identity.Address, language);
        await browser.OpenAsync("/account/register");

        var told = await browser.PressAsync(
            language == "en" ? "Register" : "Registracija",
            ("displayName", "An\u202Ea"), ("email", _ana), ("newPassword", Secret));

        Assert.Equal(HttpStatusCode.UnprocessableEntity, told.Status);
        Assert.Contains(sentence, WebUtility.HtmlDecode(told.Html), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/account/register", "Register", "displayName", " ")]
    [InlineData("/account/register", "Register", "displayName", "An\u202ea")]
    [InlineData("/account/register", "Register", "email", "no address")]
    [InlineData("/account/register", "Register", "email", "a@example.org, b@example.org")]
    [InlineData("/account/register", "Register", "email", "Ana <a@example.org>")]
    [InlineData("/account/register", "Register", "newPassword", "too short")]
    [InlineData("/account/register", "Register", "newPassword", "")]
    [InlineData("/account/forgot", "Send the letter", "email", "a@example.org\r\nBcc: b@example.org")]
    public async Task Bad_input_is_told_at_its_field(string page, string button, string field, string value)
    {
        using var browser = new Browser(Identity.Address);
        await browser.OpenAsync(page);
        var filled = new Dictionary<string, string> { ["email"] = _ana };
        if (button == "Register")
            (filled["displayName"], filled["newPassword"]) = ("Ana Novak", Secret);
        filled[field] = value;

        var told = await browser.PressAsync(button, [.. filled.Select(f => (f.Key, f.Value))]);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, told.Status);
        Assert.Contains($"<p class=\"problem\" role=\"alert\" id=\"{field}-wrong\">", told.Html, StringComparison.Ordinal);
        Assert.Equal(2, told.Html.Split("role=\"alert\"").Length);

        // A letter that was asked for later comes later.
        var other = await Identity.NewPersonAsync();
        await ForgetAsync(browser, other);
        await Identity.LettersAsync(other, 1);
        Assert.Empty(await Identity.LettersAsync(_ana, 0));
    }

    [Fact]
    public async Task Nothing_that_is_sent_breaks_a_page()
    {
        using var browser = new Browser(Identity.Address);
        var endless = new string('a', 5000);
        foreach (var (page, button, fields) in new (string, string, string[])[]
        {
            ("/account/sign-in", "Sign in", ["email", "password"]),
            ("/account/register", "Register", ["displayName", "email", "newPassword"]),
            ("/account/forgot", "Send the letter", ["email"]),
        })
        {
            foreach (var value in (string[])["", endless, "a\0@example.org", "\ud83d\ude00"])
            {
                await browser.OpenAsync(page);
                Assert.InRange((int)(await browser.PressAsync(button, [.. fields.Select(f => (f, value))])).Status, 400, 422);
            }
        }

        foreach (var address in (string[])[
            "/account/confirm", "/account/password", $"/account/password?account=x&code={endless}", $"/account/confirm?account={Guid.NewGuid()}&code=%00"])
            Assert.Equal(HttpStatusCode.UnprocessableEntity, (await browser.OpenAsync(address)).Status);
    }

    [Fact]
    public async Task No_form_is_taken_without_its_token()
    {
        using var http = Identity.Http();
        Assert.True(await SignedInAsync(http, DemoAccounts.Email("member"), DemoAccounts.Password));

        foreach (var page in (string[])[
            "sign-in", "register", "confirm", "forgot", "password", "consent", "second-factor/sign-in", "second-factor?handler=TurnOn",
            "second-factor?handler=TurnOff", "second-factor?handler=Codes", "?handler=Name", "?handler=Password", "?handler=TakeBack", "?handler=SignOut", "?handler=SignOutEverywhere"])
        {
            using var empty = new FormUrlEncodedContent([]);
            var refused = await http.PostAsync($"/account/{page}".Replace("/?", "?", StringComparison.Ordinal), empty);
            Assert.Equal((page, HttpStatusCode.BadRequest), (page, refused.StatusCode));
        }
    }

    [Theory]
    [InlineData("https://example.org/")]
    [InlineData("//example.org/")]
    [InlineData("/\\example.org/")]
    [InlineData("javascript:alert(1)")]
    public async Task Nobody_is_sent_elsewhere(string elsewhere)
    {
        using var browser = new Browser(Identity.Address);
        await browser.OpenAsync($"/account/sign-in?returnUrl={Uri.EscapeDataString(elsewhere)}");

        Assert.Equal("/account", (await browser.SignInAsync(DemoAccounts.Email("member"), DemoAccounts.Password)).Address.AbsolutePath);
        var logout = await browser.OpenAsync($"/connect/logout?post_logout_redirect_uri={Uri.EscapeDataString(elsewhere)}");
        Assert.Equal((HttpStatusCode.BadRequest, Identity.Address.Authority), (logout.Status, logout.Address.Authority));
    }

    [Fact]
    public async Task A_person_sees_their_roles_changes_their_name_and_takes_an_agreement_back()
    {
        var juror = await Identity.NewPersonAsync("juror");
        using var person = new Person(juror, DemoAccounts.Password);
        var client = Identity.Client(person);
        var tokens = await client.LoginAsync();
        using var browser = new Browser(Identity.Address);
        await browser.OpenAsync("/account");
        var account = await browser.SignInAsync(juror, DemoAccounts.Password);
        Assert.Contains("juror: scores ideas, gorenjska", account.Html, StringComparison.Ordinal);
        Assert.Contains(">Console<", account.Html, StringComparison.Ordinal);

        // With an astronaut and an o that has its accent apart.
        var free = await browser.PressAsync("Change the name", ("displayName", "Ko\u0301s \U0001F469\u200D\U0001F680"));
        var shown = WebUtility.HtmlDecode(free.Html);
        Assert.Contains("K\u00F3s \U0001F469\u200D\U0001F680", shown, StringComparison.Ordinal);
        var changed = await browser.PressAsync("Change the name", ("displayName", " Jure <Kos> "));
        Assert.Contains("value=\"Jure &lt;Kos&gt;\"", changed.Html, StringComparison.Ordinal);
        var without = await browser.PressAsync("Take it back");

        Assert.DoesNotContain(">Console<", without.Html, StringComparison.Ordinal);
        Assert.Equal("invalid_grant", (await client.RefreshTokenAsync(tokens.RefreshToken)).Error);
        var asked = person.Pages.Count;
        Assert.Equal("Jure <Kos>", (await client.LoginAsync()).User.FindFirst("name")!.Value);
        Assert.Contains("Dovolim", Assert.Single(person.Pages.Skip(asked)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Changing_the_password_or_signing_out_everywhere_ends_what_is_open_elsewhere()
    {
        var officer = await Identity.NewPersonAsync("officer");
        using var person = new Person(officer, DemoAccounts.Password);
        var client = Identity.Client(person);
        using var here = new Browser(Identity.Address);
        using var elsewhere = new Browser(Identity.Address);
        foreach (var browser in (Browser[])[here, elsewhere])
        {
            await browser.OpenAsync("/account");
            await browser.SignInAsync(officer, DemoAccounts.Password);
        }

        var tokens = await client.LoginAsync();
        var wrong = await here.PressAsync("Change the password", ("password", "wrong-wrong-wrong"), ("newPassword", Secret));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, wrong.Status);
        Assert.Equal("/account", (await elsewhere.OpenAsync("/account")).Address.AbsolutePath);
        var changed = await here.PressAsync("Change the password", ("password", DemoAccounts.Password), ("newPassword", Secret));
        Assert.Equal((HttpStatusCode.OK, "/account"), (changed.Status, changed.Address.AbsolutePath));
        Assert.Equal("/account", (await here.OpenAsync("/account")).Address.AbsolutePath);
        Assert.Equal("/account/sign-in", (await elsewhere.OpenAsync("/account")).Address.AbsolutePath);
        Assert.Equal("invalid_grant", (await client.RefreshTokenAsync(tokens.RefreshToken)).Error);

        await elsewhere.SignInAsync(officer, Secret);
        Assert.Equal("/account/sign-in", (await elsewhere.PressAsync("Sign out everywhere")).Address.AbsolutePath);
        Assert.Equal("/account/sign-in", (await here.OpenAsync("/account")).Address.AbsolutePath);
    }

    [Fact]
    public async Task No_trace_has_the_code_of_a_letter()
    {
        var told = new ConcurrentQueue<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => told.Enqueue(string.Join('\n', activity.TagObjects.Select(t => $"{t.Key}={t.Value}"))),
        };
        ActivitySource.AddActivityListener(listener);
        var link = Link((await SendAsync(Identity, "reset")).Single());
        using var browser = new Browser(Identity.Address);
        await browser.OpenAsync(link);

        await Eventually.Is(() => Task.FromResult(told.ToArray()), all => all.Any(t => t.Contains("/account/password", StringComparison.Ordinal)));
        Assert.All(told, t => Assert.DoesNotContain(link.Split("code=")[1].Split('&')[0], t, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Lock_out_ends_by_time()
    {
        using var browser = new Browser(Identity.Address);
        var auditor = await Identity.NewPersonAsync("auditor");
        await browser.OpenAsync("/account/sign-in");
        for (var attempt = 0; attempt < 5; attempt++)
            await Identity.PatientlyAsync(browser.SignInAsync(auditor, "wrong-wrong-wrong"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await Identity.PatientlyAsync(browser.SignInAsync(auditor, DemoAccounts.Password))).Status);

        // ASP.NET Core Identity reads the machine's own clock, so the end moves instead.
        await using (var inside = Identity.Inside())
        {
            var accounts = inside.ServiceProvider.GetRequiredService<UserManager<Account>>();
            var account = (await accounts.FindByEmailAsync(auditor))!;
            Assert.InRange(account.LockoutEnd!.Value - DateTimeOffset.UtcNow, TimeSpan.FromMinutes(14), TimeSpan.FromMinutes(15));
            await accounts.SetLockoutEndDateAsync(account, account.LockoutEnd - TimeSpan.FromMinutes(15));
        }

        Assert.Equal("/account", (await browser.SignInAsync(auditor, DemoAccounts.Password)).Address.AbsolutePath);
    }

    [Fact]
    public async Task Outside_development_cookies_go_over_https_alone_and_no_script_reads_them()
    {
        var certificate = Path.GetTempFileName();
        try
        {
            using var key = RSA.Create(2048);
            using var made = new CertificateRequest("CN=keys", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                .CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
            await File.WriteAllBytesAsync(certificate, made.Export(X509ContentType.Pkcs12, "password"));
            await using var identity = await RunningIdentity.StartAsync(
                servers, ("environment", "Production"), ("Mesh:PublicAddress", "https://kki.example.org/"), ("Identity:KeyRing:Certificate", certificate), ("Identity:KeyRing:Password", "password"));
            await SendAsync(identity, "reset", _ana);
            using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = identity.Address };
            http.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");

            var form = await http.GetAsync("/account/sign-in");
            using var filled = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["email"] = _ana,
                ["password"] = Secret,
                ["__RequestVerificationToken"] = Token(await form.Content.ReadAsStringAsync()),
            });
            http.DefaultRequestHeaders.Add("Cookie", form.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
            var signedIn = await http.PostAsync("/account/sign-in", filled);

            Assert.Equal(HttpStatusCode.Redirect, signedIn.StatusCode);
            var cookies = (string[])[.. form.Headers.GetValues("Set-Cookie"), .. signedIn.Headers.GetValues("Set-Cookie")];
            Assert.Contains(cookies, c => c.StartsWith("kkimesh=", StringComparison.Ordinal));
            Assert.All(cookies, c => Assert.Matches("; secure; samesite=(lax|strict); httponly", c));
        }
        finally
        {
            File.Delete(certificate);
        }
    }

    private static async Task<Seen> ForgetAsync(Browser browser, string email)
    {
        await browser.OpenAsync("/account/forgot");
        return await browser.PressAsync("Send the letter", ("email", email));
    }

    // To somebody new; invited people have no name and no password yet.
    private static async Task<IReadOnlyList<MimeMessage>> SendAsync(RunningIdentity identity, string kind, string? to = null)
    {
        var email = to ?? $"{Guid.NewGuid():N}@example.org";
        await using var inside = identity.Inside();
        var (accounts, mail) = (inside.ServiceProvider.GetRequiredService<UserManager<Account>>(), inside.ServiceProvider.GetRequiredService<AccountMail>());
        var isInvited = kind == "invitation";
        var account = new Account
        {
            Id = Guid.CreateVersion7(),
            UserName = email,
            Email = email,
            DisplayName = isInvited ? "" : "Ana",
            EmailConfirmed = kind == "reset",
        };
        Assert.True((await (isInvited ? accounts.CreateAsync(account) : accounts.CreateAsync(account, Secret))).Succeeded);
        await (kind switch
        {
            "invitation" => mail.InviteAsync(account, "gorenjska", "sl", CancellationToken.None),
            "reset" => mail.ResetAsync(account, "en", CancellationToken.None),
            _ => mail.ConfirmAsync(account, "en", CancellationToken.None),
        });
        return await identity.LettersAsync(email, 1);
    }

    private static async Task<bool> SignedInAsync(HttpClient http, string email, string password)
    {
        using var filled = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["email"] = email,
            ["password"] = password,
            ["__RequestVerificationToken"] = Token(await http.GetStringAsync("/account/sign-in")),
        });
        return (await http.PostAsync("/account/sign-in", filled)).RequestMessage!.RequestUri!.AbsolutePath == "/account";
    }

    private static string Token(string page) => page.Split("name=\"__RequestVerificationToken\" type=\"hidden\" value=\"")[1].Split('"')[0];
}
