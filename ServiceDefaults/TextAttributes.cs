using System.ComponentModel.DataAnnotations;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// A text of one line keeps to the rule (<see cref="Text"/>) and has at most so many characters. With a
/// <see cref="StringLengthAttribute.MinimumLength"/> a reader also sees something of it.
/// </summary>
[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.Property)]
public class OneLineAttribute(int maximumLength) : StringLengthAttribute(maximumLength)
{
    /// <summary>Whether it may have several lines.</summary>
    protected virtual bool HasLines => false;

    /// <inheritdoc />
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext)
    {
        ArgumentNullException.ThrowIfNull(validationContext);
        return value is string text && WhyNot(text, validationContext.DisplayName) is { } why
            ? new ValidationResult(why, validationContext.MemberName is { } member ? [member] : null)
            : ValidationResult.Success;
    }

    private string? WhyNot(string text, string name)
    {
        if (Text.FaultOf(text, HasLines) is { } fault)
            return fault.En;
        var length = Text.Length(Text.Normalized(text));
        return length > MaximumLength || length < MinimumLength ? FormatErrorMessage(name)
            : MinimumLength > 0 && !Text.IsVisible(text) ? "This text has nothing that a reader sees."
            : null;
    }
}

/// <summary>A long text: the same, and it may have several lines, each of which ends with a line feed.</summary>
public sealed class LongTextAttribute(int maximumLength) : OneLineAttribute(maximumLength)
{
    /// <inheritdoc />
    protected override bool HasLines => true;
}
