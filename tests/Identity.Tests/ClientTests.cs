using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;
using Microsoft.IdentityModel.JsonWebTokens;

namespace KkiMesh.Identity.Tests;

/// <summary>Programs that a region lets connect.</summary>
[Collection(WithIdentity.Name)]
public sealed class ClientTests(ApiIdentity shared)
{
    private const string Clients = "/gorenjska/identity/clients";

    [Fact]
    public async Task A_program_with_a_secret_gets_tokens_until_it_is_removed()
    {
        var made = await PutAsync("zemljevid", new { name = "Zemljevid", kind = "integrator", scopes = (string[])["events", "events:registry"] });
        Assert.Equal((HttpStatusCode.Created, $"{Clients}/zemljevid"), (made.Status, made.Headers.Location!.ToString()));
        Assert.True(made.Headers.CacheControl!.NoStore);
        var secret = (string)made.Body!["secret"]!;
        var token = await TokenAsync(secret, "events:registry");
        var read = new JsonWebToken(token);
        Assert.Equal(("zemljevid", "kkimesh", "gorenjska/integrator"), (read.Subject, read.Audiences.Single(), read.GetClaim("roles").Value));
        Assert.NotEqual(HttpStatusCode.OK, (await shared.Identity.AskTokenAsync("zemljevid", secret, "kkimesh")).Status);

        var changed = await PutAsync("zemljevid", new { name = "Zemljevid 2", kind = "integrator", scopes = (string[])["kkimesh"] });
        var shown = await shared.GetAsync($"{Clients}/zemljevid", "operator");
        Assert.Equal((HttpStatusCode.OK, null), (changed.Status, changed.Body!["secret"]));
        Assert.True(JsonNode.DeepEquals(changed.Body, shown.Body));
        Assert.Equal(("Zemljevid 2", "kkimesh"), ((string)shown.Body!["name"]!, (string)shown.Body["scopes"]!.AsArray().Single()!));

        var renewed = await shared.SendAsync(HttpMethod.Post, $"{Clients}/zemljevid/secret", "operator");
        Assert.Equal(HttpStatusCode.Unauthorized, (await shared.Identity.AskTokenAsync("zemljevid", secret, "kkimesh")).Status);
        token = await TokenAsync((string)renewed.Body!["secret"]!, "kkimesh");
        Assert.Equal(HttpStatusCode.Forbidden, (await shared.Identity.SendAsync(HttpMethod.Get, Clients, token)).Status);

        Assert.Equal(HttpStatusCode.NoContent, (await shared.SendAsync(HttpMethod.Delete, $"{Clients}/zemljevid", "operator")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await shared.Identity.SendAsync(HttpMethod.Get, Clients, token)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await shared.Identity.AskTokenAsync("zemljevid", (string)renewed.Body["secret"]!, "kkimesh")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await shared.GetAsync($"{Clients}/zemljevid", "operator")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await shared.SendAsync(HttpMethod.Delete, $"{Clients}/zemljevid", "operator")).Status);
        Assert.NotNull((await shared.GetAsync("/gorenjska/identity/grants?subject=zemljevid", "auditor")).Items().Single()["takenAt"]);

        async Task<string> TokenAsync(string with, string scope) =>
            (string)(await shared.Identity.AskTokenAsync("zemljevid", with, scope)).Body!["access_token"]!;
    }

    [Fact]
    public async Task A_role_that_was_taken_from_a_program_can_be_given_again()
    {
        await PutAsync("partner-1", new { name = "Partner", kind = "partner" });
        var grant = (string)(await shared.GetAsync("/gorenjska/identity/grants?subject=partner-1", "operator")).Items().Single()["id"]!;

        Assert.Equal(HttpStatusCode.OK, (await shared.SendAsync(HttpMethod.Delete, $"/gorenjska/identity/grants/{grant}", "operator")).Status);
        Assert.Equal(HttpStatusCode.Created, (await GiveAsync("gorenjska")).Status);
        Assert.Equal(HttpStatusCode.OK, (await GiveAsync("gorenjska")).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await GiveAsync("posavje")).Status);

