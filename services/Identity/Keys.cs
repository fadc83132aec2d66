using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Server;

namespace KkiMesh.Identity;

/// <summary>
/// The issuer's keys, the same in all replicas: made when they are needed, published a day before they are used, and
/// kept until nothing that they signed is good any more. So a key is replaced without anybody noticing.
/// </summary>
internal sealed class Keys(IServiceScopeFactory scopes, IDataProtectionProvider protection, TimeProvider time, ILogger<Keys> log)
    : BackgroundService, IConfigureOptions<OpenIddictServerOptions>, IOptionsChangeTokenSource<OpenIddictServerOptions>
{
    private static readonly TimeSpan Used = TimeSpan.FromDays(90);
    private static readonly TimeSpan PublishedBefore = TimeSpan.FromDays(1);
    private static readonly TimeSpan KeptAfter = TimeSpan.FromDays(15);
    private static readonly TimeSpan Looks = TimeSpan.FromMinutes(1);
    private readonly IDataProtector _protector = protection.CreateProtector("issuer keys");
    private volatile IReadOnlyList<Key> _keys = [];
    private CancellationTokenSource _changed = new();

    public string? Name => Options.DefaultName;

    // Before anything is answered.
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await LoadAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    // The one in use first, since OpenIddict takes the first; the others are published.
    public void Configure(OpenIddictServerOptions options)
    {
        var now = time.GetUtcNow();
        foreach (var key in _keys.OrderByDescending(k => k.UsedFrom <= now).ThenByDescending(k => k.UsedFrom))
        {
            if (key.Encrypts)
                options.EncryptionCredentials.Add(new EncryptingCredentials(key.Rsa, SecurityAlgorithms.RsaOAEP, SecurityAlgorithms.Aes256CbcHmacSha512));
            else
                options.SigningCredentials.Add(new SigningCredentials(key.Rsa, SecurityAlgorithms.RsaSha256));
        }
    }

    public IChangeToken GetChangeToken() => new CancellationChangeToken(_changed.Token);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Looks, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await LoadAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning("The issuer's keys could not be looked at, those known stay: {Reason}", e.Message);
            }
        }
    }

    private async Task LoadAsync(CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        var store = scope.ServiceProvider.GetRequiredService<IdentityStore>();
        var now = time.GetUtcNow();
        foreach (var encrypts in (bool[])[false, true])
            await RenewAsync(store, encrypts, now, ct);
        var known = _keys.ToDictionary(k => k.Id);
        _keys =
        [
            .. (await store.IssuerKeys.AsNoTracking().Where(k => k.GoneFrom > now).ToListAsync(ct)).Select(k => known.GetValueOrDefault(k.Id) ?? Open(k)),
        ];
        await Interlocked.Exchange(ref _changed, new CancellationTokenSource()).CancelAsync();
    }

    // One replica after the other: the next one finds the key that the first has made.
    private async Task RenewAsync(IdentityStore store, bool encrypts, DateTimeOffset now, CancellationToken ct)
    {
        await using var transaction = await store.Database.BeginTransactionAsync(ct);
        await store.TakeTurnAsync("issuer keys", ct);
        var newest = await store.IssuerKeys.Where(k => k.Encrypts == encrypts).MaxAsync(k => (DateTimeOffset?)k.UsedFrom, ct);
        if (newest is null || newest + Used - PublishedBefore <= now)
        {
            store.IssuerKeys.Add(Make(encrypts, newest is null ? now : now + PublishedBefore));
            await store.SaveChangesAsync(ct);
        }

        await transaction.CommitAsync(ct);
    }

    private IssuerKey Make(bool encrypts, DateTimeOffset usedFrom)
    {
        using var rsa = RSA.Create(2048);
        return new IssuerKey
        {
            Id = Guid.CreateVersion7(),
            Encrypts = encrypts,
            UsedFrom = usedFrom,
            GoneFrom = usedFrom + Used + KeptAfter,
            Protected = _protector.Protect(rsa.ExportPkcs8PrivateKey()),
        };
    }

    private Key Open(IssuerKey key)
    {
        var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(_protector.Unprotect(key.Protected), out _);
        return new Key(key.Id, key.Encrypts, key.UsedFrom, new RsaSecurityKey(rsa) { KeyId = key.Id.ToString() });
    }

    private sealed record Key(Guid Id, bool Encrypts, DateTimeOffset UsedFrom, RsaSecurityKey Rsa);
}
