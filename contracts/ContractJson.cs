using System.Text.Json;
using System.Text.Json.Serialization;

namespace KkiMesh.Contracts;

/// <summary>How events are written as JSON, for everyone who reads or writes them.</summary>
public static class ContractJson
{
    /// <summary>camelCase, strict about what is required and about instants, tolerant of what is added.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>Makes other options write events the same way.</summary>
    public static void Apply(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.PropertyNameCaseInsensitive = false;
        options.NumberHandling = JsonNumberHandling.Strict;
        // Else the last one would count here, and perhaps the first one for whoever checked it before.
        options.AllowDuplicateProperties = false;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false));
        options.Converters.Add(new InstantConverter());
    }

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions();
        Apply(options);
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
