namespace KkiMesh.Contracts.Registry.V1;

/// <summary>A municipality of the region was listed.</summary>
/// <param name="Code">Its code, e.g. <c>003</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Seat">The town that it is governed from.</param>
/// <param name="Latitude">Of the seat, degrees north, WGS 84.</param>
/// <param name="Longitude">Of the seat, degrees east, WGS 84.</param>
[PublicEvent("kki.registry.municipality-listed.v1")]
public sealed record MunicipalityListed(string Code, string Name, string Seat, double Latitude, double Longitude);

/// <summary>An organisation that the policy names was listed.</summary>
/// <param name="Organisation">Its key, e.g. <c>ras</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Roles">What the policy says that it does.</param>
/// <param name="Town">Where it is; null where the policy does not say.</param>
[PublicEvent("kki.registry.organisation-listed.v1")]
public sealed record OrganisationListed(string Organisation, string Name, IReadOnlyList<string> Roles, string? Town);

/// <summary>A place that the policy names was listed: a coworking, an incubator, a creative centre.</summary>
/// <param name="Place">Its key, e.g. <c>kovacnica</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Town">Where it is.</param>
/// <param name="Roles">What the policy says that it is for.</param>
[PublicEvent("kki.registry.place-listed.v1")]
public sealed record PlaceListed(string Place, string Name, string Town, IReadOnlyList<string> Roles);

/// <summary>The kinds of stakeholders that the policy names.</summary>
public enum SubjectKind
{
    /// <summary>A company of the cultural and creative sector (podjetje KKS).</summary>
    CreativeCompany,

    /// <summary>Any other company (podjetje).</summary>
    Company,

    /// <summary>An association of interest: chambers, competence centres (interesno združenje).</summary>
    Association,

    /// <summary>A cultural creator or a non-governmental organisation (kulturni ustvarjalec, NVO).</summary>
    CreatorOrNgo,

    /// <summary>A municipality, a school or another public institution (javna institucija).</summary>
    PublicInstitution,

    /// <summary>A keeper of natural or cultural heritage (upravljalec dediščine).</summary>
    HeritageKeeper,

    /// <summary>A development agency or a creative centre (razvojna agencija, kreativni center).</summary>
    AgencyOrCentre,
}

/// <summary>
/// A subject published its profile, or changed what is published: the newest of these is the whole of it. It names
/// nobody: who it is says the registry, which forgets when consent is withdrawn; an event cannot.
/// </summary>
/// <param name="SubjectId">The subject.</param>
/// <param name="Kind">What kind it is.</param>
/// <param name="Fields">Its fields of the taxonomy (CzK), 1 to 13; at least one.</param>
/// <param name="Competences">What it can do: lower-case words, e.g. <c>ilustracija</c>.</param>
/// <param name="Municipality">The code of its municipality.</param>
/// <param name="Offers">What it offers: words as in <paramref name="Competences"/>.</param>
/// <param name="LooksFor">What it looks for: words as in <paramref name="Competences"/>.</param>
/// <param name="IsDemo">Whether it is made up for a demonstration.</param>
/// <param name="OwnerKey">Who registered it: <see cref="AccountKey"/> for it; null where it is not known.</param>
[PublicEvent("kki.registry.subject-published.v1")]
public sealed record SubjectPublished(
    SubjectId SubjectId,
    SubjectKind Kind,
    IReadOnlyList<int> Fields,
    IReadOnlyList<string> Competences,
    string Municipality,
    IReadOnlyList<string> Offers,
    IReadOnlyList<string> LooksFor,
    bool IsDemo = false,
    string? OwnerKey = null);

/// <summary>Why a subject is no longer published.</summary>
public enum HiddenBecause
{
    /// <summary>It hid its profile and may publish it again.</summary>
    Hidden,

    /// <summary>It withdrew its consent.</summary>
    ConsentWithdrawn,
}

/// <summary>A subject is no longer published; whoever keeps what it published forgets it.</summary>
/// <param name="SubjectId">The subject.</param>
/// <param name="Because">Why.</param>
[PublicEvent("kki.registry.subject-hidden.v1")]
public sealed record SubjectHidden(SubjectId SubjectId, HiddenBecause Because);
