using System.Collections.Concurrent;
using System.Net;
using KkiMesh.AppHost;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// Every endpoint of every service, through the gateway, with every kind of token, against docs/access.md. The mesh
/// runs against another issuer than its own, with words of its own for roles, as an operator may set it up.
/// </summary>
[Collection<Apart>]
public sealed class AccessTests(TestServers servers, ITestOutputHelper output)
{
    // The one challenge, say, that a juror's role is good for.
    private const string Theirs = "0190c0de-0000-7000-8000-000000000001";
    private const string NotTheirs = "0190c0de-0000-7000-8000-000000000002";

    [Fact]
    public async Task Each_endpoint_takes_just_whom_the_table_names()
    {
        var table = await AccessTable.ReadAsync();
        await using var place = await servers.NewPlaceAsync();
        await using var mesh = await StartAsync(place);
        await using var stranger = await Issuer.StartAsync();
        using var gateway = new HttpClient { BaseAddress = mesh.Gateway };
        var faults = new ConcurrentBag<string>();
        foreach (var service in Topology.Services.Where(s => s != Topology.Identity))
        {
            using var direct = new HttpClient { BaseAddress = mesh.Url(service.Name) };
            var endpoints = await AccessTable.OfDocumentAsync(gateway, $"/openapi/{service.Name}.json");
            Assert.Equal(table.Of(service.Name), endpoints);
            foreach (var endpoint in endpoints)
            {
                await Task.WhenAll(Tokens(place.Issuer, table, endpoint).Select(t => CheckAsync(gateway, endpoint, t.Kind, t.Token, Theirs, t.Refusal)));
                if (table.Who(endpoint).Contains("juror of this id"))
                    await CheckAsync(gateway, endpoint, "juror of another id", Token(place.Issuer, "juror-of-one"), NotTheirs, HttpStatusCode.Forbidden);

                // Turned away at the door, also where no token is needed: who shows one wants
                // to be known. And by the service for itself.
                HttpStatusCode? refusal = table.Who(endpoint).Contains(AccessTable.Everybody) ? null : HttpStatusCode.Unauthorized;
                await Task.WhenAll(Forged(place.Issuer, stranger).Select(t => CheckAsync(gateway, endpoint, t.Kind, t.Token, Theirs, HttpStatusCode.Unauthorized)));
                await Task.WhenAll(Forged(place.Issuer, stranger).Select(t => CheckAsync(direct, endpoint, t.Kind + ", directly", t.Token, Theirs, refusal)));
            }

            output.WriteLine($"{service.Name}: {endpoints.Count} endpoints");
        }

        Assert.Empty(faults);

        async Task CheckAsync(HttpClient http, string endpoint, string kind, string? token, string id, HttpStatusCode? refusal)
        {
            if (await AccessTable.FaultAsync(http, endpoint, kind, token, refusal, id) is { } fault)
                faults.Add(fault);
        }
    }

