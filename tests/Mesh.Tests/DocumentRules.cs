using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// What a program needs of an OpenAPI document to make a client of it, and a person to read it. It walks all of it.
/// </summary>
internal sealed partial class DocumentRules
{
    // An event's own content, a transaction that shows one, and what a problem says besides.
    private static readonly string[] Free = ["CloudEvent.data", "LedgerTransaction.data", "Problem[]"];

    private static readonly string[] TextBounds = ["maxLength", "format", "enum", "pattern"];

    private static readonly string[] Schemas = ["$ref", "type", "oneOf", "anyOf", "allOf"];

    private static readonly string[] Contracts = ["#/components/schemas/KeyPart"];

    private readonly List<string> _faults = [];
    private readonly JsonObject _document;

    private DocumentRules(JsonObject document) => _document = document;

    /// <summary>What is wrong with a document; nothing where a client can be made of it.</summary>
    public static IReadOnlyList<string> Faults(JsonObject document)
    {
        var rules = new DocumentRules(document);
        rules.CheckTags();
        foreach (var (path, operations) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in operations!.AsObject())
                rules.CheckOperation($"{method} {path}", path, operation!.AsObject());
        }

        foreach (var (name, schema) in document["components"]!["schemas"]!.AsObject())
        {
            rules.CheckSchema(name, schema!.AsObject());
            rules.Expect(!HasType(schema.AsObject(), "null"), name, "may be null wherever it is referred to");
        }

