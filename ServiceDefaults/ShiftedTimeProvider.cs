using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// A clock that is wrong by a constant, as a machine's may be: for tests of what
/// clocks do that differ. Waits are as long as ever.
/// </summary>
internal sealed class ShiftedTimeProvider(TimeSpan offset) : TimeProvider
{
    /// <summary>
    /// By how much this process's clock is wrong, e.g. <c>00:00:20</c> or <c>-00:00:20</c>; in Development only.
    /// </summary>
    public const string Setting = "Mesh:Development:ClockOffset";

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + offset;

    /// <summary>The clock that a process is told to have; without the setting, the system's.</summary>
    /// <exception cref="InvalidOperationException">It is told so outside
    /// Development, or the value is no time.</exception>
    public static TimeProvider From(IConfiguration configuration, IHostEnvironment environment)
    {
        if (configuration[Setting] is not { Length: > 0 } text)
            return System;
        if (!environment.IsDevelopment())
            throw new InvalidOperationException($"{Setting} is for Development only: recorded times would be wrong.");
        return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var offset)
            ? new ShiftedTimeProvider(offset)
            : throw new InvalidOperationException($"{Setting} is no time: write 00:00:20 or -00:00:20.");
    }
}
