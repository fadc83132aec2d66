using System.Net;
using System.Text.Json.Nodes;
using Json.Schema;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>Reads all that can be read without a question, and compares it with what the document says.</summary>
internal sealed class DocumentedAnswers(Client client, JsonObject document)
{
    private const string References = "#/components/schemas/";

    // A UUID, an instant, a day.
    private const string Known =
        "^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9:]+))?)$";

    // A UUID now and then: threads, whoever has a token, what an event is about, what a role is good for.
    private static readonly string[] Sometimes =
    [
        "correlationId", "correlationid", "causationid", "kkiprevious", "subject", "account", "owner",
        "givenBy", "takenBy", "mentor", "about", "of", "id",
    ];

    private static readonly EvaluationOptions Strictly = new()
    {
        OutputFormat = OutputFormat.List,
        RequireFormatValidation = true,
    };

    private readonly Dictionary<string, JsonNode> _lists = [];

    /// <summary>What was answered in another way.</summary>
    public List<string> Faults { get; } = [];

    /// <summary>How many answers were compared.</summary>
    public int Compared { get; private set; }

    /// <summary>Reads lists first, and then the first thing of each.</summary>
    public async Task ReadAsync()
    {
        foreach (var (path, operations) in document["paths"]!.AsObject().OrderBy(p => p.Key.Length))
        {
            if (operations!["get"] is not { } operation || !IsJson(operation) || NeedsMore(operation))
                continue;
            if (Address(path) is { } address)
                await CompareAsync(path, address, operation);
        }
    }

    private static bool NeedsMore(JsonNode operation) => (operation["parameters"]?.AsArray() ?? [])
        .Any(p => (string?)p!["in"] == "query" && (bool?)p["required"] == true);

    private static bool IsJson(JsonNode operation) =>
        operation["responses"]!["200"]?["content"]?["application/json"] is not null;

    private string? Address(string path)
    {
        var address = path.Replace("{region}", "gorenjska", StringComparison.Ordinal);
        if (!address.Contains('{', StringComparison.Ordinal))
            return address;
        var list = path[..path.LastIndexOf('/')];
        if (!path.EndsWith('}') || _lists.GetValueOrDefault(list)?["items"] is not JsonArray { Count: > 0 } items)
            return null;
        var key = items[0]!["key"] ?? items[0]!["code"] ?? items[0]!["id"];
        return $"{list.Replace("{region}", "gorenjska", StringComparison.Ordinal)}/{key}";
    }

    private async Task CompareAsync(string path, string address, JsonNode operation)
    {
        var role = ((string?)operation["x-roles"]?[0])?.Split(' ')[0] ?? "coordinator";
        var answer = await client.GetAsync(address, role);
        if (answer.Body is not { } body || (answer.Status == HttpStatusCode.BadRequest && role == "member"))
            return;
        _lists[path] = body;
        var contents = operation["responses"]![$"{(int)answer.Status}"]?["content"]?.AsObject();
        if (contents is null)
        {
            Faults.Add($"{address}: {(int)answer.Status} is not in the document");
            return;
        }

        Compared++;
        var result = Schema(contents.First().Value!["schema"]!).Evaluate(body, Strictly);
        if (!result.IsValid)
            Faults.Add($"{address}: {Told(result)}");
    }

    // The deepest places; what a text must not be has an error of its own where all is well.
    private static string Told(EvaluationResults result)
    {
        var failed = result.Details.Where(d => !d.IsValid && !d.EvaluationPath.ToString().EndsWith("/not", StringComparison.Ordinal))
            .Select(d => d.InstanceLocation.ToString()).Distinct().ToList();
        return string.Join("; ", failed.Where(at => !failed.Exists(other => other.StartsWith($"{at}/", StringComparison.Ordinal))).Take(8));
    }

    // Stricter than the document: nothing that it does not name, and no text that has a form which it does not name.
    private JsonSchema Schema(JsonNode answer)
    {
        var whole = new JsonObject
        {
            ["allOf"] = new JsonArray(answer.DeepClone()),
            ["$defs"] = document["components"]!["schemas"]!.DeepClone(),
        };
        foreach (var (_, schema) in whole["$defs"]!.AsObject())
            Tighten(schema!.AsObject());
        return JsonSchema.FromText(whole.ToJsonString().Replace(References, "#/$defs/", StringComparison.Ordinal));
    }

    private static void Tighten(JsonObject schema)
    {
        if (schema["properties"] is not JsonObject properties)
            return;
        schema["additionalProperties"] ??= false;
        foreach (var (name, property) in properties.Where(p => !Sometimes.Contains(p.Key)))
        {
            if (property is JsonObject text && IsFreeText(text))
                text["not"] = new JsonObject { ["type"] = "string", ["pattern"] = Known };
        }
    }

    private static bool IsFreeText(JsonObject schema) =>
        schema["format"] is null && schema["enum"] is null && schema["$ref"] is null
        && schema["type"]?.ToJsonString().Contains("\"string\"", StringComparison.Ordinal) == true;
}
