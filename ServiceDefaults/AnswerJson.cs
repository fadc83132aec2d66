using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using KkiMesh.Contracts;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Something whose stream has another key than its address. An answer's <c>id</c> is the one of the address and opens
/// <c>/{region}/&lt;service&gt;/&lt;things&gt;/{id}</c>; the state is stored under the key of its stream.
/// </summary>
public interface IAddressed
{
    /// <summary>Its id in its address.</summary>
    string AddressId { get; }
}

/// <summary>How answers are written as JSON.</summary>
internal static class AnswerJson
{
    /// <summary>As contracts are, with the ids of addresses.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>Has other options write the ids of addresses.</summary>
    public static void Apply(JsonSerializerOptions options) => options.TypeInfoResolver =
        (options.TypeInfoResolver ?? new DefaultJsonTypeInfoResolver()).WithAddedModifier(ShowAddresses);

    private static void ShowAddresses(JsonTypeInfo type)
    {
        if (typeof(IAddressed).IsAssignableFrom(type.Type)
            && type.Properties.FirstOrDefault(p => p.Name == "id") is { } id)
            id.Get = thing => ((IAddressed)thing).AddressId;
    }

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions();
        ContractJson.Apply(options);
        Apply(options);
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
