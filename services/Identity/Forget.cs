using KkiMesh.ServiceDefaults;
using Microsoft.EntityFrameworkCore;

namespace KkiMesh.Identity;

/// <summary>
/// Forgets what has had its time, at the start and hourly: calls after two years, and accounts whose
/// address nobody has confirmed within 7 days of registering. Who was given a role before stays. What
/// counts is the database's clock, see <see cref="Retention"/>.
/// </summary>
internal sealed class Forget(IServiceScopeFactory scopes, Retention retention, TimeProvider time, ILogger<Forget> log) : BackgroundService
{
    private static readonly Aged Calls = new("\"AccessLog\"", "\"At\"", TimeSpan.FromDays(2 * 365));
    private static readonly Aged Unconfirmed = new("\"AspNetUsers\"", "\"RegisteredAt\"", TimeSpan.FromDays(7));
    private const int MostAtOnce = 500;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromHours(1), time);
        do
        {
            try
            {
                if (await retention.ForgetAsync([Calls], [Unconfirmed], stoppingToken) is not { } until)
                    continue;
                await using var scope = scopes.CreateAsyncScope();
                await ForgetUnconfirmedAsync(scope.ServiceProvider.GetRequiredService<IdentityStore>(), until - Unconfirmed.Kept, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning("What is old could not be forgotten, in an hour again: {Reason}", e.Message);
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
