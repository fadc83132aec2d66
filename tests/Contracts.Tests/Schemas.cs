using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using Namotion.Reflection;

namespace KkiMesh.Contracts.Tests;

/// <summary>The JSON Schema of each public event, generated from its record.</summary>
internal static class Schemas
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly XmlDocsOptions OnlyOurs = new() { ResolveExternalXmlDocs = false };

    /// <summary>The committed files, by event type.</summary>
    public static string Folder { get; } = Path.Combine(Root(), "contracts", "schemas");

    public static JsonObject Of(Type record)
    {
        var schema = ContractJson.Options.GetJsonSchemaAsNode(record, new JsonSchemaExporterOptions
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = Transform,
        }).AsObject();
        var type = PublicEvents.TypeOf(record)!;
        var whole = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["$id"] = "urn:" + type.Replace('.', ':'),
            ["title"] = type,
        };
        foreach (var (name, value) in schema.ToList())
        {
            schema.Remove(name);
            whole[name] = value;
        }

        return whole;
    }

    public static string Text(JsonObject schema) => schema.ToJsonString(Indented) + "\n";

    private static JsonNode Transform(JsonSchemaExporterContext context, JsonNode schema)
    {
        var told = Tell(context.TypeInfo.Type, schema);
        if (told is not JsonObject record)
            return told;
        if (context.Path.IsEmpty)
            Describe(record, context.TypeInfo.Type.GetXmlDocsSummary(OnlyOurs));
        // From here, since the exporter does not show properties one by one where they have a default and a converter.
        var given = Nullable.GetUnderlyingType(context.TypeInfo.Type);
        var info = given is null ? context.TypeInfo : context.TypeInfo.Options.GetTypeInfo(given);
        foreach (var property in info.Properties)
        {
            if (record["properties"]?[property.Name] is not JsonObject of)
                continue;
            if (of["type"] is null && of["$ref"] is null)
                _ = Tell(property.PropertyType, of);
            Describe(of, (property.AttributeProvider as PropertyInfo)?.GetXmlDocsSummary(OnlyOurs));
        }

        return record;
    }

    // Converters hide how these are written.
    private static JsonNode Tell(Type type, JsonNode schema)
    {
        var given = Nullable.GetUnderlyingType(type);
        var format = FormatOf(given ?? type);
        var told = schema as JsonObject ?? (format is null ? null : new JsonObject());
        if (told is null)
            return schema;
        if (format is not null)
            (told["type"], told["format"]) = (TypeOf("string", given is not null), format);
        if (type == typeof(long))
            told["format"] = "int64";
        if (told["enum"] is JsonArray values && told["type"] is null)
            told["type"] = TypeOf("string", values.Contains(null));
        return told;
    }

    private static string? FormatOf(Type type) =>
        type == typeof(DateTimeOffset) ? "date-time"
        : type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IId<>)) ? "uuid"
        : null;

    private static JsonNode TypeOf(string type, bool isNullable) => isNullable ? new JsonArray(type, "null") : JsonValue.Create(type);

    private static void Describe(JsonObject schema, string? text)
    {
        if (!string.IsNullOrEmpty(text))
            schema["description"] = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    private static string Root()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "KkiMesh.sln")))
                return at.FullName;
        }

        throw new InvalidOperationException("There is no KkiMesh.sln above the tests.");
    }
}
