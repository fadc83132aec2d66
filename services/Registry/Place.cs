using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry;

/// <summary>A place that the policy names: a coworking, an incubator, a creative centre.</summary>
/// <param name="Id">Its key; the stream has a longer one.</param>
/// <param name="Key">Its key, e.g. kovacnica.</param>
/// <param name="Name">Its name.</param>
/// <param name="Town">Where it is.</param>
/// <param name="Roles">What the policy says that it is for, in the policy's words.</param>
/// <param name="Source">Where this comes from.</param>
/// <param name="Note">What of it is inferred, or is to be known besides; null where nothing is.</param>
public sealed record Place(
    string Id, string Key, string Name, string Town, IReadOnlyList<string> Roles, string? Source, Note? Note)
    : IAggregate<Place>, IAddressed
{
    /// <inheritdoc />
    string IAddressed.AddressId => Key;

    /// <inheritdoc />
    public static Place? Apply(Place? state, string id, object e) => (state, e) switch
    {
        (null, PlaceListed p) => new Place(id, p.Place, p.Name, p.Town, p.Roles, null, null),
        ({ }, SourceNoted noted) => state with { Source = noted.Source, Note = noted.Note },
        _ => state,
    };

    /// <summary>The key of its stream.</summary>
    public static string Stream(string key) => $"place-{key}";
}
