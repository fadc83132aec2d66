using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;

namespace KkiMesh.Contracts.Tests;

/// <summary>The JSON Schema of each public event, generated from its record.</summary>
internal static class Schemas
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

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
        var format = context.TypeInfo.Type switch
        {
            var t when t.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IId<>)) => "uuid",
            var t when t == typeof(DateTimeOffset) => "date-time",
            _ => null,
        };
        if (format is not null)
            return new JsonObject { ["type"] = "string", ["format"] = format };
        if (context.TypeInfo.Type == typeof(long) && schema is JsonObject number)
            number["format"] = "int64";
        return schema;
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
