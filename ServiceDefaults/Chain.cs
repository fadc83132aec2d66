using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using JasperFx.Events;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// An aggregate whose events are chained: each carries a hash over itself and the one before it, so that whoever
/// changes, removes or adds one has to change all that follow, and the head that others know.
/// </summary>
public interface IChained
{
    /// <summary>The newest event's hash; null before the first one.</summary>
    string? Head { get; }

    /// <summary>The same state with a newer head.</summary>
    IChained WithHead(string head);
}

/// <summary>An event of a chain as the database has it.</summary>
/// <param name="Version">Its number in the stream.</param>
/// <param name="Id">Its id.</param>
/// <param name="Type">Its type's name.</param>
/// <param name="Data">The event itself.</param>
/// <param name="RecordedAt">When it was recorded; the beginning of time where that cannot be read.</param>
/// <param name="Hash">The hash that it carries; null where it has none.</param>
/// <param name="Fault">What is wrong with it; null where it is as it was recorded.</param>
public sealed record ChainedEvent(long Version, Guid Id, string Type, string Data, DateTimeOffset RecordedAt, string? Hash, string? Fault);

/// <summary>The hashes that chain a stream's events.</summary>
public static class Chain
{
    internal const string Hash = "hash";
    internal const string RecordedAt = "recordedat";
    private const int PageSize = 1000;
    private static readonly JsonWriterOptions AsItIs = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Reads a stream and looks at each event: whether it is the next one, and what was recorded. A page at a time,
    /// between which the connection is free for other questions.
    /// </summary>
    /// <param name="connection">The store's database.</param>
    /// <param name="region">The tenant.</param>
    /// <param name="stream">The stream's key.</param>
    /// <param name="after">The event that was read last, with its hash; (0, null) from the beginning.</param>
    /// <param name="ct">Gives up.</param>
    public static async IAsyncEnumerable<IReadOnlyList<ChainedEvent>> ReadAsync(
        NpgsqlConnection connection, string region, string stream, (long Version, string? Hash) after, [EnumeratorCancellation] CancellationToken ct)
    {
        var (last, before) = after;
        while (true)
        {
            var page = await PageAsync(connection, region, stream, last, before, ct);
            if (page.Count == 0)
                yield break;
            (last, before) = (page[^1].Version, page[^1].Hash);
            yield return page;
        }
    }

    private static async Task<List<ChainedEvent>> PageAsync(
        NpgsqlConnection connection, string region, string stream, long after, string? before, CancellationToken ct)
    {
        const string events =
            """
            select version, id, type, data::text, user_name, causation_id, correlation_id, headers::text
            from mt_events where tenant_id = $1 and stream_id = $2 and version > $3 order by version limit $4
            """;
        await using var read = new NpgsqlCommand(events, connection);
        foreach (var value in (object[])[region, stream, after, PageSize])
            read.Parameters.AddWithValue(value);
        await using var reader = await read.ExecuteReaderAsync(ct);
        var page = new List<ChainedEvent>();
        for (var expected = after + 1; await reader.ReadAsync(ct); expected++)
        {
            var (version, id, type, data) = (reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2), reader.GetString(3));
            using var headers = JsonDocument.Parse(reader.IsDBNull(7) ? "{}" : reader.GetString(7));
            var (carried, recorded) = (Of(headers.RootElement, Hash), Of(headers.RootElement, RecordedAt));
            var link = Link(
                before, region, stream, version, id, type, Text(reader, 4), Text(reader, 5), Text(reader, 6),
                Of(headers.RootElement, Deciding.ActorRole), Of(headers.RootElement, Deciding.TraceParent), recorded, data);
            var fault = version != expected ? $"The event {expected} is missing; {version} follows."
                : link != carried ? "The event is not what was recorded, or does not follow the one before it."
                : null;
            page.Add(new ChainedEvent(version, id, type, data, Instant(recorded), carried, fault));
            // What comes after is held to what is there, so that one fault is told once.
            (before, expected) = (carried, version);
        }

        return page;
    }

    /// <summary>The hash that an event carries; null where its stream is not chained.</summary>
    public static string? HashOf(IEvent e) => e.Headers is UnreadableHeaders
        ? throw new UnreadableEventException("The headers of an event are no object.")
        : e.GetHeader(Hash)?.ToString();

    /// <summary>When an event was recorded, as its hash covers it.</summary>
    public static DateTimeOffset RecordedOf(IEvent e) => e.GetHeader(RecordedAt) switch
    {
        // Read back, a header that looks like an instant is one; as text it would lose what is below a second.
        DateTime at => new DateTimeOffset(at.ToUniversalTime()),
        DateTimeOffset at => at,
        { } text when DateTimeOffset.TryParse(text.ToString(), CultureInfo.InvariantCulture, out var at) => at,
        _ => e.Timestamp,
    };

    internal static bool Holds<T>() => typeof(T).IsAssignableTo(typeof(IChained));

    /// <summary>Gives an event its hash.</summary>
    /// <returns>The hash.</returns>
    internal static string Append(string? before, string region, string stream, long version, IEvent e, string data, DateTimeOffset now)
    {
        e.SetHeader(RecordedAt, now.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        var link = Link(
            before, region, stream, version, e.Id, e.EventTypeName, e.UserName, e.CausationId, e.CorrelationId,
            e.GetHeader(Deciding.ActorRole)?.ToString(), e.GetHeader(Deciding.TraceParent)?.ToString(), e.GetHeader(RecordedAt)?.ToString(), data);
        e.SetHeader(Hash, link);
        return link;
    }

    /// <summary>A chained state after an event has its hash.</summary>
    internal static T? Headed<T>(T? state, IEvent e)
        where T : class =>
        state is IChained chained && HashOf(e) is { } hash ? (T)chained.WithHead(hash) : state;

    private static DateTimeOffset Instant(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out var at) ? at : DateTimeOffset.MinValue;

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static string? Of(JsonElement headers, string name) =>
        headers.ValueKind == JsonValueKind.Object && headers.TryGetProperty(name, out var value)
            ? value.ToString()
            : null;

    // An array, whose order is fixed; within the event's data names are sorted, since
    // the database keeps them in an order of its own.
    private static string Link(
        string? before, string region, string stream, long version, Guid id, string type, string? actor, string? causation, string? correlation,
        string? role, string? traceParent, string? recordedAt, string data)
    {
        var bytes = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(bytes, AsItIs))
        {
            writer.WriteStartArray();
            foreach (var text in (string?[])[before, region, stream, version.ToString(CultureInfo.InvariantCulture), id.ToString(), type, actor, causation, correlation, role, traceParent, recordedAt])
                writer.WriteStringValue(text);
            using var parsed = JsonDocument.Parse(data);
            WriteSorted(writer, parsed.RootElement);
            writer.WriteEndArray();
        }

        return Convert.ToHexStringLower(SHA256.HashData(bytes.WrittenSpan));
    }

    private static void WriteSorted(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var property in value.EnumerateObject().OrderBy(p => p.Name, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(property.Name);
                    WriteSorted(writer, property.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                    WriteSorted(writer, item);
                writer.WriteEndArray();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
