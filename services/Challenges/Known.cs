using KkiMesh.Contracts.Registry.V1;
using Marten;

namespace KkiMesh.Challenges;

/// <summary>A municipality of the region, learnt from the registry.</summary>
/// <param name="Id">Its code.</param>
public sealed record KnownMunicipality(string Id)
{
    /// <summary>Learns.</summary>
    public static void Learn(MunicipalityListed e, IDocumentOperations picture) => picture.Store(new KnownMunicipality(e.Code));
}

/// <summary>A subject whose profile is published, learnt from the registry.</summary>
/// <param name="Id">Its id.</param>
public sealed record KnownSubject(string Id)
{
    /// <summary>Learns.</summary>
    public static void Learn(SubjectPublished e, IDocumentOperations picture) => picture.Store(new KnownSubject(e.SubjectId.ToString()));

    /// <summary>Forgets.</summary>
    public static void Forget(SubjectHidden e, IDocumentOperations picture) => picture.Delete<KnownSubject>(e.SubjectId.ToString());
}
