using System.Text;
using System.Text.Json.Nodes;

namespace KkiMesh.TestKit;

/// <summary>The part that fills each text of each body.</summary>
public sealed partial class WrongRequests
{
    private const string AnyText = "a text";

    /// <summary>A text that every field takes which has no form of its own; it is not in NFC.</summary>
    public const string FreeText = "Ka\u0301va \U0001F469\u200D\U0001F680";

    private static readonly (string Text, string Character)[] RefusedTexts =
        [("a\u202Eb", "U+202E"), ("a\uE000b", "U+E000"), ("a\u0000b", "U+0000"), ("a\\ud800b", "U+D800")];

    // What has a form of its own: codes, addresses, names of other things, words.
    private static readonly HashSet<string> Formed =
    [
        "bankTransaction", "beneficiary", "bic", "client", "competences", "contactEmail", "currency", "email",
        "finding", "iban", "key", "language", "looksFor", "municipalities", "municipality", "of", "offers",
        "postLogoutRedirectUris", "redirectUris", "reference", "role", "row", "scopes", "sha256", "textVersion",
        "toRow", "website",
    ];

    /// <summary>Gives each text of each body characters that no text has, and then some that every text has.</summary>
    public async Task TryTextsAsync(string document)
    {
        var root = JsonNode.Parse(await http.GetStringAsync(document))!;
        var operations = root["paths"]!.AsObject()
            .Where(path => path.Key.StartsWith("/{region}", StringComparison.Ordinal))
            .SelectMany(path => path.Value!.AsObject().Select(
                o => (Endpoint: $"{o.Key.ToUpperInvariant()} {path.Key}", Schema: SchemaOf(o.Value!))));
        foreach (var (endpoint, schema) in operations.Where(o => o.Schema is not null))
        {
            var body = Sample(root, schema!, "")!;
            foreach (var text in Texts(body).ToList())
                await TryTextAsync(endpoint, body, text);
        }
    }

    private static JsonNode? SchemaOf(JsonNode operation) =>
        operation["requestBody"]?["content"]?["application/json"]?["schema"];

    private async Task TryTextAsync(string endpoint, JsonNode body, JsonNode text)
    {
        var field = text.GetPath()[2..];
        foreach (var (wrong, character) in RefusedTexts)
        {
            var (status, problem, answer) = await FilledAsync(endpoint, body, text, wrong);
            var detail = (string?)problem?["detail"] ?? "";
            if (status is not (400 or 422) || problem?["errors"]?[field] is null
                || !detail.Contains($"Character 2 is {character}", StringComparison.Ordinal))
                _faults.Add($"{endpoint} with {character} in {field}: {status} {answer}");
        }

        if (IsFree(field))
        {
            var (status, problem, answer) = await FilledAsync(endpoint, body, text, FreeText);
            if (status >= 500 || problem?["errors"]?[field] is not null)
                _faults.Add($"{endpoint} with {FreeText} in {field}: {status} {answer}");
        }

        Tried++;
    }

    // The reference of a paper is one, that of a payment is a code.
    private static bool IsFree(string field) =>
        !Formed.Contains(field.Split('.')[^1].Split('[')[0]) || field.EndsWith(".reference", StringComparison.Ordinal);

    private async Task<(int Status, JsonNode? Problem, string Answer)> FilledAsync(
        string endpoint, JsonNode body, JsonNode text, string value)
    {
        // Escapes that are written out in the value stay escapes, so that it may be half of a pair.
        var sent = Replaced(body, text, value).Replace("\\\\u", "\\u", StringComparison.Ordinal);
        using var request = Request(endpoint, $"{Guid.Empty}", "");
        request.Content = new StringContent(sent, Encoding.UTF8, "application/json");
        using var answer = await http.SendAsync(request);
        var read = await answer.Content.ReadAsStringAsync();
        var isProblem = answer.Content.Headers.ContentType?.MediaType == "application/problem+json";
        return ((int)answer.StatusCode, isProblem ? JsonNode.Parse(read) : null, read);
    }

    private static string Replaced(JsonNode body, JsonNode text, string value)
    {
        var given = JsonValue.Create(value);
        text.ReplaceWith(given);
        var sent = body.ToJsonString();
        given.ReplaceWith(text);
        return sent;
    }

    private static IEnumerable<JsonNode> Texts(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(member => Texts(member.Value)),
        JsonArray a => a.SelectMany(Texts),
        JsonValue v when v.TryGetValue(out string? text) && text == AnyText => [v],
        _ => [],
    };

    // With every member, so that each of its texts is there.
    private static JsonNode? Sample(JsonNode root, JsonNode schema, string name)
    {
        if ((string?)schema["$ref"] is { } reference)
            return Sample(root, root["components"]!["schemas"]![reference.Split('/')[^1]]!, name);
        if ((schema["oneOf"] ?? schema["anyOf"])?.AsArray() is { } either)
            return Sample(root, either.First(s => (string?)s!["type"]?.ToString() != "null")!, name);
        if (schema["enum"]?.AsArray().First(value => value is not null) is { } choice)
            return choice.DeepClone();
        if (schema["properties"]?.AsObject() is { } properties)
            return new JsonObject(properties.Select(p => KeyValuePair.Create(p.Key, Sample(root, p.Value!, p.Key))));
        var (type, format) = (schema["type"]?.ToJsonString() ?? "", (string?)schema["format"]);
        return type.Contains("array", StringComparison.Ordinal)
            ? new JsonArray(schema["items"] is { } items ? Sample(root, items, "") : JsonValue.Create(AnyText))
            : type.Contains("boolean", StringComparison.Ordinal) ? JsonValue.Create(true)
            : type.Contains("integer", StringComparison.Ordinal) ? JsonValue.Create(1)
            : format is "date" ? JsonValue.Create("2026-07-01")
            : format is "date-time" ? JsonValue.Create("2026-07-01T10:00:00Z")
            : format is "uuid" || name.EndsWith("Id", StringComparison.Ordinal) ? JsonValue.Create($"{Guid.Empty}")
            : JsonValue.Create(AnyText);
    }
}
