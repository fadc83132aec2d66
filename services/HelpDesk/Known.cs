using System.Text.Json.Serialization;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Contracts.Registry.V1;
using Marten;

namespace KkiMesh.HelpDesk;

/// <summary>A municipality of the region, learnt from the registry.</summary>
/// <param name="Id">Its code.</param>
/// <param name="Name">Its name.</param>
/// <param name="Seat">The town that it is governed from.</param>
/// <param name="Latitude">Of the seat, degrees north, WGS 84.</param>
/// <param name="Longitude">Of the seat, degrees east, WGS 84.</param>
public sealed record KnownMunicipality(string Id, string Name, string Seat, double Latitude, double Longitude)
{
    /// <summary>Learns.</summary>
    public static void Learn(MunicipalityListed e, IDocumentOperations picture) =>
        picture.Store(new KnownMunicipality(e.Code, e.Name, e.Seat, e.Latitude, e.Longitude));
}

/// <summary>
/// A winner, learnt from Challenges: so that those who won before this service
/// listened are offered a case too. It names no person.
/// </summary>
/// <param name="Id">The idea that won.</param>
/// <param name="ChallengeId">The challenge that was won.</param>
/// <param name="Municipality">The code of the winner's municipality; null where it was not asked.</param>
/// <param name="SubjectId">The winner in the registry; null where it is not known.</param>
/// <param name="WinnerKey">Who entered the idea, as an account's key for it; null where it is not known.</param>
public sealed record KnownWinner(string Id, ChallengeId ChallengeId, string? Municipality, SubjectId? SubjectId = null, string? WinnerKey = null)
{
    /// <summary>The idea that won.</summary>
    [JsonIgnore]
    public EntryId Entry => EntryId.From(Guid.Parse(Id));

    /// <summary>Learns.</summary>
    public static void Learn(EntryAwarded e, IDocumentOperations picture) => picture.Store(Of(e));

    internal static KnownWinner Of(EntryAwarded e) => new(e.EntryId.ToString(), e.ChallengeId, e.Municipality, e.SubjectId, e.WinnerKey);
}
