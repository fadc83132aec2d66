namespace KkiMesh.ServiceDefaults;

/// <summary>An enumeration's value in a query, spelled as in JSON (awaiting-funds).</summary>
/// <param name="Value">The value.</param>
public readonly record struct Choice<T>(T Value)
    where T : struct, Enum
{
    /// <summary>Reads it from an address.</summary>
#pragma warning disable CA1000 // Minimal APIs look for exactly this.
    public static bool TryParse(string? text, out Choice<T> choice)
    {
        var parsed = Enum.TryParse<T>(text?.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var value)
            && Enum.IsDefined(value)
            && !text!.Contains(',', StringComparison.Ordinal)
            && !char.IsAsciiDigit(text![0]);
        choice = new(value);
        return parsed;
    }
#pragma warning restore CA1000
}
