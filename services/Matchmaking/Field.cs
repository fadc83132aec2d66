using System.Text.Json;
using KkiMesh.Contracts;

namespace KkiMesh.Matchmaking;

/// <summary>A field of the taxonomy (CzK).</summary>
/// <param name="Number">1 to 13.</param>
/// <param name="Sl">Its name in Slovene, as the policy gives it.</param>
/// <param name="En">Its name in English.</param>
public sealed record Field(int Number, string Sl, string En)
{
    private sealed record File(string Source, IReadOnlyList<Field> Fields);

    /// <summary>All thirteen, by number.</summary>
    public static IReadOnlyDictionary<int, Field> All { get; } = Load();

    private static Dictionary<int, Field> Load()
    {
        using var data = typeof(Field).Assembly.GetManifestResourceStream("fields.json")!;
        return JsonSerializer.Deserialize<File>(data, ContractJson.Options)!.Fields.ToDictionary(f => f.Number);
    }
}
