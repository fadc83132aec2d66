using System.Diagnostics;
using JasperFx.Events.Daemon.HighWater;
using Marten;
using Marten.Services;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Wakes the relay at once after a commit, on this replica or another one. To another one the signal goes out after the
/// transaction, by a connection of its own and bundled, so that writers never wait for PostgreSQL's notification lock;
/// a lost signal costs one polling interval, never an event.
/// </summary>
internal sealed class RelayWakeup(NpgsqlDataSource database, ILogger<RelayWakeup> log) : BackgroundService, IDaemonWakeup
{
    /// <summary>
    /// How long a hole in the sequence may still fill, before it is asked whether anybody is left who
    /// could. The daemon waits for it twice: before it notes the hole, and before it asks. No event
    /// depends on it: a hole is passed when nobody is left.
    /// </summary>
    public static readonly TimeSpan HoleSettles = TimeSpan.FromMilliseconds(4);

    private const string Channel = "mesh_events";
    private const int LooksAfterSignal = 5;
    private const int LongestGathering = 20;
    // A shorter one would only find the hole unsettled once more, and each look costs the database some questions.
    private static readonly TimeSpan NextLook = HoleSettles;
    private static readonly TimeSpan Leading = TimeSpan.FromSeconds(2);
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly SemaphoreSlim _tell = new(0, 1);
    private int _looks;
    private int _commits;
    private long _looked;

    // Only the replica that leads looks, and at least once in each slow poll.
    private bool Leads => Stopwatch.GetElapsedTime(Volatile.Read(ref _looked)) < Leading;

    // A signal that comes while the relay looks for events is kept for its next wait. What it announced
    // can lie behind a hole that a rolled back transaction left in the sequence, and no signal says when
    // that may be passed: so it looks again soon. Under load it waits a little, the longer the more has
    // come, so that one look finds what many commits brought.
    public async Task WaitAsync(TimeSpan timeout, CancellationToken token)
    {
        _looks = await _wake.WaitAsync(_looks > 0 && timeout > NextLook ? NextLook : timeout, token) ? LooksAfterSignal : Math.Max(0, _looks - 1);
        if (Interlocked.Exchange(ref _commits, 0) - 1 is > 0 and var more)
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(2 * more, LongestGathering)), token);
        Volatile.Write(ref _looked, Stopwatch.GetTimestamp());
    }

    /// <summary>Tells it of every commit that has events.</summary>
    public IDocumentSessionListener Listener => new AfterCommit(this);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Keep(Listen, stoppingToken), Keep(Tell, stoppingToken));

    private async Task Keep(Func<CancellationToken, Task> work, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await work(ct);
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                log.LogDebug(e, "The relay is woken by polling until the database is back");
                await Task.Delay(TimeSpan.FromSeconds(1), ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task Listen(CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        connection.Notification += (_, _) => Signal(_wake);
        await using (var listen = new NpgsqlCommand($"LISTEN {Channel}", connection))
            await listen.ExecuteNonQueryAsync(ct);
        while (true)
            await connection.WaitAsync(ct);
    }

    private async Task Tell(CancellationToken ct)
    {
        while (true)
        {
            await _tell.WaitAsync(ct);
            await using var notify = database.CreateCommand($"NOTIFY {Channel}");
            await notify.ExecuteNonQueryAsync(ct);
        }
    }

    private static void Signal(SemaphoreSlim semaphore)
    {
        try
        {
            if (semaphore.CurrentCount == 0)
                semaphore.Release();
        }
        catch (SemaphoreFullException)
        {
            // Somebody else signalled in the same moment, which is as good.
        }
    }

    private sealed class AfterCommit(RelayWakeup wakeup) : DocumentSessionListenerBase
    {
        public override Task AfterCommitAsync(IDocumentSession session, IChangeSet commit, CancellationToken token)
        {
            if (commit.GetEvents().Any())
            {
                Interlocked.Increment(ref wakeup._commits);
                Signal(wakeup._wake);
                if (!wakeup.Leads)
                    Signal(wakeup._tell);
            }

            return Task.CompletedTask;
        }
    }
}
