using System.Text.Json;
using System.Text.Json.Serialization;
using KkiMesh.Contracts;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// An event on the wire: CloudEvents 1.0 in structured JSON mode with the mesh's extensions. Attributes that the mesh
/// does not know are ignored, so that a foreign program may add its own.
/// </summary>
public sealed record CloudEvent
{
    /// <summary>The content type of the structured mode.</summary>
    public const string ContentType = "application/cloudevents+json";

    private static readonly JsonSerializerOptions Strictly =
        new() { AllowDuplicateProperties = false, Converters = { new InstantConverter() } };

    /// <summary>The version of the specification: always 1.0.</summary>
    [JsonPropertyName("specversion")]
    public string SpecVersion { get; init; } = "1.0";

    /// <summary>The event's identity: unique for its source; a consumer that has seen it does nothing.</summary>
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    /// <summary>Who published it: <c>/&lt;region&gt;/&lt;service&gt;</c>.</summary>
    [JsonPropertyName("source")]
    public required string Source { get; init; }

    /// <summary>What happened: <c>kki.&lt;service&gt;.&lt;event&gt;.v&lt;n&gt;</c>. Consumers dispatch by it.</summary>
    [JsonPropertyName("type")]
    public required string Type { get; init; }

    /// <summary>The stream it belongs to. Events of one source and subject arrive in order.</summary>
    [JsonPropertyName("subject")]
    public string? Subject { get; init; }

    /// <summary>When it was recorded.</summary>
    [JsonPropertyName("time")]
    public DateTimeOffset? Time { get; init; }

    /// <summary>The media type of <see cref="Data"/>.</summary>
    [JsonPropertyName("datacontenttype")]
    public string DataContentType { get; init; } = "application/json";

    /// <summary>Increases within the stream, zero-padded so that it sorts as text; gaps are private events.</summary>
    [JsonPropertyName("sequence")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Sequence { get; init; }

    /// <summary>The W3C trace context of what caused it.</summary>
    [JsonPropertyName("traceparent")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TraceParent { get; init; }

    /// <summary>The region (tenant) it belongs to.</summary>
    [JsonPropertyName("kkiregion")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Region { get; init; }

    /// <summary>The thread it belongs to, e.g. a challenge from its funding to its payments.</summary>
    [JsonPropertyName("correlationid")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CorrelationId { get; init; }

    /// <summary>The id of the event that it answers, or of the command.</summary>
    [JsonPropertyName("causationid")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CausationId { get; init; }

    /// <summary>
    /// As what somebody caused it, e.g. coordinator; <c>service</c> where a
    /// service did by itself. Who it was stays private.
    /// </summary>
    [JsonPropertyName("actorrole")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ActorRole { get; init; }

    /// <summary>
    /// The event's hash (SHA-256), over it and all before it in its stream, where
    /// the stream is chained; absent where it is not.
    /// </summary>
    [JsonPropertyName("kkihash")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Hash { get; init; }

    /// <summary>
    /// The id of the public event before it in its stream, under the newest contract; absent of the
    /// stream's first one. Where it is not the last one that a reader has of the stream, something is
    /// missing (<see cref="Sequence"/> has gaps by design).
    /// </summary>
    [JsonPropertyName("kkiprevious")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Previous { get; init; }

    /// <summary>
    /// Its place in its service's history: <c>epoch.number.mark</c>. Reading the history after it continues from here.
    /// </summary>
    [JsonPropertyName("kkiposition")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Position { get; init; }

    /// <summary>The event itself: the record of the contract.</summary>
    [JsonPropertyName("data")]
    public JsonElement Data { get; init; }

    /// <summary>Reads an event, and says in a sentence what is wrong with one that is not valid.</summary>
    /// <exception cref="InvalidCloudEventException">It is not a CloudEvent that the mesh can take.</exception>
    public static CloudEvent Parse(ReadOnlySpan<byte> json)
    {
        CloudEvent e;
        try
        {
            e = JsonSerializer.Deserialize<CloudEvent>(json, Strictly)
                ?? throw new InvalidCloudEventException("The body is null, not a CloudEvent.");
        }
        catch (JsonException problem)
        {
            throw new InvalidCloudEventException($"The body is not a structured CloudEvent: {problem.Message}", problem);
        }

        var fault = e switch
        {
            { SpecVersion: not "1.0" } => "specversion must be 1.0.",
            { Id: null or "" or { Length: > 200 } } => "id must have 1 to 200 characters.",
            { Source: null or "" or { Length: > 500 } } => "source must have 1 to 500 characters.",
            { Type: null or "" or { Length: > 200 } } => "type must have 1 to 200 characters.",
            _ when !RegionConstraint.IsRegion(e.Region) => "kkiregion must name a region.",
            { Data.ValueKind: JsonValueKind.Undefined or JsonValueKind.Null } => "data is missing.",
            { Subject.Length: > 500 } => "subject must have at most 500 characters.",
            { Position: not null } when !ServiceDefaults.Position.TryParse(e.Position, out _) => "kkiposition must be epoch.number.mark.",
            _ => null,
        };
        return fault is null ? e : throw new InvalidCloudEventException($"Not a CloudEvent of the mesh: {fault}");
    }
}

/// <summary>A message cannot be taken, now or later: its reason is shown to the operator.</summary>
public sealed class InvalidCloudEventException(string message, Exception? inner = null) : Exception(message, inner);
