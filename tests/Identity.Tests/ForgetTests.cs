using System.Net;
using KkiMesh.TestKit;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using static KkiMesh.Identity.Tests.Letters;

namespace KkiMesh.Identity.Tests;

/// <summary>What is not kept for ever.</summary>
public sealed class ForgetTests(TestServers servers)
{
    private const string Secret = "four plain words together";

    [Fact]
    public async Task An_account_that_nobody_confirms_is_gone_after_a_week_and_all_others_stay()
    {
        await using var identity = await RunningIdentity.StartAsync(servers);
        await RegisterAsync(identity, "forgotten@example.org", "given-with-a-role@example.org", "again@example.org", "confirmed@example.org");
        using var browser = new Browser(identity.Address);
        await browser.OpenAsync(Link((await identity.LettersAsync("confirmed@example.org", 1)).Single()));
        await browser.PressAsync("Confirm the address", ("password", Secret));
        var coordinator = await identity.TokenAsync("coordinator");
        foreach (var invited in (string[])["given-with-a-role@example.org", "invited@example.org"])
            await InviteAsync(identity, coordinator, invited);
        // More than are removed at once, also where two days end in the same moment.
        await AddAsync(identity, 1501);

        await AgeAsync(identity, TimeSpan.FromDays(2));
        await RegisterAsync(identity, "again@example.org", "later@example.org");
        await AgeAsync(identity, TimeSpan.FromDays(5) + TimeSpan.FromMinutes(1));
        await Eventually.Is(() => NextRoundAsync(identity), all => !all.Any(a => a.StartsWith("forgotten", StringComparison.Ordinal)));

        Assert.Superset(
            new HashSet<string>
            {
                "again@example.org", "confirmed@example.org", "given-with-a-role@example.org", "invited@example.org", "later@example.org", DemoAccounts.Email("member"),
            },
            await AddressesAsync(identity));
        // The address is free: it counts what its holder says now.
        await browser.RegisterAsync("forgotten@example.org", "another password than before");
        await browser.OpenAsync(Link((await identity.LettersAsync("forgotten@example.org", 2))[^1]));
        await browser.PressAsync("Confirm the address", ("password", "another password than before"));
        Assert.Equal("/account", (await browser.SignInAsync("forgotten@example.org", "another password than before")).Address.AbsolutePath);
    }

    [Fact]
    public async Task A_replica_whose_clock_is_a_month_ahead_forgets_nobody()
    {
        await using var identity = await RunningIdentity.StartAsync(servers);
        await RegisterAsync(identity, "new@example.org");
        await AddAsync(identity, 1);
        await using (var inside = identity.Inside())
        {
            await inside.ServiceProvider.GetRequiredService<IdentityStore>().Users.Where(a => a.Email == "forgotten-0@example.org")
                .ExecuteUpdateAsync(set => set.SetProperty(a => a.RegisteredAt, DateTimeOffset.UtcNow.AddDays(-8)), TestContext.Current.CancellationToken);
        }

        identity.Time.Advance(TimeSpan.FromDays(31));
        var left = await Eventually.Is(() => NextRoundAsync(identity), all => !all.Contains("forgotten-0@example.org"));

        Assert.Contains("new@example.org", left);
    }

    [Fact]
    public async Task Calls_are_forgotten_after_two_years_and_not_before()
    {
        await using var identity = await RunningIdentity.StartAsync(servers);
        foreach (var call in (string[])["grants", "clients"])
            await identity.SendAsync(HttpMethod.Get, $"/gorenjska/identity/{call}", await identity.TokenAsync("operator"));
        Assert.Equal(["GET clients", "GET grants"], await CallsAsync());
        await AgeCallsAsync("GET grants", TimeSpan.FromDays((2 * 365) + 1));
        await AgeCallsAsync("GET clients", TimeSpan.FromDays((2 * 365) - 1));

        await Eventually.Is(
            async () =>
            {
                await NextRoundAsync(identity);
                return await CallsAsync();
            },
            calls => calls is ["GET clients"]);
        Assert.DoesNotContain("GET grants", (await identity.AccessLogAsync(await identity.TokenAsync("auditor"))).Select(r => (string?)r["what"]));

        async Task<List<string>> CallsAsync()
        {
            await using var inside = identity.Inside();
            return await inside.ServiceProvider.GetRequiredService<IdentityStore>().AccessLog
                .Where(r => r.What == "GET grants" || r.What == "GET clients").Select(r => r.What).Distinct().OrderBy(what => what)
                .ToListAsync(TestContext.Current.CancellationToken);
        }

        async Task AgeCallsAsync(string what, TimeSpan by)
        {
            await using var inside = identity.Inside();
            await inside.ServiceProvider.GetRequiredService<IdentityStore>().AccessLog.Where(r => r.What == what)
                .ExecuteUpdateAsync(set => set.SetProperty(r => r.At, r => r.At - by), TestContext.Current.CancellationToken);
        }
    }

    // Time passes by the database's clock: what is stored is older.
    private static async Task AgeAsync(RunningIdentity identity, TimeSpan by)
    {
        await using var inside = identity.Inside();
        await inside.ServiceProvider.GetRequiredService<IdentityStore>().Users
            .ExecuteUpdateAsync(set => set.SetProperty(a => a.RegisteredAt, a => a.RegisteredAt - by), TestContext.Current.CancellationToken);
    }

    // The clock of the replica says when it looks; the round before was an hour ago.
    private static async Task<HashSet<string>> NextRoundAsync(RunningIdentity identity)
    {
        await using (var inside = identity.Inside())
        {
            await inside.ServiceProvider.GetRequiredService<IdentityStore>().Database.ExecuteSqlAsync(
                $"update mesh_retention set round = round - interval '1 hour'", TestContext.Current.CancellationToken);
        }

        identity.Time.Advance(TimeSpan.FromHours(1));
        return await AddressesAsync(identity);
    }

    private static async Task RegisterAsync(RunningIdentity identity, params string[] addresses)
    {
        using var browser = new Browser(identity.Address);
        foreach (var email in addresses)
        {
            var before = (await identity.LettersAsync(email, 0)).Count;
            await browser.RegisterAsync(email, Secret);
            await identity.LettersAsync(email, before + 1);
        }
    }

    private static async Task InviteAsync(RunningIdentity identity, string coordinator, string email)
    {
        var grants = (object[])[new { role = "member" }];
        Assert.Equal(
            HttpStatusCode.Accepted,
            (await identity.SendAsync(HttpMethod.Post, "/gorenjska/identity/invitations", coordinator, new { email, language = "en", grants })).Status);
    }

    private static async Task AddAsync(RunningIdentity identity, int count)
    {
        await using var inside = identity.Inside();
        var store = inside.ServiceProvider.GetRequiredService<IdentityStore>();
        store.Users.AddRange(Enumerable.Range(0, count).Select(n => new Account
        {
            Id = Guid.NewGuid(),
            Email = $"forgotten-{n}@example.org",
            NormalizedEmail = $"FORGOTTEN-{n}@EXAMPLE.ORG",
            RegisteredAt = identity.Time.GetUtcNow(),
        }));
        await store.SaveChangesAsync();
    }

    private static async Task<HashSet<string>> AddressesAsync(RunningIdentity identity)
    {
        await using var inside = identity.Inside();
        return [.. await inside.ServiceProvider.GetRequiredService<IdentityStore>().Users.Select(a => a.Email!).ToListAsync()];
    }
}
