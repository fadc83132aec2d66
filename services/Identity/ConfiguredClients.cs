using Microsoft.EntityFrameworkCore;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace KkiMesh.Identity;

/// <summary>
/// The mesh's own programs, brought up to date at each start: those of <c>Identity:Clients:&lt;id&gt;</c> with their
/// <c>Secret</c> (at least 16 characters), <c>Name</c> and <c>Role</c> (partner by default) in all regions, and
/// <c>mesh</c>, with which people sign in at the docs page and the command line, whose addresses are
/// <c>Identity:OwnClient:RedirectUris</c>. A program that is not configured any more has no role.
/// </summary>
internal sealed class ConfiguredClients(IServiceScopeFactory scopes, IConfiguration configuration, TimeProvider time) : IHostedService
{
    /// <summary>The program for people, which needs no secret.</summary>
    public const string Own = "mesh";

    private const string GivenBy = "configuration";
    private const int ShortestSecret = 16;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var store = scope.ServiceProvider.GetRequiredService<IdentityStore>();
        var clients = scope.ServiceProvider.GetRequiredService<IOpenIddictApplicationManager>();
        await using var transaction = await store.Database.BeginTransactionAsync(cancellationToken);
        await store.TakeTurnAsync("configured clients", cancellationToken);
        var programs = configuration.GetSection("Identity:Clients").GetChildren().Select(Read).ToList();
        var ids = programs.Select(p => p.Id).Append(Own).ToList();
        if (await store.Clients.FirstOrDefaultAsync(c => ids.Contains(c.Id), cancellationToken) is { } taken)
            throw new InvalidOperationException($"Identity:Clients:{taken.Id} is taken by a program of the region {taken.Region}: choose another id.");
        foreach (var program in programs)
            await SaveAsync(clients, program.Description, program.Secret, cancellationToken);
        await SaveAsync(clients, OwnClient(), null, cancellationToken);
        await GiveAsync(store, programs, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static Program Read(IConfigurationSection section)
    {
        var (role, secret) = (section["Role"] ?? "partner", section["Secret"] ?? "");
        if (secret.Length < ShortestSecret)
            throw new InvalidOperationException($"Set {section.Path}:Secret to at least {ShortestSecret} characters that nobody guesses.");
        if (!GrantRules.IsRole(role))
            throw new InvalidOperationException($"{section.Path}:Role is no role.");
        if (Guid.TryParse(section.Key, out _) || section.Key.Length > RegionClient.LongestId)
            throw new InvalidOperationException($"{section.Path}: an id has at most {RegionClient.LongestId} characters and does not look like a UUID.");
        var description = new OpenIddictApplicationDescriptor
        {
            ClientId = section.Key,
            ClientSecret = secret,
            ClientType = ClientTypes.Confidential,
            DisplayName = section["Name"] ?? section.Key,
        };
        description.Permissions.UnionWith([.. SetUpClient.OfPrograms, .. OpenIdServer.ServiceScopes.Select(s => Permissions.Prefixes.Scope + s)]);
        return new Program(section.Key, secret, role, description);
    }

    private OpenIddictApplicationDescriptor OwnClient()
    {
        var description = new OpenIddictApplicationDescriptor
        {
            ClientId = Own,
            ClientType = ClientTypes.Public,
            // At any port of somebody's own machine.
            ApplicationType = ApplicationTypes.Native,
            // Nobody need agree that the mesh is the mesh.
            ConsentType = ConsentTypes.Implicit,
            DisplayName = "KkiMesh",
        };
        string[] asked = [Scopes.OpenId, Scopes.Profile, Scopes.Email, Scopes.OfflineAccess, .. OpenIdServer.ServiceScopes];
        description.Permissions.UnionWith([.. SetUpClient.OfPeople, .. asked.Select(s => Permissions.Prefixes.Scope + s)]);
        var addresses = configuration.GetSection("Identity:OwnClient:RedirectUris").Get<string[]>()
            ?? [new Uri(new Uri(configuration["Mesh:PublicAddress"]!), "docs/signed-in").ToString(), "http://127.0.0.1/mesh"];
        if (Array.Find(addresses, a => !Uri.IsWellFormedUriString(a, UriKind.Absolute)) is { } wrong)
            throw new InvalidOperationException($"Identity:OwnClient:RedirectUris are addresses like https://kki.example.org/docs/signed-in; {wrong} is none.");
        description.RedirectUris.UnionWith(addresses.Select(a => new Uri(a)));
        description.PostLogoutRedirectUris.UnionWith(description.RedirectUris);
        return description;
    }

    private static async Task SaveAsync(IOpenIddictApplicationManager clients, OpenIddictApplicationDescriptor wanted, string? secret, CancellationToken ct)
    {
        if (await clients.FindByClientIdAsync(wanted.ClientId!, ct) is not { } application)
        {
            await clients.CreateAsync(wanted, ct);
            return;
        }

        // It is kept as a hash with a salt: the same secret would look like another one.
        if (secret is not null && await clients.ValidateClientSecretAsync(application, secret, ct))
        {
            var known = new OpenIddictApplicationDescriptor();
            await clients.PopulateAsync(known, application, ct);
            wanted.ClientSecret = known.ClientSecret;
        }

        await clients.UpdateAsync(application, wanted, ct);
    }

    private async Task GiveAsync(IdentityStore store, List<Program> programs, CancellationToken ct)
    {
        var regions = configuration.GetSection("Mesh:Regions").Get<string[]>() ?? [];
        var missing = programs.SelectMany(p => regions.Select(region => (p.Id, Region: region, p.Role))).ToHashSet();
        foreach (var grant in await store.Grants.Where(g => g.GivenBy == GivenBy && g.TakenAt == null).ToListAsync(ct))
        {
            if (!missing.Remove((grant.Subject, grant.Region, grant.Role)))
                grant.Take(GivenBy, time.GetUtcNow());
        }

        store.Grants.AddRange(missing.Select(m => new Grant
        {
            Id = Guid.CreateVersion7(time.GetUtcNow()),
            Subject = m.Id,
            Region = m.Region,
            Role = m.Role,
            GivenBy = GivenBy,
            GivenAt = time.GetUtcNow(),
        }));
        await store.SaveChangesAsync(ct);
    }

    private sealed record Program(string Id, string Secret, string Role, OpenIddictApplicationDescriptor Description);
}
