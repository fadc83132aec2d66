using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry;

internal static class Filters
{
    private const int MaxLength = 100;

    /// <summary>A text to filter by, as it was given.</summary>
    /// <exception cref="RefusedException">400: nothing that is listed can look like this.</exception>
    public static string? Checked(this string? text, string parameter) =>
        text is { Length: 0 or > MaxLength } || text?.Any(char.IsControl) == true
            ? throw new RefusedException(new Refusal(
                StatusCodes.Status400BadRequest, $"It has 1 to {MaxLength} characters, none of them a control character.", parameter))
            : text;
}
