using System.Text.Json.Nodes;

namespace KkiMesh.Contracts.Tests;

/// <summary>Whether those who read an older schema can read what a newer one describes.</summary>
internal static class Compatibility
{
    /// <summary>What breaks; nothing where the change only adds what may be absent.</summary>
    public static IReadOnlyList<string> Breaks(JsonNode? before, JsonNode? after, string at = "$")
    {
        if (before is not JsonObject old || after is not JsonObject @new)
            return JsonNode.DeepEquals(before, after) ? [] : [$"{at} changed from {before?.ToJsonString()} to {after?.ToJsonString()}"];

        var breaks = new List<string>();
        foreach (var word in old.Select(p => p.Key).Union(@new.Select(p => p.Key)))
        {
            breaks.AddRange(word switch
            {
                "title" or "description" => [],
                // It said nothing of what was always so; each property says its type since.
                "type" when old[word] is null => [],
                "format" when old["type"] is null => [],
                "properties" => Properties(old, @new, at),
                "required" => Required(old, @new, at),
                "items" => Breaks(old[word], @new[word], $"{at}[]"),
                _ => JsonNode.DeepEquals(old[word], @new[word]) ? [] : [$"{at}: {word} changed from {old[word]?.ToJsonString() ?? "nothing"} to {@new[word]?.ToJsonString() ?? "nothing"}"],
            });
        }

        return breaks;
    }

    private static IEnumerable<string> Properties(JsonObject old, JsonObject @new, string at)
    {
        foreach (var (name, schema) in old["properties"] as JsonObject ?? [])
        {
            var there = @new["properties"]?[name];
            foreach (var b in there is null ? [$"{at}.{name} is gone"] : Breaks(schema, there, $"{at}.{name}"))
                yield return b;
        }
    }

    // A reader may count on what is required; and an event stored before must still be valid.
    private static IEnumerable<string> Required(JsonObject old, JsonObject @new, string at)
    {
        var (was, now) = (Names(old), Names(@new));
        foreach (var name in was.Except(now))
            yield return $"{at}.{name} may be absent now";
        foreach (var name in now.Except(was))
            yield return $"{at}.{name} is required now";
    }

    private static HashSet<string> Names(JsonObject schema) =>
        (schema["required"] as JsonArray ?? []).Select(n => (string)n!).ToHashSet(StringComparer.Ordinal);
}
