using Microsoft.EntityFrameworkCore;

namespace KkiMesh.Identity;

/// <summary>
/// Forgets what has had its time, at the start and daily: calls after two years, and accounts whose address nobody has confirmed
/// within 7 days of registering. Who was given a role before stays.
/// </summary>
internal sealed class Forget(IServiceScopeFactory scopes, TimeProvider time, ILogger<Forget> log) : BackgroundService
{
    private const int YearsOfCalls = 2;
    private const int DaysUnconfirmed = 7;
    private const int MostAtOnce = 500;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromDays(1), time);
        do
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                var store = scope.ServiceProvider.GetRequiredService<IdentityStore>();
                var oldest = time.GetUtcNow().AddYears(-YearsOfCalls);
                await store.AccessLog.Where(r => r.At < oldest).ExecuteDeleteAsync(stoppingToken);
                await ForgetUnconfirmedAsync(store, time.GetUtcNow().AddDays(-DaysUnconfirmed), stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning("What is old could not be forgotten, tomorrow again: {Reason}", e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private static async Task ForgetUnconfirmedAsync(IdentityStore store, DateTimeOffset oldest, CancellationToken ct)
    {
        var unconfirmed = store.Users.Where(a => !a.EmailConfirmed && a.RegisteredAt < oldest && !store.Grants.Any(g => g.Subject == a.Id.ToString()));
        List<Guid> found;
        do
        {
            found = await unconfirmed.OrderBy(a => a.RegisteredAt).Select(a => a.Id).Take(MostAtOnce).ToListAsync(ct);
            // Asked again of each: somebody may confirm at this moment.
            await unconfirmed.Where(a => found.Contains(a.Id)).ExecuteDeleteAsync(ct);
        }
        while (found.Count == MostAtOnce);
    }
}
