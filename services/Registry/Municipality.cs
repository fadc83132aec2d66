using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry;

/// <summary>A municipality of the region (občina).</summary>
/// <param name="Id">Its code; the stream has a longer key.</param>
/// <param name="Code">Its code: three digits, e.g. 003 (ISO 3166-2:SI).</param>
/// <param name="Name">Its name.</param>
/// <param name="Seat">The town that it is governed from.</param>
/// <param name="Latitude">Of the seat, degrees north, WGS 84.</param>
/// <param name="Longitude">Of the seat, degrees east, WGS 84.</param>
/// <param name="Source">Where this comes from.</param>
/// <param name="Note">What of it is inferred.</param>
public sealed record Municipality(
    string Id, string Code, string Name, string Seat, double Latitude, double Longitude, string? Source, Note? Note)
    : IAggregate<Municipality>, IAddressed
{
    /// <inheritdoc />
    string IAddressed.AddressId => Code;

    /// <inheritdoc />
    public static Municipality? Apply(Municipality? state, string id, object e) => (state, e) switch
    {
        (null, MunicipalityListed m) => new Municipality(id, m.Code, m.Name, m.Seat, m.Latitude, m.Longitude, null, null),
        ({ }, SourceNoted noted) => state with { Source = noted.Source, Note = noted.Note },
        _ => state,
    };

    /// <summary>The key of its stream; municipalities, organisations and places share one space of keys.</summary>
    public static string Stream(string code) => $"municipality-{code}";
}
