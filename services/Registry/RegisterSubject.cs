using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Registry;

/// <summary>A profile, as a subject writes it.</summary>
/// <param name="Name">Its name; personal data where it is a person's.</param>
/// <param name="Kind">What kind of stakeholder it is.</param>
/// <param name="LegalForm">What it is by law.</param>
/// <param name="Fields">Its fields of the taxonomy: 1 to 5 different numbers from 1 to 13.</param>
/// <param name="Competences">What it can do, in a few words each.</param>
/// <param name="Municipality">The code of its municipality, one of the region's.</param>
/// <param name="Offers">What it offers, in a few words each.</param>
/// <param name="LooksFor">What it looks for, in a few words each.</param>
/// <param name="ContactEmail">Personal data: for its owner and the coordinator.</param>
/// <param name="Description">What it does, in plain text.</param>
/// <param name="Website">Its address on the web; by default it has none.</param>
/// <param name="IsDemo">Whether it is made up for a demonstration; a coordinator's
/// to say. Left out, it stays as it is.</param>
public sealed record SubjectRequest(
    [Required, OneLine(200, MinimumLength = 1)] string Name,
    SubjectKind Kind,
    LegalForm LegalForm,
    [Required, MinLength(1), MaxLength(Profile.MostFields)] IReadOnlyList<int> Fields,
    [Required, MaxLength(Word.Most), EachLength(Word.Shortest, Word.Longest)] IReadOnlyList<string> Competences,
    [Required, RegularExpression("[0-9]{3}", ErrorMessage = "A municipality's code is three digits.")] string Municipality,
    [Required, MaxLength(Word.Most), EachLength(Word.Shortest, Word.Longest)] IReadOnlyList<string> Offers,
    [Required, MaxLength(Word.Most), EachLength(Word.Shortest, Word.Longest)] IReadOnlyList<string> LooksFor,
    [Required, OneLine(254, MinimumLength = 1), EmailAddress]
    [RegularExpression(@"\S+", ErrorMessage = "An address has no spaces.")]
    string ContactEmail,
    [Required, LongText(2_000, MinimumLength = 1)] string Description,
    [OneLine(300)]
    [RegularExpression(
        @"https?://[^\s""<>\\]+", ErrorMessage = "An address on the web begins with https:// or http://.")]
    string? Website = null,
    bool? IsDemo = null)
{
    internal Profile Profile => new(
        Name.Trim(), Kind, LegalForm, Fields, Word.Tidied(Competences), Municipality, Word.Tidied(Offers), Word.Tidied(LooksFor), ContactEmail, Website, Description.Trim());

    /// <summary>
    /// Its municipality must be one of the region's; they are listed before the first request and stay.
    /// </summary>
    internal async Task<Refusal?> FaultInAsync(string region, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<Municipality>(KkiMesh.Registry.Municipality.Stream(Municipality), ct) is null
            ? Refusal.Invalid("municipality", $"{region} has no municipality {Municipality}.")
            : null;
    }
}

internal static class RegisterSubject
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/subjects", Handle)
        .AsCreation<Subject>("Registers a subject; it is published later, with its consent", Roles.Member, Roles.Coordinator)
        .DecidesOnNobody("the subject's own people, or a coordinator for them")
        .LogsAccess();

    private static async Task<IResult> Handle(SubjectRequest request, Command command, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        if (await request.FaultInAsync(command.Region, store, ct) is { } fault)
            return Problems.Of(fault);
        var id = command.NewId();
        var isForOthers = !http.Has(Roles.Member);
        return await command.Start<Subject>(id, Subject.Register(request.Profile, request.IsDemo, Caller.Of(http), isForOthers), $"subjects/{id}");
    }
}
