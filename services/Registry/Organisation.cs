using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry;

/// <summary>An organisation that the policy names.</summary>
/// <param name="Id">Its key; the stream has a longer one.</param>
/// <param name="Key">Its key, e.g. ras.</param>
/// <param name="Name">Its name.</param>
/// <param name="Roles">What the policy says that it is or does, in the policy's words.</param>
/// <param name="Town">Where it is; null where the policy does not say.</param>
/// <param name="Source">Where this comes from.</param>
/// <param name="Note">What of it is inferred, or is to be known besides; null where nothing is.</param>
public sealed record Organisation(
    string Id, string Key, string Name, IReadOnlyList<string> Roles, string? Town, string? Source, Note? Note)
    : IAggregate<Organisation>, IAddressed
{
    /// <inheritdoc />
    string IAddressed.AddressId => Key;

    /// <inheritdoc />
    public static Organisation? Apply(Organisation? state, string id, object e) => (state, e) switch
    {
        (null, OrganisationListed o) => new Organisation(id, o.Organisation, o.Name, o.Roles, o.Town, null, null),
        ({ }, SourceNoted noted) => state with { Source = noted.Source, Note = noted.Note },
        _ => state,
    };

    /// <summary>The key of its stream.</summary>
    public static string Stream(string key) => $"organisation-{key}";
}
