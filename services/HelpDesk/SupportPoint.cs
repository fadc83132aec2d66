using System.Text.Json;
using System.Text.Json.Serialization;
using KkiMesh.Contracts;

namespace KkiMesh.HelpDesk;

/// <summary>Whether a support point can take cases.</summary>
public enum SupportPointState
{
    /// <summary>The policy says that it works.</summary>
    Open,

    /// <summary>
    /// The policy calls it under construction (v fazi izgradnje) and its row of the plan is to set it up first
    /// (vzpostavitev): it takes no cases.
    /// </summary>
    UnderConstruction,
}

/// <summary>What people read, in both languages.</summary>
/// <param name="Sl">In Slovene.</param>
/// <param name="En">In English.</param>
public sealed record Notes(string Sl, string En);

/// <summary>A support point (podporna točka, help desk; policy, measure 6).</summary>
/// <param name="Key">Its key, e.g. <c>kreativnice</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Town">Where it is.</param>
/// <param name="Municipality">The code of that town's municipality.</param>
/// <param name="Row">The row of the action plan that it is in, e.g. U6-A1.</param>
/// <param name="Holder">Who carries it, as printed.</param>
/// <param name="State">Whether it takes cases.</param>
/// <param name="Notes">What the policy says of it.</param>
/// <param name="Source">Where the policy says so, in its own words.</param>
public sealed record SupportPoint(
    string Key, string Name, string Town, string Municipality, string Row, string Holder, SupportPointState State, Notes Notes, string Source)
{
    private const int LongestKey = 40;

    /// <summary>Its id in addresses: its key.</summary>
    public string Id => Key;

    /// <summary>Whether a support point could have this key: 1 to 40 lower case letters, digits and dashes.</summary>
    public static bool IsKey(string text) =>
        text.Length is > 0 and <= LongestKey && text.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-');
}

/// <summary>A region's support points as its data file gives them.</summary>
/// <param name="Source">The chapters that they are taken from.</param>
/// <param name="Notes">What the policy leaves open.</param>
/// <param name="Points">The points that it names.</param>
public sealed record SupportPoints(string Source, Notes Notes, IReadOnlyList<SupportPoint> Points)
{
    private static readonly JsonSerializerOptions Json = new(ContractJson.Options) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    /// <summary>Reads a file; one with a fault is refused whole.</summary>
    /// <exception cref="InvalidDataException">What is wrong, and where.</exception>
    public static SupportPoints Parse(string json)
    {
        SupportPoints file;
        try
        {
            file = JsonSerializer.Deserialize<SupportPoints>(json, Json) ?? throw new InvalidDataException("The support points are empty.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The support points do not fit at {e.Path}: {e.Message}", e);
        }

        if (file.Points.FirstOrDefault(p => !SupportPoint.IsKey(p.Key)) is { } unkeyed)
            throw new InvalidDataException($"The support point '{unkeyed.Name}' needs a key of lower case letters, digits and dashes.");
        if (file.Points.GroupBy(p => p.Key).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new InvalidDataException($"The support point {twice.Key} is there twice.");
        return file;
    }
}
