using System.Text.Json;
using System.Text.Json.Nodes;
using KkiMesh.Contracts.Challenges.V1;
using NJsonSchema;

namespace KkiMesh.Contracts.Tests;

/// <summary>
/// Contracts change by addition. <c>UPDATE_SCHEMAS=1</c> writes the files anew, but never over an incompatible change:
/// that needs a V2 beside V1.
/// </summary>
public sealed class ContractTests
{
    public static IEnumerable<TheoryDataRow<string>> Types => PublicEvents.In(typeof(PublicEventAttribute).Assembly).Keys.Order(StringComparer.Ordinal).Select(t => new TheoryDataRow<string>(t));

    [Theory]
    [MemberData(nameof(Types))]
    public void The_committed_schema_is_that_of_the_record_and_no_change_breaks_it(string type)
    {
        var schema = Schemas.Of(PublicEvents.In(typeof(PublicEventAttribute).Assembly)[type]);
        var file = Path.Combine(Schemas.Folder, type + ".schema.json");
        var committed = File.Exists(file) ? File.ReadAllText(file) : null;
        if (committed is not null)
            Assert.Empty(Compatibility.Breaks(JsonNode.Parse(committed), schema));
        if (Environment.GetEnvironmentVariable("UPDATE_SCHEMAS") == "1")
            File.WriteAllText(file, committed = Schemas.Text(schema));
        Assert.True(committed == Schemas.Text(schema), $"{file} is stale: UPDATE_SCHEMAS=1 ./mesh test Contracts.Tests writes it.");
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_property_of_an_event_has_a_type_and_a_description(string type)
    {
        var schema = JsonNode.Parse(File.ReadAllText(Path.Combine(Schemas.Folder, type + ".schema.json")))!;

        Assert.NotEmpty((string?)schema["description"] ?? "");
        Assert.Empty(Untold(schema, "$"));
    }

    [Fact]
    public void No_committed_contract_is_gone()
    {
        var types = PublicEvents.In(typeof(PublicEventAttribute).Assembly).Keys;

        Assert.Empty(Directory.GetFiles(Schemas.Folder, "*.schema.json").Select(f => Path.GetFileName(f).Replace(".schema.json", "", StringComparison.Ordinal)).Except(types));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void An_event_is_named_after_its_record_and_place(string type)
    {
        var record = PublicEvents.In(typeof(PublicEventAttribute).Assembly)[type];
        var parts = record.FullName!.Split('.');
        var name = JsonNamingPolicy.KebabCaseLower.ConvertName(record.Name);

        Assert.Equal($"kki.{parts[^3].ToLowerInvariant()}.{name}.{parts[^2].ToLowerInvariant()}", type);
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}""", null)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a"]}""", null)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a","b"]}""", "$.b is required now")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}}}""", "$.a may be absent now")]
    [InlineData("""{"type":"object","properties":{"b":{"type":"string"}},"required":["a"]}""", "$.a is gone")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}""", "$.a: type changed")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","format":"uuid"}},"required":["a"]}""", "$.a: format changed")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","enum":["x"]}},"required":["a"]}""", "$.a: enum changed")]
    [InlineData("""{"type":"object","properties":{"a":{}},"required":["a"]}""", "$.a: type changed")]
    public void Every_kind_of_incompatible_change_is_found(string after, string? fault)
    {
        var before = """{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}""";

        var breaks = Compatibility.Breaks(JsonNode.Parse(before), JsonNode.Parse(after));

        if (fault is null)
            Assert.Empty(breaks);
        else
            Assert.Contains(breaks, b => b.StartsWith(fault, StringComparison.Ordinal));
    }

    [Fact]
    public void A_schema_that_said_no_type_may_say_it()
    {
        var before = JsonNode.Parse("""{"type":"object","properties":{"a":{},"b":{"enum":["x"]}}}""");
        var after = JsonNode.Parse(
            """{"type":"object","properties":{"a":{"type":["string","null"],"format":"uuid"},"b":{"enum":["x"],"type":"string"}}}""");

        Assert.Empty(Compatibility.Breaks(before, after));
    }

    [Fact]
    public async Task An_event_is_valid_by_its_schema_and_reads_back_as_it_was()
    {
        var e = new ChallengePublished(
            new ChallengeId(Guid.CreateVersion7()), "Izziv", "Opis", "RAS", "U3-P4", 2022, Money.Eur(1_500_000), 5, new DateTimeOffset(2022, 9, 30, 10, 0, 0, TimeSpan.Zero));
        var json = JsonSerializer.Serialize(e, ContractJson.Options);
        var schema = await JsonSchema.FromFileAsync(Path.Combine(Schemas.Folder, "kki.challenges.challenge-published.v1.schema.json"));

        Assert.Empty(schema.Validate(json));
        Assert.NotEmpty(schema.Validate(json.Replace("\"title\"", "\"titel\"", StringComparison.Ordinal)));
        Assert.Equal(e, JsonSerializer.Deserialize<ChallengePublished>(json.Replace("{\"challengeId\"", "{\"added\":1,\"challengeId\"", StringComparison.Ordinal), ContractJson.Options));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Money>("""{"amount":1.5,"currency":"EUR"}""", ContractJson.Options));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Money>("""{"currency":"EUR"}""", ContractJson.Options));
    }

    // Where a type comes again it is referred to, with a description of its own.
    private static IEnumerable<string> Untold(JsonNode schema, string at)
    {
        foreach (var (name, property) in schema["properties"]?.AsObject() ?? [])
        {
            if (property!["type"] is null && property["$ref"] is null)
                yield return $"{at}.{name} has no type";
            if (string.IsNullOrEmpty((string?)property["description"]))
                yield return $"{at}.{name} has no description";
            foreach (var untold in Untold(property, $"{at}.{name}").Concat(property["items"] is { } item ? Untold(item, $"{at}.{name}[]") : []))
                yield return untold;
        }
    }
}
