using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry;

internal static class Filters
{
    private const int MaxLength = 100;

    /// <summary>A text to filter by, as it was given.</summary>
    /// <exception cref="RefusedException">400: nothing that is listed can look like this.</exception>
    public static string? Checked(this string? text, string parameter) =>
        text is not null && Text.Length(text) is 0 or > MaxLength
            ? throw new RefusedException(new Refusal(
                StatusCodes.Status400BadRequest, $"It has 1 to {MaxLength} characters.", parameter))
            : text;
}
