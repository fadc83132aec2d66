using System.Text.Json.Serialization;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Registry.V1;
using Marten;

namespace KkiMesh.Matchmaking;

/// <summary>Picture: a subject as it is published now. It names nobody, as its events do not.</summary>
/// <param name="Id">The subject's id.</param>
/// <param name="Kind">What kind it is.</param>
/// <param name="Fields">Its fields of the taxonomy, 1 to 13.</param>
/// <param name="Competences">What it can do.</param>
/// <param name="Municipality">The code of its municipality.</param>
/// <param name="Offers">What it offers.</param>
/// <param name="LooksFor">What it looks for.</param>
/// <param name="IsDemo">Whether it is made up for a demonstration.</param>
public sealed record KnownSubject(
    string Id,
    SubjectKind Kind,
    IReadOnlyList<int> Fields,
    IReadOnlyList<string> Competences,
    string Municipality,
    IReadOnlyList<string> Offers,
    IReadOnlyList<string> LooksFor,
    bool IsDemo)
{
    /// <summary>Its typed id.</summary>
    [JsonIgnore]
    public SubjectId SubjectId { get; } = SubjectId.From(Guid.Parse(Id));

    internal static KnownSubject Of(SubjectPublished e) =>
        new(e.SubjectId.ToString(), e.Kind, e.Fields, e.Competences, e.Municipality, e.Offers, e.LooksFor, e.IsDemo);

    internal static void Learn(SubjectPublished e, IDocumentOperations picture) => picture.Store(Of(e));

    internal static void Forget(SubjectHidden e, IDocumentOperations picture) => picture.Delete<KnownSubject>(e.SubjectId.ToString());
}
