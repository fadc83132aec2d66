using System.Net;
using System.Security.Claims;
using System.Security.Cryptography;
using KkiMesh.TestKit;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace KkiMesh.Identity.Tests;

/// <summary>Who gets into the API at all, and that it is written down.</summary>
[Collection(WithIdentity.Name)]
public sealed class ApiAccessTests(ApiIdentity shared, TestServers servers)
{
    private const string Grants = "/gorenjska/identity/grants";

    [Theory]
    [InlineData("GET", "grants")]
    [InlineData("POST", "grants")]
    [InlineData("DELETE", "grants/0199c0de-0000-7000-8000-000000000000")]
    [InlineData("POST", "invitations")]
    [InlineData("GET", "clients")]
    [InlineData("GET", "clients/anybody")]
    [InlineData("PUT", "clients/anybody")]
    [InlineData("DELETE", "clients/anybody")]
    [InlineData("POST", "clients/anybody/secret")]
    [InlineData("GET", "access-log")]
    public async Task Nothing_is_open_to_who_has_no_token_no_role_or_the_role_elsewhere(string method, string path)
    {
        var (verb, body) = (new HttpMethod(method), method is "POST" or "PUT" ? "{}" : null);

        var none = await shared.SendAsync(verb, $"/gorenjska/identity/{path}", null, body);
        Assert.Equal(HttpStatusCode.Unauthorized, none.Status);
        Assert.NotEmpty(none.Detail!);
        Assert.Equal("Bearer", none.Headers.WwwAuthenticate.Single().Scheme);
        foreach (var refused in (Answer[])
        [
            await shared.SendAsync(verb, $"/gorenjska/identity/{path}", "member", body),
            await shared.SendAsync(verb, $"/elsewhere/identity/{path}", "coordinator", body),
            await shared.SendAsync(verb, $"/elsewhere/identity/{path}", "operator", body),
            await shared.SendAsync(verb, $"/elsewhere/identity/{path}", "auditor", body),
        ])
        {
            Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
            Assert.NotEmpty(refused.Detail!);
        }
    }

