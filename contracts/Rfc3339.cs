using System.Globalization;
using System.Text.RegularExpressions;

namespace KkiMesh.Contracts;

/// <summary>
/// Instants as RFC 3339 writes them: whole, and with an offset, since a time without one depends on who reads it.
/// </summary>
public static partial class Rfc3339
{
    private const int MaxLength = 40;

    /// <summary>Reads an instant, e.g. <c>2026-07-01T12:00:00+02:00</c>; nothing else is taken.</summary>
    public static bool TryParse(string? text, out DateTimeOffset instant)
    {
        instant = default;
        return text is { Length: <= MaxLength } && Form().IsMatch(text)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out instant);
    }

    // \z: an instant does not end with a line break. T and Z may be small, as the RFC says.
    [GeneratedRegex(
        @"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})\z",
        RegexOptions.ExplicitCapture,
        1000)]
    private static partial Regex Form();
}
