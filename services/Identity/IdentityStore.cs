using Microsoft.AspNetCore.DataProtection.EntityFrameworkCore;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;

namespace KkiMesh.Identity;

/// <summary>A person who signs in with an e-mail address and a password.</summary>
public sealed class Account : IdentityUser<Guid>
{
    /// <summary>The longest name.</summary>
    public const int LongestName = 200;

    /// <summary>How the person wants to be called.</summary>
    public string DisplayName { get; set; } = "";

    /// <summary>
    /// Of which 30 seconds the newest code was that an authenticator app has shown for it: none is taken twice.
    /// </summary>
    public long LastTimeStep { get; set; }

    /// <summary>When somebody last registered with this address; null: they were invited.</summary>
    public DateTimeOffset? RegisteredAt { get; set; }
}

/// <summary>
/// What somebody may do: a role in a region. It is never deleted, so that it can
/// be said who could do what, and by whose will.
/// </summary>
public sealed class Grant
{
    /// <summary>Its id.</summary>
    public Guid Id { get; init; }

    /// <summary>Whose it is: the id of an account, or of a client.</summary>
    public required string Subject { get; init; }

    /// <summary>The region.</summary>
    public required string Region { get; init; }

    /// <summary>The role, e.g. juror.</summary>
    public required string Role { get; init; }

    /// <summary>What it is good for alone, e.g. the challenge of a juror; null: the whole region.</summary>
    public string? Of { get; init; }

    /// <summary>Who gave it.</summary>
    public required string GivenBy { get; init; }

    /// <summary>When.</summary>
    public DateTimeOffset GivenAt { get; init; }

    /// <summary>Who took it away.</summary>
    public string? TakenBy { get; private set; }

    /// <summary>When; null: it is good.</summary>
    public DateTimeOffset? TakenAt { get; private set; }

    /// <summary>As tokens say it: <c>gorenjska/juror/&lt;challenge&gt;</c>.</summary>
    public string Claim => Of is null ? $"{Region}/{Role}" : $"{Region}/{Role}/{Of}";

    /// <summary>Takes it away.</summary>
    public void Take(string by, DateTimeOffset at) => (TakenBy, TakenAt) = (by, at);
}

/// <summary>What a program is for.</summary>
public enum ClientKind
{
    /// <summary>Reads events with a secret of its own.</summary>
    Integrator,

    /// <summary>A partner's service: publishes and reads events with a secret of its own.</summary>
    Partner,

    /// <summary>Acts for people who sign in and agree; it has no secret.</summary>
    Application,
}

/// <summary>A program that a region lets connect. OpenIddict keeps the rest of it under the same id.</summary>
public sealed class RegionClient
{
    /// <summary>The longest id.</summary>
    public const int LongestId = 50;

    /// <summary>Its client id.</summary>
    public required string Id { get; init; }

    /// <summary>The region.</summary>
    public required string Region { get; init; }

    /// <summary>What it is for.</summary>
    public ClientKind Kind { get; init; }

    /// <summary>Who made it.</summary>
    public required string MadeBy { get; init; }

    /// <summary>When.</summary>
    public DateTimeOffset MadeAt { get; init; }
}

/// <summary>That somebody was invited; kept as long as it counts to the region's limit.</summary>
public sealed class Invitation
{
    /// <summary>Its id.</summary>
    public Guid Id { get; init; }

    /// <summary>The region.</summary>
    public required string Region { get; init; }

    /// <summary>When.</summary>
    public DateTimeOffset At { get; init; }
}

/// <summary>That somebody called the API, and whose data it was about. It holds ids alone.</summary>
public sealed class AccessRecord
{
    /// <summary>The longest list of roles; the rest of a longer one is cut off.</summary>
    public const int LongestRoles = 200;

    /// <summary>Its id.</summary>
    public Guid Id { get; init; }

    /// <summary>The region.</summary>
    public required string Region { get; init; }

    /// <summary>When it was answered.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>Who called: the id of an account, or of a client.</summary>
    public required string Subject { get; init; }

    /// <summary>The caller's roles in the region, with spaces between them; empty where there is none.</summary>
    public required string Roles { get; init; }

    /// <summary>The method and the form of the path, e.g. <c>DELETE grants/{id}</c>.</summary>
    public required string What { get; init; }

    /// <summary>Whose data it was about: the id of an account, or of a client; null: of nobody, or of many.</summary>
    public string? About { get; init; }

    /// <summary>The answer's HTTP status.</summary>
    public int Status { get; init; }
}

