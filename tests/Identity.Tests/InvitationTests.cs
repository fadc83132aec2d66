using System.Net;
using KkiMesh.TestKit;
using MimeKit;

namespace KkiMesh.Identity.Tests;

/// <summary>People who are asked in.</summary>
[Collection(WithIdentity.Name)]
public sealed class InvitationTests(ApiIdentity shared, TestServers servers)
{
    private const string Invitations = "/gorenjska/identity/invitations";
    private const string Grants = "/gorenjska/identity/grants";

    [Fact]
    public async Task Who_is_invited_gets_a_letter_and_the_roles_whether_they_had_an_account_or_not()
    {
        var (email, juror) = ("o'néva+izziv@example.org", Guid.NewGuid().ToString());
        var first = await InviteAsync("coordinator", email, "sl", ("member", null), ("juror", juror), ("juror", juror));
        var again = await InviteAsync("operator", email.ToUpperInvariant(), "en", ("auditor", null));

        Assert.Equal((HttpStatusCode.Accepted, HttpStatusCode.Accepted), (first.Status, again.Status));
        Assert.Equal((null, null), (first.Body, again.Body));
        var juries = await shared.GetAsync($"{Grants}?role=juror&pageSize=100", "coordinator");
        var subject = (string)juries.Items().Single(g => (string?)g["of"] == juror)["subject"]!;
        var given = (await shared.GetAsync($"{Grants}?subject={subject}", "coordinator")).Items().ToList();
        Assert.Equal(["auditor", "juror", "member"], given.Select(g => (string)g["role"]!).Order(StringComparer.Ordinal));
        Assert.All(given, g => Assert.Equal((email, ""), ((string)g["email"]!, (string)g["name"]!)));
        var letters = LettersTo(email);
        Assert.Equal(2, letters.Count);
        var link = $"{shared.Identity.Address}account/password?account={subject}&code=";
        Assert.All(letters, l => Assert.Contains(link, l.TextBody, StringComparison.Ordinal));
        Assert.Contains("povabljeni", letters[0].TextBody, StringComparison.Ordinal);
        Assert.Contains("you are invited", letters[1].TextBody, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("coordinator", """{"email":"new-1@example.org","language":"sl","grants":[{"role":"operator"}]}""", 403, null)]
    [InlineData("operator", """{"email":"new-1@example.org","language":"sl","grants":[{"role":"auditor"},{"role":"member"}]}""", 403, null)]
    [InlineData("coordinator", """{"email":"new-1@example.org","language":"sl","grants":[{"role":"member"},{"role":"juror","of":"1"}]}""", 422, "grants[1].of")]
    [InlineData("operator", """{"email":"new-1@example.org","language":"sl","grants":[{"role":"partner"}]}""", 422, "grants[0].role")]
    [InlineData("coordinator", """{"email":"new-1@example.org","language":"sl","grants":[null]}""", 422, "grants[0]")]
    [InlineData("coordinator", """{"email":"new-1@example.org","language":"sl","grants":[]}""", 400, "grants")]
    [InlineData("coordinator", """{"email":"new-1@example.org","language":"de","grants":[{"role":"member"}]}""", 400, "language")]
    [InlineData("coordinator", """{"email":"new 1@example.org","language":"sl","grants":[{"role":"member"}]}""", 400, "email")]
    [InlineData("coordinator", """{"email":"coordinator@example.org","language":"sl","grants":[{"role":"member"}]}""", 403, null)]
    public async Task What_may_not_be_is_refused_in_a_sentence_and_changes_nothing(string who, string body, int status, string? field)
    {
        var before = await TotalAsync();

        var refused = await shared.PostAsync(Invitations, who, body);

        Assert.Equal(status, (int)refused.Status);
        Assert.NotEmpty(refused.Detail!);
        if (field is not null)
            Assert.Equal(field, refused.Body!["errors"]!.AsObject().Single().Key);
        Assert.Equal(before, await TotalAsync());
        Assert.Empty(LettersTo("new-1@example.org"));
        Assert.Equal(422, (int)(await shared.PostAsync(Grants, "coordinator", new { email = "new-1@example.org", role = "member" })).Status);
    }

    [Fact]
    public async Task A_letter_gives_twenty_roles_at_the_most()
    {
        var roles = Enumerable.Range(0, 21).Select(n => ("officer", (string?)$"{n:000}")).ToArray();

        Assert.Equal(HttpStatusCode.BadRequest, (await InviteAsync("coordinator", "new-2@example.org", "sl", roles)).Status);
        Assert.Equal(HttpStatusCode.Accepted, (await InviteAsync("coordinator", "new-2@example.org", "sl", roles[1..])).Status);
    }

    [Fact]
    public async Task A_region_invites_fifty_people_an_hour()
    {
        await using var identity = await RunningIdentity.StartAsync(servers, ("Mesh:Regions:1", "posavje"));
        var coordinator = await identity.TokenAsync("coordinator");
        var answers = await Task.WhenAll(Enumerable.Range(0, 52).Select(n => SendAsync("gorenjska", $"new-{n}@example.org")));

        Assert.Equal(50, answers.Count(a => a.Status == HttpStatusCode.Accepted));
        Assert.All(answers.Where(a => a.Status != HttpStatusCode.Accepted), a =>
            Assert.Equal((HttpStatusCode.TooManyRequests, TimeSpan.FromHours(1)), (a.Status, a.Headers.RetryAfter!.Delta)));
        Assert.Equal(50, identity.Letters.Count);
        Assert.Equal(HttpStatusCode.Accepted, (await SendAsync("posavje", "new@example.org")).Status);

        identity.Time.Advance(TimeSpan.FromHours(1));
        coordinator = await identity.TokenAsync("coordinator");
        Assert.Equal(HttpStatusCode.Accepted, (await SendAsync("gorenjska", "new@example.org")).Status);

        Task<Answer> SendAsync(string region, string email) => identity.SendAsync(
            HttpMethod.Post, $"/{region}/identity/invitations", coordinator, new { email, language = "en", grants = (object[])[new { role = "member" }] });
    }

    [Fact]
    public async Task A_letter_that_nobody_takes_is_told_and_can_be_sent_again()
    {
        await using var identity = await RunningIdentity.StartAsync(servers, ("Mail:Smtp", "smtp://127.0.0.1:1"));
        var coordinator = await identity.TokenAsync("coordinator");

        var failed = await identity.SendAsync(
            HttpMethod.Post, Invitations, coordinator, new { email = "new@example.org", language = "en", grants = (object[])[new { role = "member" }] });

        Assert.Equal((HttpStatusCode.ServiceUnavailable, TimeSpan.FromMinutes(1)), (failed.Status, failed.Headers.RetryAfter!.Delta));
        Assert.NotEmpty(failed.Detail!);
        Assert.Contains((await identity.SendAsync(HttpMethod.Get, Grants, coordinator)).Items(), g => (string?)g["email"] == "new@example.org");
    }

    private Task<Answer> InviteAsync(string who, string email, string language, params (string Role, string? Of)[] roles) =>
        shared.PostAsync(Invitations, who, new { email, language, grants = roles.Select(r => new { role = r.Role, of = r.Of }) });

    private List<MimeMessage> LettersTo(string email) => [.. shared.Identity.Letters.Where(l => l.To.Mailboxes.Single().Address == email)];

    private async Task<long> TotalAsync() => (long)(await shared.GetAsync($"{Grants}?pageSize=1", "auditor")).Body!["total"]!;
}
