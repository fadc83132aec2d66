using Microsoft.Extensions.Logging;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// The log of Marten's daemon, which warns of each hole in the sequence that it passes. A hole is what a rolled back
/// transaction leaves, and no event is in it: that goes to debug and is counted. What it warns of otherwise stays a
/// warning.
/// </summary>
internal sealed class DaemonLog(ILogger log) : ILogger
{
    private const string HolePassed = "Daemon high water detection is skipping the event sequence range";
    private const string Template = "{OriginalFormat}";

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => log.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => log.IsEnabled(logLevel);

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel == LogLevel.Warning && IsHole(state))
        {
            MeshTelemetry.HolePassed();
            logLevel = LogLevel.Debug;
        }

        log.Log(logLevel, eventId, state, exception, formatter);
    }

    private static bool IsHole<TState>(TState state) =>
        state is IEnumerable<KeyValuePair<string, object?>> values
        && values.Any(v => v.Key == Template && v.Value is string text && text.StartsWith(HolePassed, StringComparison.Ordinal));
}