/// <summary>A key of this issuer, until nothing that it signed or encrypted is good any more.</summary>
public sealed class IssuerKey
{
    /// <summary>Its id.</summary>
    public Guid Id { get; init; }

    /// <summary>Whether it encrypts codes and refresh tokens; else it signs.</summary>
    public bool Encrypts { get; init; }

    /// <summary>From when it is used; it is published before, so that nobody meets an unknown one.</summary>
    public DateTimeOffset UsedFrom { get; init; }

    /// <summary>From when it is forgotten.</summary>
    public DateTimeOffset GoneFrom { get; init; }

    /// <summary>The private key (PKCS #8), protected.</summary>
    public required byte[] Protected { get; init; }
}

/// <summary>Accounts, grants, clients, tokens and keys.</summary>
public sealed class IdentityStore(DbContextOptions<IdentityStore> options) : IdentityUserContext<Account, Guid>(options), IDataProtectionKeyContext
{
    /// <summary>Who may do what.</summary>
    public DbSet<Grant> Grants => Set<Grant>();

    /// <summary>Which programs belong to which region.</summary>
    public DbSet<RegionClient> Clients => Set<RegionClient>();

    /// <summary>The invitations of the last hour.</summary>
    public DbSet<Invitation> Invitations => Set<Invitation>();

    /// <summary>Who called the API.</summary>
    public DbSet<AccessRecord> AccessLog => Set<AccessRecord>();

    /// <summary>The issuer's keys.</summary>
    public DbSet<IssuerKey> IssuerKeys => Set<IssuerKey>();

    /// <summary>Protects cookies, forms and the issuer's keys.</summary>
    public DbSet<DataProtectionKey> DataProtectionKeys => Set<DataProtectionKey>();

    /// <summary>Waits until nobody else does this; then it is the transaction's alone until its end.</summary>
    public Task TakeTurnAsync(string what, CancellationToken ct) =>
        Database.ExecuteSqlAsync($"select pg_advisory_xact_lock(hashtextextended({what}, 0))", ct);

    /// <summary>Now, by the database's clock.</summary>
    public async Task<DateTimeOffset> NowAsync(CancellationToken ct) =>
        await Database.SqlQuery<DateTimeOffset>($"select clock_timestamp() as \"Value\"").SingleAsync(ct);

    /// <inheritdoc />
    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);
        builder.UseOpenIddict();
        builder.Entity<Account>().Property(a => a.DisplayName).HasMaxLength(Account.LongestName);
        // Identity looks before it adds; only the database sees two that add at once.
        builder.Entity<Account>().HasIndex(a => a.NormalizedEmail).HasDatabaseName("EmailIndex").IsUnique();
        builder.Entity<Account>().HasIndex(a => a.RegisteredAt).HasFilter("not \"EmailConfirmed\"");
        builder.Entity<Grant>(grant =>
        {
            grant.Property(g => g.Subject).HasMaxLength(100);
            grant.Property(g => g.Region).HasMaxLength(40);
            grant.Property(g => g.Role).HasMaxLength(40);
            grant.Property(g => g.Of).HasMaxLength(100);
            grant.Property(g => g.GivenBy).HasMaxLength(100);
            grant.Property(g => g.TakenBy).HasMaxLength(100);
            grant.HasIndex(g => g.Subject);
            grant.HasIndex(g => new { g.Region, g.GivenAt });
            grant.HasIndex(g => new { g.Subject, g.Region, g.Role, g.Of }).IsUnique().AreNullsDistinct(false).HasFilter("\"TakenAt\" is null");
        });
        builder.Entity<RegionClient>(client =>
        {
            client.Property(c => c.Id).HasMaxLength(RegionClient.LongestId);
            client.Property(c => c.Region).HasMaxLength(40);
            client.Property(c => c.Kind).HasConversion<string>().HasMaxLength(20);
            client.Property(c => c.MadeBy).HasMaxLength(100);
            client.HasIndex(c => c.Region);
        });
        builder.Entity<Invitation>(invitation =>
        {
            invitation.Property(i => i.Region).HasMaxLength(40);
            invitation.HasIndex(i => new { i.Region, i.At });
        });
        builder.Entity<AccessRecord>(record =>
        {
            record.Property(r => r.Region).HasMaxLength(40);
            record.Property(r => r.Subject).HasMaxLength(100);
            record.Property(r => r.Roles).HasMaxLength(AccessRecord.LongestRoles);
            record.Property(r => r.What).HasMaxLength(100);
            record.Property(r => r.About).HasMaxLength(100);
            record.HasIndex(r => new { r.Region, r.At });
            record.HasIndex(r => r.At);
        });
    }
}