    [Fact]
    public async Task Each_endpoint_that_changes_something_says_whom_it_concerns_as_the_table_does()
    {
        var table = await AccessTable.ReadAsync();
        await using var place = await servers.NewPlaceAsync();
        await using var mesh = await StartAsync(place);
        using var gateway = new HttpClient { BaseAddress = mesh.Gateway };
        var faults = new List<string>();
        foreach (var service in Topology.Services.Where(s => s != Topology.Identity))
        {
            faults.AddRange((await AccessTable.ConcernsOfDocumentAsync(gateway, $"/openapi/{service.Name}.json"))
                .Where(e => e.Value != table.Concerns(e.Key)).Select(e => $"{e.Key}|{e.Value ?? "does not say whom it concerns"}|{table.Concerns(e.Key)}"));
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    private static IEnumerable<(string Kind, string Token)> Forged(Issuer issuer, Issuer stranger)
    {
        var all = AccessTable.Roles.ToArray();
        yield return ("an expired token", Token(issuer, all, issued: TimeSpan.FromMinutes(-20)));
        yield return ("a token of tomorrow", Token(issuer, all, issued: TimeSpan.FromDays(1)));
        yield return ("a wrong signature", Token(stranger, all, by: issuer.Address.ToString()));
        yield return ("another issuer", Token(stranger, all));
        yield return ("another audience", Token(issuer, all, audience: "elsewhere"));
        yield return ("no signature", Unsigned(Token(issuer, all)));
    }

    // With how each is refused; null: it is not.
    private static IEnumerable<(string Kind, string? Token, HttpStatusCode? Refusal)> Tokens(Issuer issuer, AccessTable table, string endpoint)
    {
        var isOpen = table.Who(endpoint).Contains(AccessTable.Everybody);
        HttpStatusCode? known = isOpen ? null : HttpStatusCode.Forbidden;
        var all = AccessTable.Roles.ToArray();
        yield return ("no token", null, isOpen ? null : HttpStatusCode.Unauthorized);
        yield return ("another region", Token(issuer, [.. all.Select(r => "koroska-" + r)]), known);
        yield return ("roles in a claim that is not asked for", issuer.Token("forger", new Dictionary<string, object> { ["roles"] = all.Select(r => "gorenjska/" + r).ToArray(), ["scope"] = "kkimesh" }), known);
        yield return ("a scope for nothing", issuer.Token("reader", Claims([.. all], "profile")), known);
        yield return ("just the scope of events", issuer.Token("reader", Claims(["integrator"], "events")), isOpen || table.Allows(endpoint, "integrator") ? null : HttpStatusCode.Forbidden);
        foreach (var role in AccessTable.Roles)
            yield return (role, Token(issuer, role), table.Allows(endpoint, role) ? null : known);
        yield return ("juror of this id", Token(issuer, "juror-of-one"), isOpen || table.Who(endpoint).Contains("juror of this id") ? null : known);
    }

    private static Dictionary<string, object> Claims(string[] words, string scope) => new() { ["realm_access"] = new Dictionary<string, object> { ["roles"] = words }, ["scope"] = scope };

    /// <summary>A token that every endpoint of this mesh takes.</summary>
    internal static string TokenOfAllRoles(Issuer issuer) => Token(issuer, [.. AccessTable.Roles]);

    private static string Token(Issuer issuer, string word) => Token(issuer, [word]);

    private static string Token(Issuer issuer, string[] words, TimeSpan issued = default, string audience = "kkimesh", string? by = null) =>
        issuer.Token("somebody", Claims(words, "openid kkimesh"), audience, issued, by);

    private static string Unsigned(string token) => token[..(token.LastIndexOf('.') + 1)];

    // Its own Identity does not run. The issuer's words are translated, as those of another product would be.
    internal static Task<MeshRun> StartAsync(Place place)
    {
        foreach (var service in Topology.Services)
            _ = place.DatabaseAsync(service.Name);
        var environment = new Dictionary<string, string?>
        {
            ["Authentication__Authority"] = place.Issuer.Address.ToString(),
            ["Authentication__MetadataAddress"] = "",
            ["Authentication__RoleClaim"] = "realm_access.roles",
        };
        var words = AccessTable.Roles.Select(r => (Word: r, Role: $"gorenjska/{r}"))
            .Concat(AccessTable.Roles.Select(r => (Word: "koroska-" + r, Role: $"koroska/{r}")))
            .Append(("juror-of-one", $"gorenjska/juror/{Theirs}"));
        foreach (var (index, (word, role)) in words.Index())
            (environment[$"Authentication__Roles__{index}__Value"], environment[$"Authentication__Roles__{index}__Role"]) = (word, role);
        return MeshRun.StartAsync(
            new MeshOptions(place.Servers, "any", (_, _) => { })
            {
                DatabasePrefix = $"{place.Name}-",
                RabbitMq = place.RabbitMq,
                Replicas = new Dictionary<string, int> { [Topology.Identity.Name] = 0 },
                Environment = environment,
            },
            CancellationToken.None);
    }
}
