using Microsoft.Extensions.Logging;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// The log of Marten's daemon, which warns of each hole in the sequence that it passes. A hole is what a rolled back
/// transaction leaves, and no event is in it: that goes to debug and is counted. An event that it passes since it
/// cannot be read is an error, and counted, too. What it warns of otherwise stays a warning.
/// </summary>
internal sealed class DaemonLog(ILogger log) : ILogger
{
    private const string HolePassed = "Daemon high water detection is skipping the event sequence range";
    private const string Template = "{OriginalFormat}";
    private const string EventPassed = "EventDeserializationException";
    private const string EventNumber = "Sequence";

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

        if (logLevel == LogLevel.Warning && eventId.Name == EventPassed)
        {
            MeshTelemetry.Unreadable();
            log.LogError(
                "The event with number {Number} of the store cannot be read and is not relayed; the history names it",
                Value(state, EventNumber));
            return;
        }

        log.Log(logLevel, eventId, state, exception, formatter);
    }

    private static object? Value<TState>(TState state, string name) =>
        (state as IEnumerable<KeyValuePair<string, object?>>)?.FirstOrDefault(v => v.Key == name).Value;

    private static bool IsHole<TState>(TState state) =>
        state is IEnumerable<KeyValuePair<string, object?>> values
        && values.Any(v => v.Key == Template && v.Value is string text && text.StartsWith(HolePassed, StringComparison.Ordinal));
}
