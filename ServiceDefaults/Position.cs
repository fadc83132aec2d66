using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using JasperFx.Events;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// A place in a service's history: that of one event, or the beginning. It says of which epoch of the store it
/// is, and carries a part of the event's id, so that a store which was restored without that event recognises
/// it. Readers keep it as text and compare it for equality only.
/// </summary>
/// <param name="Epoch">The store's epoch (see <see cref="StoreEpochs"/>);
/// empty at the beginning of any history.</param>
/// <param name="Sequence">The number in the store, 1 and up; 0 is the beginning.</param>
/// <param name="Mark">The last eight digits of the event's id; empty at the beginning.</param>
[JsonConverter(typeof(PositionConverter))]
public readonly record struct Position(string Epoch, long Sequence, string Mark)
{
    internal const int MaxLength = 60;
    private const int MarkLength = 8;

    /// <summary>Before the first event, in any epoch.</summary>
    public static Position Beginning { get; } = new("", 0, "");

    /// <summary>Whether it is before the first event.</summary>
    public bool IsBeginning => Sequence == 0;

    internal static Position Of(string epoch, IEvent e) => Of(epoch, e.Sequence, e.Id);

    internal static Position Of(string epoch, long sequence, Guid id) =>
        sequence == 0 ? Beginning : new(epoch, sequence, id.ToString("N")[^MarkLength..]);

    /// <summary>Reads <c>epoch.sequence.mark</c>, or <c>0</c> for the beginning.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Position position)
    {
        position = Beginning;
        if (text == "0")
            return true;
        if (text is not { Length: > 0 and <= MaxLength }
            || text.Split('.') is not [{ Length: > 0 } epoch, var digits, { Length: MarkLength } mark]
            || !long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence) || sequence == 0)
            return false;
        position = new Position(epoch, sequence, mark);
        return true;
    }

    /// <inheritdoc />
    public override string ToString() =>
        IsBeginning ? "0" : string.Create(CultureInfo.InvariantCulture, $"{Epoch}.{Sequence}.{Mark}");
}

/// <summary>Writes a position as text.</summary>
public sealed class PositionConverter : JsonConverter<Position>
{
    /// <inheritdoc />
    public override Position Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Position.TryParse(reader.GetString(), out var position) ? position : throw new JsonException("It is not a position of a history.");

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, Position value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