    [Fact]
    public async Task A_forged_token_is_none()
    {
        var good = await shared.Identity.TokenAsync("operator");
        using var rsa = RSA.Create(2048);
        var own = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = shared.Identity.Address.ToString(),
            Audience = "kkimesh",
            Expires = shared.Identity.Time.GetUtcNow().AddMinutes(5).UtcDateTime,
            TokenType = "at+jwt",
            Subject = new ClaimsIdentity([new("sub", Guid.NewGuid().ToString()), new("scope", "kkimesh"), new("roles", "gorenjska/operator")]),
            SigningCredentials = new SigningCredentials(new RsaSecurityKey(rsa), SecurityAlgorithms.RsaSha256),
        });
        var parts = good.Split('.');

        Assert.Equal(HttpStatusCode.OK, (await shared.Identity.SendAsync(HttpMethod.Get, Grants, good)).Status);
        foreach (var forged in (string[])[own, $"{parts[0]}.{own.Split('.')[1]}.{parts[2]}", $"{parts[0]}.{parts[1]}.", "nonsense"])
        {
            var refused = await shared.Identity.SendAsync(HttpMethod.Get, Grants, forged);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.Status);
            Assert.NotEmpty(refused.Headers.WwwAuthenticate);
        }

        Assert.Equal(HttpStatusCode.Unauthorized, (await shared.Identity.SendAsync(HttpMethod.Get, $"{Grants}?access_token={good}", null)).Status);
    }

    [Fact]
    public async Task A_token_for_events_or_for_nothing_but_a_name_does_not_manage_people()
    {
        var made = await shared.SendAsync(HttpMethod.Put, "/gorenjska/identity/clients/narrow", "operator", new
        {
            name = "Narrow",
            kind = "application",
            scopes = (string[])["openid", "events"],
            redirectUris = (string[])["http://127.0.0.1/narrow"],
        });
        Assert.Equal(HttpStatusCode.Created, made.Status);
        using var person = new Person(DemoAccounts.Email("operator"), DemoAccounts.Password);
        var events = await shared.Identity.Client(person, "narrow", "http://127.0.0.1:4711/narrow", "openid events").LoginAsync();
        var name = await shared.Identity.TokenAsync("operator", "openid profile");

        Assert.Equal("kkimesh", new JsonWebToken(events.AccessToken).Audiences.Single());
        Assert.Equal(HttpStatusCode.Forbidden, (await shared.Identity.SendAsync(HttpMethod.Get, Grants, events.AccessToken)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await shared.Identity.SendAsync(HttpMethod.Get, Grants, name)).Status);
    }

    [Fact]
    public async Task A_browser_that_is_signed_in_gets_nothing_without_a_token()
    {
        using var person = new Person(DemoAccounts.Email("operator"), DemoAccounts.Password);
        Assert.False((await shared.Identity.Client(person).LoginAsync()).IsError);

        Assert.Equal(HttpStatusCode.Unauthorized, await person.StatusOfAsync(new Uri(shared.Identity.Address, Grants)));
    }

    [Fact]
    public async Task A_token_ends_with_its_time()
    {
        await using var identity = await RunningIdentity.StartAsync(servers);
        var token = await identity.TokenAsync("operator");
        Assert.Equal(HttpStatusCode.OK, (await identity.SendAsync(HttpMethod.Get, Grants, token)).Status);

        identity.Time.Advance(TimeSpan.FromMinutes(16));

        Assert.Equal(HttpStatusCode.Unauthorized, (await identity.SendAsync(HttpMethod.Get, Grants, token)).Status);
    }

    [Fact]
    public async Task Every_call_with_a_token_is_written_down_without_personal_data()
    {
        await using var identity = await RunningIdentity.StartAsync(servers);
        var (coordinator, member) = (await identity.TokenAsync("coordinator"), await identity.TokenAsync("member"));
        var auditor = await identity.TokenAsync("auditor");
        var given = await SendAsync(HttpMethod.Post, Grants, coordinator, new { email = "juror-1@example.org", role = "mentor" });
        await SendAsync(HttpMethod.Post, Grants, coordinator, "nonsense");
        await SendAsync(HttpMethod.Get, "/gorenjska/identity/clients/juror-1@example.org", member);
        await SendAsync(HttpMethod.Get, Grants, null);
        await SendAsync(HttpMethod.Get, $"{Grants}?subject={given.Body!["subject"]}", auditor);

        var log = await identity.AccessLogAsync(auditor);

        Assert.Equal(
            [
                ("GET grants", "auditor", 200, (string?)given.Body["subject"]),
                ("GET clients/{id}", "member", 403, null),
                ("POST grants", "coordinator", 400, null),
                ("POST grants", "coordinator", 201, (string?)given.Body["subject"]),
            ],
            log.Select(r => ((string)r["what"]!, (string)r["roles"]!, (int)r["status"]!, (string?)r["about"])));
        Assert.Equal(new JsonWebToken(member).Subject, (string)log[1]["subject"]!);
        Assert.DoesNotContain(log, r => r.ToJsonString().Contains("example.org", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(HttpMethod.Get, "/gorenjska/identity/access-log", coordinator)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(HttpMethod.Get, "/gorenjska/identity/access-log?pageSize=101", auditor)).Status);

        Task<Answer> SendAsync(HttpMethod method, string path, string? token, object? body = null)
        {
            identity.Time.Advance(TimeSpan.FromSeconds(1));
            return identity.SendAsync(method, path, token, body);
        }
    }

    [Fact]
    public async Task The_document_describes_every_endpoint()
    {
        var document = (await shared.GetAsync("/openapi/v1.json", null)).Body!;
        var operations = document["paths"]!.AsObject()
            .Where(p => p.Key.StartsWith("/{region}/identity/", StringComparison.Ordinal))
            .SelectMany(p => p.Value!.AsObject().Select(o => (Name: $"{o.Key} {p.Key["/{region}/identity/".Length..]}", Operation: o.Value!)))
            .ToList();

        Assert.Equal(
            [
                "delete clients/{id}", "delete grants/{id}", "get access-log", "get clients", "get clients/{id}", "get grants",
                "post clients/{id}/secret", "post grants", "post invitations", "put clients/{id}",
            ],
            operations.Select(o => o.Name).Order(StringComparer.Ordinal));
        Assert.All(operations, o =>
        {
            Assert.NotEmpty((string)o.Operation["summary"]!);
            Assert.NotEmpty(o.Operation["security"]!.AsArray());
            Assert.Subset(o.Operation["responses"]!.AsObject().Select(r => r.Key).ToHashSet(), new HashSet<string> { "400", "401", "403" });
        });
    }
}
