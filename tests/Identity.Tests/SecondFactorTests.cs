using System.Net;
using Duende.IdentityModel.OidcClient;
using KkiMesh.TestKit;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using OtpNet;

namespace KkiMesh.Identity.Tests;

/// <summary>A person with an authenticator app of another maker.</summary>
public sealed class SecondFactorTests(StrictIdentity shared) : IClassFixture<StrictIdentity>
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(30);

    private RunningIdentity Identity => shared.Running;

    [Fact]
    public async Task A_second_factor_is_set_up_asked_for_and_turned_off()
    {
        var mentor = await Identity.NewPersonAsync("mentor");
        using var browser = await SignedInAsync(Identity, mentor);
        using var elsewhere = await SignedInAsync(Identity, mentor);
        var setUp = await browser.OpenAsync("/account/second-factor");
        Assert.Contains("<svg", setUp.Html, StringComparison.Ordinal);
        var wrong = await browser.PressAsync("Turn the second factor on", ("code", "12345"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, wrong.Status);
        Assert.Equal(setUp.Codes, wrong.Codes);
        var key = setUp.Codes.Single();

        var on = await browser.PressAsync("Turn the second factor on", ("code", Code(Identity, key)));
        Assert.Equal(10, on.Codes.Distinct().Count());
        Assert.Empty((await browser.OpenAsync("/account/second-factor")).Codes);
        Assert.Equal("/account/sign-in", (await elsewhere.OpenAsync("/account")).Address.AbsolutePath);

        Identity.Time.Advance(Step);
        var asked = await elsewhere.SignInAsync(mentor, DemoAccounts.Password);
        Assert.Equal("/account/second-factor/sign-in", asked.Address.AbsolutePath);
        Assert.Equal("/account/sign-in", (await elsewhere.OpenAsync("/account")).Address.AbsolutePath);
        await elsewhere.OpenAsync(asked.Address.PathAndQuery);
        Assert.Equal("/account", (await elsewhere.PressAsync("Sign in", ("code", Code(Identity, key)))).Address.AbsolutePath);

        await elsewhere.OpenAsync("/account/second-factor");
        var refused = await elsewhere.PressAsync("Turn the second factor off", ("password", "wrong-wrong-wrong"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.Status);
        var off = await elsewhere.PressAsync("Turn the second factor off", ("password", DemoAccounts.Password));
        Assert.Contains("It is off.", off.Html, StringComparison.Ordinal);
        using var again = await SignedInAsync(Identity, mentor);
    }

    [Fact]
    public async Task A_code_is_good_once_even_where_two_send_it_at_the_same_moment()
    {
        var mentor = await Identity.NewPersonAsync("mentor");
        var (key, _) = await SetUpAsync(Identity, mentor);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await AttemptAsync(Identity, mentor, Code(Identity, key))).Status);

        Identity.Time.Advance(Step);
        var both = await Identity.PatientlyAsync(Task.WhenAll(AttemptAsync(Identity, mentor, Code(Identity, key)), AttemptAsync(Identity, mentor, Code(Identity, key))));

        Assert.Single(both, seen => seen.Address.AbsolutePath == "/account");
        Assert.Single(both, seen => seen.Status == HttpStatusCode.UnprocessableEntity);
    }

    [Fact]
    public async Task A_recovery_code_stands_in_once()
    {
        var mentor = await Identity.NewPersonAsync("mentor");
        var (_, codes) = await SetUpAsync(Identity, mentor);

        Assert.Equal("/account", (await AttemptAsync(Identity, mentor, codes[3])).Address.AbsolutePath);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await AttemptAsync(Identity, mentor, codes[3])).Status);
        Assert.Equal("/account", (await AttemptAsync(Identity, mentor, codes[4])).Address.AbsolutePath);
    }

    [Fact]
    public async Task Guessing_codes_locks_and_knowing_the_password_does_not_unlock()
    {
        var mentor = await Identity.NewPersonAsync("mentor");
        var (key, codes) = await SetUpAsync(Identity, mentor);
        Identity.Time.Advance(Step);
        using var waiting = new Browser(Identity.Address);
        await waiting.OpenAsync("/account/sign-in");
        await waiting.SignInAsync(mentor, DemoAccounts.Password);

        foreach (var guess in (string[])["12345-12345", "000000", "1", "AAAAA-AAAAA", "999999"])
            Assert.Equal(HttpStatusCode.UnprocessableEntity, (await Identity.PatientlyAsync(AttemptAsync(Identity, mentor, guess))).Status);

        foreach (var right in (string[])[Code(Identity, key), codes[0]])
            Assert.Equal(HttpStatusCode.UnprocessableEntity, (await Identity.PatientlyAsync(waiting.PressAsync("Sign in", ("code", right)))).Status);
    }

    [Fact]
    public async Task Who_holds_money_sets_a_second_factor_up_before_a_program_gets_anything()
    {
        var treasurer = await Identity.NewPersonAsync("treasurer");
        using var nobody = new Person(treasurer, DemoAccounts.Password);
        var client = Identity.Client(nobody);
        var asked = await client.PrepareLoginAsync();
        using var browser = await SignedInAsync(Identity, treasurer);

        var silent = await browser.OpenAsync($"{asked.StartUrl}&prompt=none");
        Assert.Contains("error=interaction_required", silent.Address.Query, StringComparison.Ordinal);
        var led = await browser.OpenAsync(asked.StartUrl);
        Assert.Equal("/account/second-factor", led.Address.AbsolutePath);
        var shown = await browser.PressAsync("Turn the second factor on", ("code", Code(Identity, led.Codes.Single())));
        await browser.OpenAsync(shown.Links.Single());
        var back = await browser.PressAsync("I agree");

        var tokens = await client.ProcessResponseAsync(back.Address.ToString(), asked);
        Assert.False(tokens.IsError, tokens.Error);
        var said = new JsonWebToken(tokens.IdentityToken);
        Assert.Equal("mfa", said.GetClaim("amr").Value);
        Assert.Equal(Identity.Time.GetUtcNow().ToUnixTimeSeconds(), said.GetPayloadValue<long>("auth_time"));
        Assert.False((await client.RefreshTokenAsync(tokens.RefreshToken)).IsError);
    }

    [Fact]
    public async Task A_program_cannot_go_on_for_somebody_who_came_to_hold_money_without_a_second_factor()
    {
        var member = await Identity.NewPersonAsync("member");
        using var person = new Person(member, DemoAccounts.Password);
        var client = Identity.Client(person);
        var first = await client.LoginAsync();
        Identity.Time.Advance(TimeSpan.FromMinutes(1));
        var tokens = await client.RefreshTokenAsync(first.RefreshToken);
        Assert.False(tokens.IsError, tokens.Error);
        var said = new JsonWebToken(tokens.IdentityToken);
        Assert.Equal("pwd", said.GetClaim("amr").Value);
        Assert.Equal(new JsonWebToken(first.IdentityToken).GetPayloadValue<long>("auth_time"), said.GetPayloadValue<long>("auth_time"));

        await using (var inside = Identity.Inside())
        {
            var store = inside.ServiceProvider.GetRequiredService<IdentityStore>();
            var account = (await inside.ServiceProvider.GetRequiredService<UserManager<Account>>().FindByEmailAsync(member))!;
            store.Grants.Add(new Grant { Id = Guid.CreateVersion7(), Subject = account.Id.ToString(), Region = "gorenjska", Role = "operator", GivenBy = "test" });
            await store.SaveChangesAsync();
        }

        Assert.Equal("invalid_grant", (await client.RefreshTokenAsync(tokens.RefreshToken)).Error);
    }

    [Fact]
    public async Task The_database_alone_makes_no_codes()
    {
        var mentor = await Identity.NewPersonAsync("mentor");
        var (key, codes) = await SetUpAsync(Identity, mentor);

        await using var inside = Identity.Inside();
        var store = inside.ServiceProvider.GetRequiredService<IdentityStore>();
        var kept = store.UserTokens.Where(t => store.Users.Any(u => u.Id == t.UserId && u.Email == mentor)).Select(t => t.Value!).ToList();

        Assert.Equal(2, kept.Count);
        Assert.All(codes.Append(key), secret => Assert.DoesNotContain(kept, value => value.Contains(secret, StringComparison.Ordinal)));
    }

    private static async Task<Browser> SignedInAsync(RunningIdentity identity, string email)
    {
        var browser = new Browser(identity.Address);
        await browser.OpenAsync("/account");
        Assert.Equal("/account", (await browser.SignInAsync(email, DemoAccounts.Password)).Address.AbsolutePath);
        return browser;
    }

    private static async Task<(string Key, IReadOnlyList<string> Codes)> SetUpAsync(RunningIdentity identity, string email)
    {
        using var browser = await SignedInAsync(identity, email);
        var key = (await browser.OpenAsync("/account/second-factor")).Codes.Single();
        return (key, (await browser.PressAsync("Turn the second factor on", ("code", Code(identity, key)))).Codes);
    }

    private static async Task<Seen> AttemptAsync(RunningIdentity identity, string email, string code)
    {
        using var browser = new Browser(identity.Address);
        await browser.OpenAsync("/account/sign-in");
        await browser.SignInAsync(email, DemoAccounts.Password);
        return await browser.PressAsync("Sign in", ("code", code));
    }

    private static string Code(RunningIdentity identity, string key) =>
        new Totp(Base32Encoding.ToBytes(key)).ComputeTotp(identity.Time.GetUtcNow().UtcDateTime);
}
