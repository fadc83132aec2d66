using KkiMesh.Contracts.Registry.V1;
using Marten;

namespace KkiMesh.Matchmaking;

/// <summary>Picture: a municipality of the region.</summary>
/// <param name="Id">Its code, e.g. 003.</param>
/// <param name="Name">Its name.</param>
/// <param name="Seat">The town that it is governed from.</param>
/// <param name="Latitude">Of the seat, degrees north.</param>
/// <param name="Longitude">Of the seat, degrees east.</param>
public sealed record KnownMunicipality(string Id, string Name, string Seat, double Latitude, double Longitude)
{
    internal static void Learn(MunicipalityListed e, IDocumentOperations picture) =>
        picture.Store(new KnownMunicipality(e.Code, e.Name, e.Seat, e.Latitude, e.Longitude));
}
