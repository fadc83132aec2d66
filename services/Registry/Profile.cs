using KkiMesh.Contracts;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry;

/// <summary>What a subject is by law.</summary>
public enum LegalForm
{
    /// <summary>A sole proprietor (samostojni podjetnik, s. p.).</summary>
    SoleProprietor,

    /// <summary>Self-employed in culture (samozaposlen v kulturi).</summary>
    SelfEmployedInCulture,

    /// <summary>A company with limited liability (družba z omejeno odgovornostjo, d. o. o.).</summary>
    LimitedCompany,

    /// <summary>An association (društvo).</summary>
    Association,

    /// <summary>A private institute (zavod).</summary>
    Institute,

    /// <summary>A public institute (javni zavod).</summary>
    PublicInstitute,

    /// <summary>A municipality (občina).</summary>
    Municipality,

    /// <summary>A cooperative (zadruga).</summary>
    Cooperative,

    /// <summary>A natural person (fizična oseba).</summary>
    NaturalPerson,

    /// <summary>Anything else (drugo).</summary>
    Other,
}

/// <summary>What a subject says about itself.</summary>
/// <param name="Name">Its name; personal data where it is a person's.</param>
/// <param name="Kind">What kind of stakeholder it is.</param>
/// <param name="LegalForm">What it is by law.</param>
/// <param name="Fields">Its fields of the taxonomy: 1 to 5 different numbers from 1 to 13.</param>
/// <param name="Competences">What it can do: at most 20 words.</param>
/// <param name="Municipality">The code of its municipality, one of the region's.</param>
/// <param name="Offers">What it offers: at most 20 words.</param>
/// <param name="LooksFor">What it looks for: at most 20 words.</param>
/// <param name="ContactEmail">Personal data: for its owner and the coordinator; null for others.</param>
/// <param name="Website">Its address on the web; null where it has none.</param>
/// <param name="Description">What it does, in plain text.</param>
public sealed record Profile(
    string Name,
    SubjectKind Kind,
    LegalForm LegalForm,
    IReadOnlyList<int> Fields,
    IReadOnlyList<string> Competences,
    string Municipality,
    IReadOnlyList<string> Offers,
    IReadOnlyList<string> LooksFor,
    string? ContactEmail,
    string? Website,
    string Description)
{
    /// <summary>
    /// How many fields the taxonomy has (policy, introduction: the list of Center za kreativnost, in one reading).
    /// </summary>
    public const int TaxonomyFields = 13;

    /// <summary>How many fields a subject has at the most, so that they say something.</summary>
    public const int MostFields = 5;

    /// <summary>What is wrong with it; null where nothing is.</summary>
    public Refusal? Fault() =>
        Fields.Count is < 1 or > MostFields || Fields.Distinct().Count() != Fields.Count || Fields.Any(f => f is < 1 or > TaxonomyFields)
            ? Refusal.Invalid("fields", $"1 to {MostFields} different fields of the taxonomy, 1 to {TaxonomyFields}.")
            : Word.Fault("competences", Competences) ?? Word.Fault("offers", Offers) ?? Word.Fault("looksFor", LooksFor);

    /// <summary>What everybody is told, without who it is.</summary>
    public SubjectPublished Published(SubjectId id, bool isDemo, string? owner) =>
        new(id, Kind, Fields, Competences, Municipality, Offers, LooksFor, isDemo, owner is null ? null : AccountKey.Of(id, owner));
}