        Task<Answer> GiveAsync(string region) => shared.PostAsync($"/{region}/identity/grants", "operator", new { client = "partner-1", role = "partner" });
    }

    [Fact]
    public async Task A_person_lets_an_application_act_for_them_until_it_is_removed()
    {
        var made = await PutAsync("app", new
        {
            name = "Aplikacija",
            kind = "application",
            scopes = (string[])["openid", "profile", "offline_access", "kkimesh", "events:funding"],
            redirectUris = (string[])["http://127.0.0.1/back"],
        });
        Assert.Equal((HttpStatusCode.Created, null), (made.Status, made.Body!["secret"]));
        Assert.Equal("http://127.0.0.1/back", (string)made.Body["postLogoutRedirectUris"]!.AsArray().Single()!);
        using var person = new Person(DemoAccounts.Email("member-4"), DemoAccounts.Password);
        var client = shared.Identity.Client(person, "app", "http://127.0.0.1:40404/back", "openid profile offline_access kkimesh events:funding");

        var signedIn = await client.LoginAsync();
        var refreshed = await client.RefreshTokenAsync(signedIn.RefreshToken);

        Assert.False(signedIn.IsError, signedIn.Error);
        Assert.Contains("<strong>Aplikacija</strong>", person.Pages[^1], StringComparison.Ordinal);
        Assert.Contains("dogodke financiranja", person.Pages[^1], StringComparison.Ordinal);
        Assert.False(refreshed.IsError, refreshed.Error);
        Assert.Equal(HttpStatusCode.Conflict, (await shared.SendAsync(HttpMethod.Post, $"{Clients}/app/secret", "operator")).Status);
        Assert.Equal(422, (int)(await shared.PostAsync("/gorenjska/identity/grants", "operator", new { client = "app", role = "partner" })).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await shared.SendAsync(HttpMethod.Delete, $"{Clients}/app", "operator")).Status);
        Assert.True((await client.RefreshTokenAsync(refreshed.RefreshToken)).IsError);
        Assert.Equal(HttpStatusCode.Unauthorized, (await shared.Identity.SendAsync(HttpMethod.Get, Clients, refreshed.AccessToken)).Status);
    }

    [Theory]
    [InlineData("ab", """{"name":"N","kind":"partner"}""", 422, "id")]
    [InlineData("1ab", """{"name":"N","kind":"partner"}""", 422, "id")]
    [InlineData("Abc", """{"name":"N","kind":"partner"}""", 422, "id")]
    [InlineData("abc%0A", """{"name":"N","kind":"partner"}""", 422, "id")]
    [InlineData("service-registry", """{"name":"N","kind":"partner"}""", 422, "id")]
    [InlineData("mesh-x", """{"name":"N","kind":"partner"}""", 422, "id")]
    [InlineData("a0a0a0a0-0000-4000-8000-000000000000", """{"name":"N","kind":"partner"}""", 422, "id")]
    [InlineData("a0a0a0a0000040008000000000000000", """{"name":"N","kind":"partner"}""", 422, "id")]
    [InlineData("mesh", """{"name":"N","kind":"application","redirectUris":["https://example.org/"]}""", 409, null)]
    [InlineData("demo-integrator", """{"name":"N","kind":"integrator"}""", 409, null)]
    [InlineData("refused", """{"name":"","kind":"partner"}""", 400, "name")]
    [InlineData("refused", """{"name":"N","kind":"king"}""", 400, "kind")]
    [InlineData("refused", """{"name":"N"}""", 400, "kind")]
    [InlineData("refused", """{"name":"N","kind":"partner","scopes":["openid"]}""", 422, "scopes")]
    [InlineData("refused", """{"name":"N","kind":"partner","scopes":["events:all"]}""", 422, "scopes")]
    [InlineData("refused", """{"name":"N","kind":"partner","scopes":[null]}""", 422, "scopes")]
    [InlineData("refused", """{"name":"N","kind":"partner","redirectUris":["https://example.org/"]}""", 422, "redirectUris")]
    [InlineData("refused", """{"name":"N","kind":"application"}""", 422, "redirectUris")]
    [InlineData("refused", """{"name":"N","kind":"application","redirectUris":[]}""", 422, "redirectUris")]
    [InlineData("refused", """{"name":"N","kind":"application","redirectUris":[null]}""", 422, "redirectUris")]
    [InlineData("refused", """{"name":"N","kind":"application","redirectUris":["http://example.org/"]}""", 422, "redirectUris")]
    [InlineData("refused", """{"name":"N","kind":"application","redirectUris":["javascript:alert(1)"]}""", 422, "redirectUris")]
    [InlineData("refused", """{"name":"N","kind":"application","redirectUris":["https://example.org/#a"]}""", 422, "redirectUris")]
    [InlineData("refused", """{"name":"N","kind":"application","redirectUris":["https://a@example.org/"]}""", 422, "redirectUris")]
    [InlineData("refused", """{"name":"N","kind":"application","redirectUris":["/back"]}""", 422, "redirectUris")]
    [InlineData(
        "refused",
        """{"name":"N","kind":"application","redirectUris":["https://example.org/"],"postLogoutRedirectUris":["ftp://example.org/"]}""",
        422,
        "postLogoutRedirectUris")]
    public async Task What_may_not_be_is_refused_in_a_sentence_and_changes_nothing(string id, string body, int status, string? field)
    {
        var refused = await PutAsync(id, body);

        Assert.Equal(status, (int)refused.Status);
        Assert.NotEmpty(refused.Detail!);
        if (field is not null)
            Assert.Equal(field, refused.Body!["errors"]!.AsObject().Single().Key);
        Assert.Equal(HttpStatusCode.NotFound, (await shared.GetAsync($"{Clients}/{id}", "operator")).Status);
    }

    [Fact]
    public async Task A_program_keeps_its_kind()
    {
        await PutAsync("kind", new { name = "N", kind = "partner" });

        Assert.Equal(HttpStatusCode.Conflict, (await PutAsync("kind", new { name = "N", kind = "integrator" })).Status);
    }

    [Fact]
    public async Task Another_regions_operator_learns_nothing_of_it()
    {
        await PutAsync("ours", new { name = "Ours", kind = "partner" });
        await shared.PostAsync("/posavje/identity/grants", "operator", new { email = "member-5@example.org", role = "operator" });
        var theirs = await shared.SendAsync(HttpMethod.Put, "/posavje/identity/clients/theirs", "member-5", new { name = "Theirs", kind = "partner" });
        Assert.Equal(HttpStatusCode.Created, theirs.Status);

        foreach (var id in (string[])["ours", "unheard-of"])
        {
            Assert.Equal(HttpStatusCode.NotFound, (await shared.GetAsync($"/posavje/identity/clients/{id}", "member-5")).Status);
            Assert.Equal(HttpStatusCode.NotFound, (await shared.SendAsync(HttpMethod.Delete, $"/posavje/identity/clients/{id}", "member-5")).Status);
            Assert.Equal(HttpStatusCode.NotFound, (await shared.SendAsync(HttpMethod.Post, $"/posavje/identity/clients/{id}/secret", "member-5")).Status);
        }

        var taken = await shared.SendAsync(HttpMethod.Put, "/posavje/identity/clients/ours", "member-5", new { name = "Mine", kind = "partner" });
        Assert.Equal(HttpStatusCode.Conflict, taken.Status);
        Assert.DoesNotContain("gorenjska", taken.Detail, StringComparison.Ordinal);
        Assert.Equal("theirs", (string)(await shared.GetAsync("/posavje/identity/clients", "member-5")).Items().Single()["id"]!);
        Assert.Equal("Ours", (string)(await shared.GetAsync($"{Clients}/ours", "operator")).Body!["name"]!);
        Assert.Equal(HttpStatusCode.Forbidden, (await shared.GetAsync(Clients, "member-5")).Status);
    }

    [Fact]
    public async Task Many_who_make_the_same_at_once_make_it_once()
    {
        await shared.GetAsync(Clients, "operator");

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(n => PutAsync("at-once", new { name = $"{n}", kind = "integrator" })));

        Assert.Single(answers, a => a.Status == HttpStatusCode.Created);
        Assert.Equal(5, answers.Count(a => a.Status == HttpStatusCode.OK));
        Assert.Contains((await shared.GetAsync($"{Clients}?pageSize=100", "operator")).Items(), c => (string)c["id"]! == "at-once");
    }

    private Task<Answer> PutAsync(string id, object body) => shared.SendAsync(HttpMethod.Put, $"{Clients}/{id}", "operator", body);
}
