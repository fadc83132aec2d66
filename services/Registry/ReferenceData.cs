using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using KkiMesh.Contracts;

namespace KkiMesh.Registry;

/// <summary>A municipality as the data file gives it.</summary>
public sealed record MunicipalityGiven(string Code, string Name, string Seat, double Latitude, double Longitude);

/// <summary>An organisation as the data file gives it; no town where the policy says none.</summary>
public sealed record OrganisationGiven(string Key, string Name, IReadOnlyList<string> Roles, string? Town = null, Note? Note = null);

/// <summary>A place as the data file gives it.</summary>
public sealed record PlaceGiven(string Key, string Name, string Town, IReadOnlyList<string> Roles, Note? Note = null);

/// <summary>The municipalities, and what is inferred about all of them.</summary>
public sealed record MunicipalityFile(string Source, Note Note, IReadOnlyList<MunicipalityGiven> Municipalities);

/// <summary>The taxonomy.</summary>
public sealed record FieldFile(string Source, Note Note, string NaceStatus, IReadOnlyList<TaxonomyField> Fields);

/// <summary>The organisations.</summary>
public sealed record OrganisationFile(string Source, IReadOnlyList<OrganisationGiven> Organisations);

/// <summary>The places.</summary>
public sealed record PlaceFile(string Source, IReadOnlyList<PlaceGiven> Places);

/// <summary>What a region's registry begins with. A file with a fault is refused whole.</summary>
public sealed partial record ReferenceData(MunicipalityFile Municipalities, FieldFile Fields, OrganisationFile Organisations, PlaceFile Places)
{
    private static readonly JsonSerializerOptions Json = new(ContractJson.Options) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    /// <summary>Reads the files of a folder.</summary>
    /// <exception cref="InvalidDataException">What is wrong, and where.</exception>
    public static async Task<ReferenceData> ReadAsync(string folder, CancellationToken ct)
    {
        async Task<T> Read<T>(string name) => Parse<T>(name, await File.ReadAllTextAsync(Path.Combine(folder, name), ct));
        var data = new ReferenceData(
            await Read<MunicipalityFile>("municipalities.json"),
            await Read<FieldFile>("fields.json"),
            await Read<OrganisationFile>("organisations.json"),
            await Read<PlaceFile>("places.json"));
        data.Check();
        return data;
    }

    /// <summary>Checks what the types cannot say.</summary>
    /// <exception cref="InvalidDataException">What is wrong, and where.</exception>
    public void Check()
    {
        Refuse(Municipalities.Municipalities.Where(m => !Code().IsMatch(m.Code)), m => $"The code '{m.Code}' of {m.Name} is not three digits.");
        Refuse(Municipalities.Municipalities.Where(m => m.Latitude is < -90 or > 90 || m.Longitude is < -180 or > 180), m => $"{m.Name} lies nowhere on earth.");
        Refuse(Twice(Municipalities.Municipalities.Select(m => m.Code)), code => $"The municipality {code} is there twice.");
        Refuse(Fields.Fields.Where((f, index) => f.Number != index + 1), f => $"The field {f.Number} is not where it belongs: they are numbered from 1.");
        var keys = Organisations.Organisations.Select(o => o.Key).Concat(Places.Places.Select(p => p.Key));
        Refuse(keys.Where(k => !Key().IsMatch(k)), key => $"The key '{key}' is not lower-case letters, digits and dashes, at most 60.");
        Refuse(Twice(Organisations.Organisations.Select(o => o.Key)), key => $"The organisation {key} is there twice.");
        Refuse(Twice(Places.Places.Select(p => p.Key)), key => $"The place {key} is there twice.");
    }

    private static T Parse<T>(string name, string json)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, Json) ?? throw new InvalidDataException($"{name} is empty.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{name} does not fit at {e.Path}: {e.Message}", e);
        }
    }

    private static IEnumerable<string> Twice(IEnumerable<string> keys) => keys.GroupBy(k => k).Where(g => g.Count() > 1).Select(g => g.Key);

    private static void Refuse<T>(IEnumerable<T> faults, Func<T, string> sentence)
    {
        foreach (var fault in faults)
            throw new InvalidDataException(sentence(fault));
    }

    [GeneratedRegex(@"^[0-9]{3}\z", RegexOptions.None, 1000)]
    private static partial Regex Code();

    [GeneratedRegex(@"^[a-z0-9][a-z0-9-]{0,59}\z", RegexOptions.None, 1000)]
    private static partial Regex Key();
}
