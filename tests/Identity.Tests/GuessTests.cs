using System.Net;
using KkiMesh.TestKit;
using OtpNet;
using static KkiMesh.Identity.Tests.Letters;

namespace KkiMesh.Identity.Tests;

/// <summary>Guessing is slow, for who guesses.</summary>
public sealed class GuessTests(PlainIdentity shared) : IClassFixture<PlainIdentity>
{
    private const string Wrong = "wrong-wrong-wrong";
    private readonly string _nobody = $"{Guid.NewGuid():N}@example.org";

    private RunningIdentity Identity => shared.Running;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_more_often_a_password_is_wrong_the_later_is_the_answer_whether_there_is_an_account_or_not(bool exists)
    {
        var email = exists ? await Identity.NewPersonAsync() : _nobody;
        using var browser = await AtSignInAsync();
        using var other = await AtSignInAsync();

        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await browser.SignInAsync(email, Wrong)).Status);
        foreach (var seconds in (int[])[1, 2, 4, 4, 4])
        {
            var answer = browser.SignInAsync(seconds == 2 ? email.ToUpperInvariant() : email, Wrong);
            Assert.Equal(TimeSpan.FromSeconds(seconds), await Identity.Time.NextHeldBackAsync());
            Identity.Time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
            // What others ask meanwhile is answered.
            await other.OpenAsync("/account/sign-in");
            Assert.False(answer.IsCompleted);
            Identity.Time.Advance(TimeSpan.FromMilliseconds(1));
            Assert.Equal(HttpStatusCode.UnprocessableEntity, (await answer.WaitAsync(TimeSpan.FromSeconds(30))).Status);
        }
    }

    [Fact]
    public async Task The_right_password_is_answered_at_once_and_makes_the_wrong_ones_forgotten()
    {
        var person = await Identity.NewPersonAsync();
        using var browser = await AtSignInAsync();
        for (var attempt = 0; attempt < 4; attempt++)
            await Identity.PatientlyAsync(browser.SignInAsync(person, Wrong));

        // The clock stands still.
        Assert.Equal("/account", (await browser.SignInAsync(person, DemoAccounts.Password)).Address.AbsolutePath);
        using var again = await AtSignInAsync();
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await again.SignInAsync(person, Wrong)).Status);
        Assert.Empty(Identity.Time.HeldBack);
    }

    [Fact]
    public async Task Guesses_at_the_same_moment_wait_one_longer_than_the_other()
    {
        var browsers = await Task.WhenAll(AtSignInAsync(), AtSignInAsync(), AtSignInAsync(), AtSignInAsync());
        var answers = Task.WhenAll(browsers.Select(b => b.SignInAsync(_nobody, Wrong)));

        TimeSpan[] waits = [await Identity.Time.NextHeldBackAsync(), await Identity.Time.NextHeldBackAsync(), await Identity.Time.NextHeldBackAsync()];

        Assert.Equal([1, 2, 4], waits.Order().Select(w => w.TotalSeconds));
        Identity.Time.Advance(waits.Max());
        Assert.All(await answers.WaitAsync(TimeSpan.FromSeconds(30)), seen => Assert.Equal(HttpStatusCode.UnprocessableEntity, seen.Status));
        foreach (var browser in browsers)
            browser.Dispose();
    }

    [Fact]
    public async Task A_wrong_password_counts_for_15_minutes()
    {
        using var browser = await AtSignInAsync();
        await browser.SignInAsync(_nobody, Wrong);
        Identity.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(1, await WaitAsync());
        Identity.Time.Advance(TimeSpan.FromMinutes(6));
        // The first does not count any more.
        Assert.Equal(1, await WaitAsync());
        Identity.Time.Advance(TimeSpan.FromMinutes(15));

        await browser.SignInAsync(_nobody, Wrong);

        Assert.Empty(Identity.Time.HeldBack);

        async Task<double> WaitAsync() => await WaitOfAsync(browser.SignInAsync(_nobody, Wrong));
    }

    [Fact]
    public async Task Whatever_asks_for_the_password_or_a_code_counts()
    {
        var person = await Identity.NewPersonAsync();
        using var signedIn = await AtSignInAsync();
        await signedIn.SignInAsync(person, DemoAccounts.Password);
        var key = (await signedIn.OpenAsync("/account/second-factor")).Codes.Single();
        await signedIn.PressAsync("Turn the second factor on", ("code", new Totp(Base32Encoding.ToBytes(key)).ComputeTotp(Identity.Time.GetUtcNow().UtcDateTime)));
        using var guesser = await AtSignInAsync();

        await guesser.SignInAsync(person, Wrong);
        await signedIn.OpenAsync("/account");
        Assert.Equal(1, await WaitOfAsync(signedIn.PressAsync("Change the password", ("password", Wrong), ("newPassword", "four plain words together"))));
        await signedIn.OpenAsync("/account/second-factor");
        Assert.Equal(2, await WaitOfAsync(signedIn.PressAsync("Turn the second factor off", ("password", Wrong))));
        // Just the password is not enough to have the wrong ones forgotten.
        Assert.Equal("/account/second-factor/sign-in", (await guesser.SignInAsync(person, DemoAccounts.Password)).Address.AbsolutePath);
        Assert.Equal(4, await WaitOfAsync(guesser.PressAsync("Sign in", ("code", "0"))));
        Assert.Equal(4, await WaitOfAsync(guesser.PressAsync("Sign in", ("code", "AAAAA-AAAAA"))));

        await guesser.RegisterAsync(_nobody, Wrong);
        await guesser.OpenAsync(Link((await Identity.LettersAsync(_nobody, 1)).Single()));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await guesser.PressAsync("Confirm the address", ("password", "not this"))).Status);
        Assert.Equal(1, await WaitOfAsync(guesser.PressAsync("Confirm the address", ("password", "nor this"))));
    }

    [Fact]
    public async Task Where_a_hundred_answers_are_held_back_the_next_wrong_one_hears_to_come_later_and_the_right_one_gets_in()
    {
        var person = await Identity.NewPersonAsync();
        using var browser = await AtSignInAsync();
        await browser.SignInAsync(_nobody, Wrong);
        var held = new List<Task<HttpResponseMessage>>();
        for (var count = 0; count < 100; count++)
        {
            held.Add(browser.SendAsync("Sign in", ("email", _nobody), ("password", Wrong)));
            await Identity.Time.NextHeldBackAsync();
        }

        using var refused = await browser.SendAsync("Sign in", ("email", _nobody), ("password", Wrong));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(5)), (refused.StatusCode, refused.Headers.RetryAfter!.Delta));
        Assert.Contains("Too many wrong passwords and codes come at the moment.", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("/account", (await browser.SignInAsync(person, DemoAccounts.Password)).Address.AbsolutePath);

        Identity.Time.Advance(TimeSpan.FromSeconds(4));
        foreach (var answer in await Task.WhenAll(held).WaitAsync(TimeSpan.FromSeconds(30)))
        {
            Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
            answer.Dispose();
        }
    }

    private async Task<Browser> AtSignInAsync()
    {
        var browser = new Browser(Identity.Address);
        await browser.OpenAsync("/account/sign-in");
        return browser;
    }

    // How many seconds an answer is held back.
    private async Task<double> WaitOfAsync(Task<Seen> answer)
    {
        var wait = await Identity.Time.NextHeldBackAsync();
        Identity.Time.Advance(wait);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await answer.WaitAsync(TimeSpan.FromSeconds(30))).Status);
        return wait.TotalSeconds;
    }
}
