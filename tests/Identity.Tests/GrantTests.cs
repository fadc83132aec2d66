using System.Net;
using Microsoft.IdentityModel.JsonWebTokens;

namespace KkiMesh.Identity.Tests;

/// <summary>Who gets which role, and who says so.</summary>
[Collection(WithIdentity.Name)]
public sealed class GrantTests(ApiIdentity shared)
{
    private const string Grants = "/gorenjska/identity/grants";

    [Fact]
    public async Task A_role_is_in_the_next_token_until_it_is_taken_away()
    {
        var challenge = Guid.NewGuid().ToString();
        using var person = new Person(DemoAccounts.Email("member-1"), DemoAccounts.Password);
        var client = shared.Identity.Client(person);
        var before = await client.LoginAsync();

        var given = await shared.PostAsync(Grants, "coordinator", new { email = "member-1@example.org", role = "juror", of = challenge.ToUpperInvariant() });
        var again = await shared.PostAsync(Grants, "coordinator", new { email = "Member-1@example.org", role = "juror", of = challenge });
        var with = await client.RefreshTokenAsync(before.RefreshToken);
        var address = given.Headers.Location!.ToString();
        var taken = await shared.SendAsync(HttpMethod.Delete, address, "coordinator");
        var without = await client.RefreshTokenAsync(with.RefreshToken);
        var takenAgain = await shared.SendAsync(HttpMethod.Delete, address, "coordinator");

        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.OK), (given.Status, again.Status));
        Assert.Equal((string)given.Body!["id"]!, (string)again.Body!["id"]!);
        Assert.Equal(("member-1@example.org", "Demo member-1"), ((string)given.Body["email"]!, (string)given.Body["name"]!));
        Assert.Equal($"{Grants}/{given.Body["id"]}", address);
        Assert.DoesNotContain($"gorenjska/juror/{challenge}", RolesIn(before.AccessToken));
        Assert.Contains($"gorenjska/juror/{challenge}", RolesIn(with.AccessToken));
        Assert.DoesNotContain($"gorenjska/juror/{challenge}", RolesIn(without.AccessToken));
        Assert.Equal(HttpStatusCode.OK, taken.Status);
        Assert.NotNull(taken.Body!["takenAt"]);
        Assert.Equal(HttpStatusCode.Conflict, takenAgain.Status);
        var listed = await shared.GetAsync($"{Grants}?subject={given.Body["subject"]}&role=juror", "auditor");
        Assert.Equal((string)taken.Body["takenBy"]!, (string)listed.Items().Single()["takenBy"]!);
        var anew = await shared.PostAsync(Grants, "coordinator", new { email = "member-1@example.org", role = "juror", of = challenge });
        Assert.Equal(HttpStatusCode.Created, anew.Status);
    }

    [Fact]
    public async Task Only_a_coordinator_sees_names_and_addresses()
    {
        var given = await shared.PostAsync(Grants, "operator", new { email = "member-2@example.org", role = "treasurer" });
        Assert.Equal(HttpStatusCode.Created, given.Status);
        Assert.DoesNotContain("example.org", given.Body!.ToJsonString(), StringComparison.Ordinal);

        foreach (var who in (string[])["operator", "auditor"])
        {
            var seen = await shared.GetAsync($"{Grants}?pageSize=100&role=treasurer", who);
            Assert.Equal(HttpStatusCode.OK, seen.Status);
            Assert.Contains(seen.Items(), g => (string)g["id"]! == (string)given.Body["id"]!);
            Assert.All(seen.Items(), g => Assert.True(g["email"] is null && g["name"] is null));
        }

        var all = await shared.GetAsync($"{Grants}?pageSize=100&role=treasurer", "coordinator");
        Assert.Contains(all.Items(), g => (string?)g["email"] == "member-2@example.org");
        Assert.All(all.Items(), g => Assert.Equal("treasurer", (string)g["role"]!));
    }

    [Theory]
    [InlineData("coordinator", """{"email":"member@example.org","role":"operator"}""", 403, null)]
    [InlineData("operator", """{"email":"member@example.org","role":"juror"}""", 403, null)]
    [InlineData("auditor", """{"email":"member@example.org","role":"juror"}""", 403, null)]
    [InlineData("coordinator", """{"email":"member@example.org","role":"king"}""", 422, "role")]
    [InlineData("coordinator", """{"email":"nobody@example.org","role":"member"}""", 422, "email")]
    [InlineData("coordinator", """{"role":"member"}""", 422, "email")]
    [InlineData("operator", """{"email":"member@example.org","client":"demo-integrator","role":"integrator"}""", 422, "email")]
    [InlineData("operator", """{"client":"demo-integrator","role":"integrator"}""", 422, "client")]
    [InlineData("operator", """{"client":"demo-integrator","role":"operator"}""", 422, "role")]
    [InlineData("operator", """{"email":"member@example.org","role":"integrator"}""", 422, "role")]
    [InlineData("operator", """{"email":"member@example.org","role":"treasurer","of":"052"}""", 422, "of")]
    [InlineData("coordinator", """{"email":"member@example.org","role":"juror","of":"052"}""", 422, "of")]
    [InlineData("coordinator", """{"email":"member@example.org","role":"officer","of":"05/2"}""", 422, "of")]
    [InlineData("coordinator", """{"email":"member@example.org","role":"officer","of":"052\n"}""", 400, "of")]
    [InlineData("coordinator", """{"email":"member@example.org","role":"officer","of":""}""", 422, "of")]
    [InlineData("coordinator", """{"email":"coordinator@example.org","role":"member"}""", 403, null)]
    [InlineData("operator", """{"email":"operator@example.org","role":"treasurer"}""", 403, null)]
    [InlineData("coordinator", """{"email":"not an address","role":"member"}""", 400, "email")]
    [InlineData("coordinator", """{"email":"member@example.org"}""", 400, "role")]
    [InlineData("coordinator", """{"email":"member@example.org","role":"member","until":"never"}""", 400, "until")]
    [InlineData("coordinator", """{"email":"member\u0000@example.org","role":"member"}""", 400, "email")]
    [InlineData("coordinator", "[]", 400, null)]
    public async Task What_may_not_be_given_is_refused_in_a_sentence_and_changes_nothing(string who, string body, int status, string? field)
    {
        var before = await TotalAsync();

        var refused = await shared.PostAsync(Grants, who, body);

        Assert.Equal(status, (int)refused.Status);
        Assert.NotEmpty(refused.Detail!);
        if (field is not null)
            Assert.Equal(field, refused.Body!["errors"]!.AsObject().Single().Key);
        Assert.Equal(before, await TotalAsync());
    }

    [Fact]
    public async Task What_is_too_long_is_refused()
    {
        var longKey = await shared.PostAsync(Grants, "coordinator", new { email = "member@example.org", role = "officer", of = new string('a', 101) });
        var longBody = await shared.PostAsync(Grants, "coordinator", new { email = new string('a', 70_000), role = "officer" });

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.RequestEntityTooLarge), (longKey.Status, longBody.Status));
        Assert.NotEmpty(longBody.Detail!);
    }

    [Fact]
    public async Task A_role_is_taken_by_whoever_gives_such_roles_and_never_by_its_owner()
    {
        var juror = await IdOfAsync("juror");
        var coordinator = await IdOfAsync("coordinator");

        Assert.Equal(HttpStatusCode.Forbidden, (await shared.SendAsync(HttpMethod.Delete, $"{Grants}/{juror}", "operator")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await shared.SendAsync(HttpMethod.Delete, $"{Grants}/{coordinator}", "coordinator")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await shared.SendAsync(HttpMethod.Delete, $"{Grants}/{await IdOfAsync("operator")}", "operator")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await shared.SendAsync(HttpMethod.Delete, $"{Grants}/{Guid.NewGuid()}", "operator")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await shared.SendAsync(HttpMethod.Delete, $"{Grants}/1", "operator")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await shared.SendAsync(HttpMethod.Delete, $"/posavje/identity/grants/{coordinator}", "operator")).Status);

        async Task<string> IdOfAsync(string role) => (string)(await shared.GetAsync($"{Grants}?role={role}&pageSize=100", "coordinator")).Items()
            .Single(g => (string?)g["email"] == DemoAccounts.Email(role) && g["takenAt"] is null)["id"]!;
    }

    [Theory]
    [InlineData("role=king")]
    [InlineData("subject=")]
    [InlineData("subject=a%00")]
    [InlineData("pageSize=101")]
    [InlineData("page=0")]
    public async Task A_list_that_cannot_be_is_refused(string query) =>
        Assert.Equal(HttpStatusCode.BadRequest, (await shared.GetAsync($"{Grants}?{query}", "auditor")).Status);

    [Fact]
    public async Task Many_who_give_the_same_at_once_give_it_once()
    {
        await shared.GetAsync(Grants, "coordinator");

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ =>
            shared.PostAsync(Grants, "coordinator", new { email = "member-3@example.org", role = "mentor", of = "kreativnice" })));

        Assert.Single(answers, a => a.Status == HttpStatusCode.Created);
        Assert.Equal(7, answers.Count(a => a.Status == HttpStatusCode.OK));
        Assert.Single(answers.Select(a => (string)a.Body!["id"]!).Distinct());
    }

    [Fact]
    public async Task Nobody_gets_more_roles_than_a_token_carries()
    {
        var answers = new List<HttpStatusCode>();
        for (var municipality = 0; municipality < GrantRules.MostOfSubject; municipality++)
        {
            var officer = new { email = "member-6@example.org", role = "officer", of = $"{municipality:000}" };
            answers.Add((await shared.PostAsync(Grants, "coordinator", officer)).Status);
        }

        // The demo account is a member of two regions already.
        Assert.All(answers[..^2], a => Assert.Equal(HttpStatusCode.Created, a));
        Assert.All(answers[^2..], a => Assert.Equal(HttpStatusCode.Conflict, a));
        Assert.True((await shared.Identity.TokenAsync("member-6")).Length < 12_000);
    }

    private static IEnumerable<string> RolesIn(string token) => new JsonWebToken(token).Claims.Where(c => c.Type == "roles").Select(c => c.Value);

    private async Task<long> TotalAsync() => (long)(await shared.GetAsync($"{Grants}?pageSize=1", "auditor")).Body!["total"]!;
}
