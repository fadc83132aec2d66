using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using Marten.Exceptions;
using Microsoft.Extensions.Logging;

namespace KkiMesh.ServiceDefaults;

/// <summary>A stored event cannot be published: what is stored is not what its contract says.</summary>
internal sealed class UnreadableEventException(string why, Exception? inner = null) : Exception(why, inner);

/// <summary>
/// Stored events that cannot be read: tampered with, or written by something else. Nothing waits for them: the history
/// tells which ones they are, the relay passes them, and the log says why.
/// </summary>
internal sealed class UnreadableEvents(ILogger<UnreadableEvents> log)
{
    private const int MostTold = 1000;
    private readonly ConcurrentDictionary<Guid, bool> _told = [];

    /// <summary>Whether a failure is that of an event itself; the same again fails again.</summary>
    public static bool IsOne(Exception e) =>
        e is UnreadableEventException || (e is EventDeserializationFailureException && ClosedStreams.IsOfTheStream(e)
            && e.InnerException is not OperationCanceledException);

    /// <summary>Logs which event it is and why, once; of a thousand events at the most.</summary>
    public void Tell(Guid id, string type, long number, Exception why)
    {
        if (_told.Count < MostTold && _told.TryAdd(id, true))
        {
            log.LogError(
                "{Type} {Id}, number {Number} of the store, cannot be read: {Reason}",
                type,
                id,
                number,
                why.GetBaseException().Message);
        }
    }
}

/// <summary>
/// Headers that are no object. They are kept as such, since the store would let nobody past an event whose headers it
/// cannot read.
/// </summary>
internal sealed class UnreadableHeaders : Dictionary<string, object>;

/// <summary>Reads and writes the headers of stored events.</summary>
internal sealed class HeadersConverter : JsonConverter<Dictionary<string, object>>
{
    public override Dictionary<string, object> Read(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return new UnreadableHeaders();
        }

        var headers = new Dictionary<string, object>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            headers[name] = JsonSerializer.Deserialize<object>(ref reader, options)!;
        }

        return headers;
    }

    public override void Write(Utf8JsonWriter writer, Dictionary<string, object> value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        foreach (var (name, header) in value)
        {
            writer.WritePropertyName(name);
            JsonSerializer.Serialize(writer, header, options);
        }

        writer.WriteEndObject();
    }
}