        rules.CheckNames();
        return rules._faults;
    }

    private IEnumerable<JsonObject> Operations =>
        _document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject()).Select(o => o.Value!.AsObject());

    private void Expect(bool holds, string at, string rule)
    {
        if (!holds)
            _faults.Add($"{at}: {rule}");
    }

    private void CheckTags()
    {
        foreach (var tag in _document["tags"]?.AsArray() ?? [])
        {
            var name = (string)tag!["name"]!;
            Expect(TagName().IsMatch(name), $"tag {name}", "is not words in lower case");
            Expect(IsText(tag["description"]), $"tag {name}", "has no description");
        }
    }

    // Of one service: a client is made of one document.
    private void CheckNames()
    {
        foreach (var twice in Operations.GroupBy(o => (string?)o["operationId"]).Where(g => g.Count() > 1))
            Expect(false, $"operationId {twice.Key}", $"is that of {twice.Count()} operations");
    }

    private void CheckOperation(string at, string path, JsonObject operation)
    {
        Expect(OperationId().IsMatch((string?)operation["operationId"] ?? ""), at, "operationId is no verb and thing");
        Expect(IsText(operation["summary"]), at, "has no summary");
        var tags = (operation["tags"]?.AsArray() ?? []).Select(t => (string)t!).ToList();
        var known = (_document["tags"]?.AsArray() ?? []).Select(t => (string)t!["name"]!);
        Expect(tags.Count == 1 && known.Contains(tags[0]), at, "has not one tag that the document describes");
        Expect(operation["security"] is JsonArray { Count: > 0 }, at, "does not say which token it takes");
        var parameters = operation["parameters"]?.AsArray().Select(p => p!.AsObject()).ToList() ?? [];
        var named = parameters.Where(p => (string?)p["in"] == "path").Select(p => (string)p["name"]!);
        var ofPath = Braces().Matches(path).Select(m => m.Groups["name"].Value);
        Expect(ofPath.SequenceEqual(named), at, "declares other parameters than its path has");
        foreach (var parameter in parameters)
            CheckParameter($"{at} {parameter["name"]}", parameter);
        if (operation["requestBody"] is JsonObject body)
            CheckBody(at, body);
        CheckAnswers(at, operation);
    }

    private void CheckParameter(string at, JsonObject parameter)
    {
        var name = (string)parameter["name"]!;
        Expect(IsText(parameter["description"]), at, "has no description");
        var place = (string?)parameter["in"];
        Expect(place == "header" || CamelCase().IsMatch(name), at, "is not in camelCase");
        Expect(place != "path" || (bool?)parameter["required"] == true, at, "of a path is not required");
        var schema = parameter["schema"]!.AsObject();
        CheckSchema(at, schema);
        Expect(!HasType(schema, "array") || schema["maxItems"] is not null, at, "is a list of any length");
    }

    private void CheckBody(string at, JsonObject body)
    {
        Expect(body["content"] is JsonObject { Count: > 0 }, at, "has a body of no kind");
        foreach (var (type, content) in body["content"]!.AsObject())
        {
            CheckContent($"{at} body {type}", content!);
            CheckInput($"{at} body", content!["schema"]?.AsObject() ?? []);
        }
    }

    private void CheckAnswers(string at, JsonObject operation)
    {
        var answers = operation["responses"]!.AsObject();
        Expect(answers.Any(a => a.Key[0] == '2'), at, "has no answer for success");
        IEnumerable<string> problems =
        [
            "400", "401", "404", "503",
            .. operation["x-roles"] is null ? (string[])[] : ["403"],
            .. operation["requestBody"] is null ? (string[])[] : ["413", "415"],
        ];
        foreach (var problem in problems.Where(p => !answers.ContainsKey(p)))
            Expect(false, at, $"lacks {problem}");
        foreach (var (status, answer) in answers)
        {
            Expect(IsText(answer!["description"]), $"{at} {status}", "has no description");
            var contents = answer["content"] as JsonObject ?? [];
            Expect(status is "202" or "204" || contents.Count > 0, $"{at} {status}", "has no content");
            var isProblem = contents.Select(c => c.Key).SequenceEqual(["application/problem+json"]);
            Expect(status[0] < '4' || isProblem, $"{at} {status}", "is no problem");
            foreach (var (type, content) in contents)
                CheckContent($"{at} {status} {type}", content!);
        }
    }

    private void CheckContent(string at, JsonNode content)
    {
        if (content["schema"] is JsonObject schema)
            CheckSchema(at, schema);
        else
            Expect(false, at, "has no schema");
    }

    private void CheckSchema(string at, JsonObject schema)
    {
        Expect(Free.Contains(at) || IsTyped(schema), at, "has no type");
        Expect(!HasType(schema, "array") || schema["items"] is JsonObject, at, "is a list of nothing");
        Expect(!HasType(schema, "integer") || (string?)schema["format"] is "int32" or "int64", at, "has no size");
        // Other languages look for a pattern anywhere, and know no \z.
        var pattern = (string?)schema["pattern"] ?? "^$";
        Expect(pattern is ['^', .., '$'], at, $"has a pattern of a part: {pattern}");
        CheckFormat(at, schema);
        foreach (var (name, property) in schema["properties"]?.AsObject() ?? [])
        {
            var isDescribed = IsText(Described(property!)["description"]) || IsText(property!["description"]);
            Expect(isDescribed, $"{at}.{name}", "has no description");
            CheckSchema($"{at}.{name}", property!.AsObject());
        }

        foreach (var inner in Inner(schema))
            CheckSchema($"{at}[]", inner);
    }

    // By its name: that values have their formats is looked at where there are some.
    private void CheckFormat(string at, JsonObject schema)
    {
        var name = at[(at.LastIndexOfAny(['.', ' ']) + 1)..];
        if (!HasType(schema, "string") || schema["enum"] is not null)
            return;
        if (InstantName().IsMatch(name))
            Expect((string?)schema["format"] == "date-time", at, "is an instant without its format");
        if (DayName().IsMatch(name))
            Expect((string?)schema["format"] == "date", at, "is a day without its format");
    }

    // What somebody sends has bounds, which they should know before they send it. A contract's record says none.
    private void CheckInput(string at, JsonObject schema, int depth = 0)
    {
        if (depth > 6 || Contracts.Contains((string?)schema["$ref"]))
            return;
        foreach (var (name, property) in Described(schema)["properties"]?.AsObject() ?? [])
        {
            CheckBound($"{at}.{name}", property!.AsObject());
            CheckInput($"{at}.{name}", property.AsObject(), depth + 1);
        }

        foreach (var inner in Inner(Described(schema)).Where(_ => Described(schema)["properties"] is null))
        {
            CheckBound($"{at}[]", inner);
            CheckInput($"{at}[]", inner, depth + 1);
        }
    }

    private void CheckBound(string at, JsonObject property)
    {
        var schema = Described(property);
        if (HasType(schema, "string"))
            Expect(Array.Exists(TextBounds, word => schema[word] is not null), at, "is a text of any length");
        if (HasType(schema, "array"))
            Expect(schema["maxItems"] is not null, at, "is a list of any length");
    }

    private JsonObject Described(JsonNode schema) => schema["$ref"] is { } reference
        ? _document["components"]!["schemas"]![((string)reference!)["#/components/schemas/".Length..]]!.AsObject()
        : schema.AsObject();

    private static IEnumerable<JsonObject> Inner(JsonObject schema) =>
        ((JsonNode?[])[schema["items"], schema["additionalProperties"] as JsonObject])
        .Concat(((string[])["oneOf", "anyOf", "allOf"]).SelectMany(word => schema[word]?.AsArray() ?? []))
        .OfType<JsonObject>();

    private static bool IsTyped(JsonObject schema) => Array.Exists(Schemas, word => schema[word] is not null);

    private static bool HasType(JsonObject schema, string type) =>
        schema["type"] is JsonArray types
            ? types.Any(t => (string?)t == type)
            : (string?)schema["type"] == type;

    private static bool IsText(JsonNode? text) => (string?)text is { Length: > 2 };

    [GeneratedRegex("^[a-z]+([A-Z][a-z0-9]*)+$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OperationId();

    [GeneratedRegex("^[a-z]+( [a-z]+)*$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TagName();

    [GeneratedRegex("^[a-z][A-Za-z0-9]*$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CamelCase();

    [GeneratedRegex(@"\{(?<name>\w+)\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Braces();

    [GeneratedRegex("(^at|[a-z]At|deadline|^time)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex InstantName();

    [GeneratedRegex("(^date|[a-z](Date|On)|^asOf|^validFrom)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex DayName();
}
