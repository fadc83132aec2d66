using System.Threading.Channels;
using System.Threading.RateLimiting;

namespace KkiMesh.Identity;

/// <summary>
/// Does after the answer what anybody may ask for any address, so that neither the answer nor its time tells whether
/// the address has an account. At most 200 wait, and at most 5 in 15 minutes are done for one address.
/// </summary>
internal sealed class Afterwards(IServiceScopeFactory scopes, ILogger<Afterwards> log) : BackgroundService
{
    private const int MostWaiting = 200;
    private const int MostForOneAddress = 5;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Channel<Work> _waiting = Channel.CreateBounded<Work>(MostWaiting);

    private readonly PartitionedRateLimiter<string> _limit = PartitionedRateLimiter.Create<string, string>(email => RateLimitPartition.GetFixedWindowLimiter(
        email.ToUpperInvariant(), _ => new FixedWindowRateLimiterOptions { PermitLimit = MostForOneAddress, Window = Window }));

    /// <summary>False where too much waits already.</summary>
    public bool TryDo(string email, Func<IServiceProvider, CancellationToken, Task> what) => _waiting.Writer.TryWrite(new Work(email, what));

    public override void Dispose()
    {
        _limit.Dispose();
        base.Dispose();
    }

    // What waits when the service stops is still done, within the time that a stop has.
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var stop = stoppingToken.Register(() => _waiting.Writer.TryComplete());
        await foreach (var work in _waiting.Reader.ReadAllAsync(CancellationToken.None))
            await DoAsync(work);
    }

    private async Task DoAsync(Work work)
    {
        using var lease = _limit.AttemptAcquire(work.Email);
        if (!lease.IsAcquired)
            return;
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            await work.What(scope.ServiceProvider, patience.Token);
        }
        catch (Exception e)
        {
            // Not its message: a mail server's answer names the address.
            log.LogWarning("A letter about an account could not be sent; whoever waits for it asks again: {Reason}", e.GetType().Name);
        }
    }

    private sealed record Work(string Email, Func<IServiceProvider, CancellationToken, Task> What);
}
