using System.Buffers;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;

namespace KkiMesh.ServiceDefaults;

/// <summary>A text of a body has a character that no text has, or bytes that are none.</summary>
internal sealed class TextException(string sentence) : JsonException(sentence);

/// <summary>Reads texts of bodies by the rule (<see cref="Text"/>), where the field is still known.</summary>
internal sealed partial class TextConverter(bool hasLines) : JsonConverter<string>
{
    private static readonly TextConverter OfLines = new(hasLines: true);

    /// <summary>Has all texts read so; those that are marked as long may have several lines.</summary>
    public static void Apply(JsonSerializerOptions options)
    {
        options.Converters.Add(new TextConverter(hasLines: false));
        options.TypeInfoResolver =
            (options.TypeInfoResolver ?? new DefaultJsonTypeInfoResolver()).WithAddedModifier(TakeLines);
    }

    /// <inheritdoc />
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String)
            throw new JsonException();
        var text = Unescaped(ref reader);
        return Text.FaultOf(text, hasLines) is { } fault ? throw new TextException(fault.En) : Text.Normalized(text);
    }

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value);

    private static void TakeLines(JsonTypeInfo type)
    {
        foreach (var property in type.Properties.Where(p => p.PropertyType == typeof(string) && IsLong(p)))
            property.CustomConverter = OfLines;
    }

    // A record's attributes are those of its constructor's parameters.
    private static bool IsLong(JsonPropertyInfo property) =>
        property.AttributeProvider?.IsDefined(typeof(LongTextAttribute), inherit: true) == true
        || property.AssociatedParameter?.AttributeProvider?.IsDefined(typeof(LongTextAttribute), inherit: true) == true;

    // The reader gives no text with half of a pair, nor one whose bytes are no UTF-8.
    private static string Unescaped(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            var bytes = reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan;
            var raw = Encoding.UTF8.GetString(bytes);
            var text = Escape().Replace(raw, Character);
            return text.Any(char.IsSurrogate) ? text : throw new TextException("This text is not in UTF-8.");
        }
    }

    private static string Character(Match escape) =>
        escape.Groups["hex"] is { Success: true, Value: var hex }
            ? ((char)int.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)).ToString()
            : "\\";

    [GeneratedRegex(@"\\(u(?<hex>[0-9a-fA-F]{4})|.)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Escape();
}
