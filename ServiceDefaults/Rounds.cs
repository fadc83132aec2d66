using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace KkiMesh.ServiceDefaults;

/// <summary>What the service does by itself in each of its regions, a round a minute.</summary>
public static class Rounds
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Goes round until the service stops. Where a region fails, the others go on, and the next round tries it again.
    /// </summary>
    /// <param name="time">The clock.</param>
    /// <param name="configuration">Names the regions.</param>
    /// <param name="log">Takes what fails.</param>
    /// <param name="what">What is done, for the log.</param>
    /// <param name="isAtOnce">Whether the first round is at the start; else it is after the first minute.</param>
    /// <param name="once">Does it in a region.</param>
    /// <param name="ct">The service stops.</param>
    public static async Task EachMinuteAsync(
        TimeProvider time, IConfiguration configuration, ILogger log, string what, bool isAtOnce, Func<string, CancellationToken, Task> once, CancellationToken ct)
    {
        using var timer = new PeriodicTimer(Pause, time);
        while (isAtOnce || await timer.WaitForNextTickAsync(ct))
        {
            isAtOnce = false;
            foreach (var region in configuration.GetSection("Mesh:Regions").Get<string[]>() ?? [])
            {
                try
                {
                    await once(region, ct);
                }
                catch (Exception e) when (!ct.IsCancellationRequested)
                {
                    log.LogWarning(e, "In {Region} it failed to {What}; the next round tries again", region, what);
                }
            }
        }
    }
}
