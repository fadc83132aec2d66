using System.Security.Claims;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;
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
/// <param name="OwnerKey">Who registered it, as an account's key for it; null where it is not known.</param>
public sealed record KnownSubject(string Id, string? OwnerKey = null)
{
    /// <summary>Learns.</summary>
    public static void Learn(SubjectPublished e, IDocumentOperations picture)
    {
        picture.Store(new KnownSubject(e.SubjectId.ToString(), e.OwnerKey));
        picture.Store(new SubjectOwner(e.SubjectId.ToString(), e.OwnerKey));
    }

    /// <summary>Whether it is theirs: they registered it, or their token says that they are a member of it.</summary>
    public bool IsOf(HttpContext http) =>
        http.HasJust(Roles.Member, Id) || (http.User.FindFirstValue("sub") is { } account && OwnerKey == AccountKey.Of(Id, account));

    /// <summary>Forgets.</summary>
    public static void Forget(SubjectHidden e, IDocumentOperations picture) => picture.Delete<KnownSubject>(e.SubjectId.ToString());
}

/// <summary>Who registered a subject. It is kept when the profile is hidden: who hides theirs is still concerned.</summary>
/// <param name="Id">The subject's id.</param>
/// <param name="OwnerKey">An account's key for it; null where it is not known.</param>
public sealed record SubjectOwner(string Id, string? OwnerKey);
