using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace KkiMesh.Identity;

/// <summary>
/// In Development only, unless <c>Identity:DemoAccounts</c> is false: accounts for each role, and a
/// client that reads events. The sign-in page shows them. Elsewhere the service does not start
/// where they are, since everybody knows their password.
/// </summary>
internal sealed class DemoAccounts(IServiceScopeFactory scopes, IConfiguration configuration, IHostEnvironment environment, TimeProvider time) : IHostedService
{
    public const string Password = "kkimesh-development";
    public const string Integrator = "demo-integrator";
    private const string GivenBy = "development";

    /// <summary>One of each role that people have.</summary>
    public static readonly IReadOnlyList<string> Names = [.. Roles.All.Select(r => r.Name).Where(r => !GrantRules.IsOfPrograms(r))];

    /// <summary>More of those roles that a story needs several of.</summary>
    public static readonly IReadOnlyList<string> Others =
        ["member-1", "member-2", "member-3", "member-4", "member-5", "member-6", "juror-1", "juror-2", "mentor-1"];

    public static string Email(string name) => $"{name}@example.org";

    /// <summary>Whether they are wanted.</summary>
    public static bool AreOn(IConfiguration configuration, IHostEnvironment environment) =>
        configuration.GetValue("Identity:DemoAccounts", defaultValue: environment.IsDevelopment());

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var store = scope.ServiceProvider.GetRequiredService<IdentityStore>();
        if (!environment.IsDevelopment())
            await RefuseAsync(store, cancellationToken);
        if (!AreOn(configuration, environment))
            return;
        await using var transaction = await store.Database.BeginTransactionAsync(cancellationToken);
        await store.TakeTurnAsync("demo accounts", cancellationToken);
        var regions = configuration.GetSection("Mesh:Regions").Get<string[]>() ?? [];
        var accounts = scope.ServiceProvider.GetRequiredService<UserManager<Account>>();
        // Once for all: hashing is slow by intent.
        var hash = accounts.PasswordHasher.HashPassword(new Account(), Password);
        foreach (var name in Names.Concat(Others))
            await AddAccountAsync(accounts, store, name, hash, regions);
        await AddClientAsync(scope.ServiceProvider.GetRequiredService<IOpenIddictApplicationManager>(), store, regions, cancellationToken);
        await store.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task RefuseAsync(IdentityStore store, CancellationToken ct)
    {
        if (AreOn(configuration, environment))
            throw new InvalidOperationException("Identity:DemoAccounts is for Development alone: take it away.");
        if (await store.Grants.AnyAsync(g => g.GivenBy == GivenBy, ct))
        {
            throw new InvalidOperationException(
                "This database holds the demo accounts, whose password everybody knows: outside Development, begin with an empty one.");
        }
    }

    private async Task AddAccountAsync(UserManager<Account> accounts, IdentityStore store, string name, string passwordHash, string[] regions)
    {
        if (await accounts.FindByEmailAsync(Email(name)) is not null)
            return;
        var account = new Account
        {
            Id = Guid.NewGuid(),
            UserName = Email(name),
            Email = Email(name),
            EmailConfirmed = true,
            DisplayName = $"Demo {name}",
            PasswordHash = passwordHash,
        };
        var made = await accounts.CreateAsync(account);
        if (!made.Succeeded)
            throw new InvalidOperationException(string.Join(" ", made.Errors.Select(e => e.Description)));
        Give(store, account.Id.ToString(), name.Split('-')[0], regions);
    }

    private async Task AddClientAsync(IOpenIddictApplicationManager clients, IdentityStore store, string[] regions, CancellationToken ct)
    {
        if (await clients.FindByClientIdAsync(Integrator, ct) is not null)
            return;
        var client = new OpenIddictApplicationDescriptor
        {
            ClientId = Integrator,
            ClientSecret = Password,
            ClientType = ClientTypes.Confidential,
            DisplayName = "Demo integrator",
        };
        client.Permissions.UnionWith([.. SetUpClient.OfPrograms, .. OpenIdServer.ServiceScopes.Select(s => Permissions.Prefixes.Scope + s)]);
        await clients.CreateAsync(client, ct);
        Give(store, Integrator, "integrator", regions);
    }

    private void Give(IdentityStore store, string subject, string role, string[] regions) => store.Grants.AddRange(regions.Select(region => new Grant
    {
        Id = Guid.CreateVersion7(),
        Subject = subject,
        Region = region,
        Role = role,
        GivenBy = GivenBy,
        GivenAt = time.GetUtcNow(),
    }));
}
