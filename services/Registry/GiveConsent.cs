using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry;

/// <summary>A subject's consent.</summary>
/// <param name="TextVersion">The version of the text that it has read.</param>
public sealed record ConsentRequest([Required, OneLine(20, MinimumLength = 1)] string TextVersion);

/// <summary>What a subject consents to; a new text is a new version.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Sl">In Slovene.</param>
/// <param name="En">In English.</param>
public sealed record ConsentText(string Version, string Sl, string En)
{
    /// <summary>The text that is consented to now.</summary>
    public static ConsentText Current { get; } = new(
        "1",
        "Strinjam se, da register objavi moj profil: ime, vrsto, pravno obliko, področja, kompetence, občino, kaj ponujam in kaj iščem, spletni naslov in opis. "
        + "E-naslova ne objavi. Drugim storitvam in zunanjim prejemnikom javi objavljeni profil brez imena, pravne oblike, spletnega naslova in opisa. "
        + "Privolitev lahko kadar koli umaknem; profil je tisti hip skrit.",
        "I agree that the registry publishes my profile: name, kind, legal form, fields, competences, municipality, what I offer and what I look for, web address and description. "
        + "It does not publish the e-mail address. It tells other services and outside recipients the published profile without name, legal form, web address and description. "
        + "I can withdraw this consent at any time; the profile is hidden in that moment.");
}

internal static class GiveConsent
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/consent-text", () => ConsentText.Current)
            .WithName("showConsentText")
            .WithSummary("Shows what a subject consents to");
        group.MapPost("/subjects/{id}/consent", Handle)
            .AsCommand<Subject>("Consents to be published, in the words of the consent text", Roles.Member, Roles.Coordinator)
        .DecidesOnNobody("the subject's own people, or a coordinator for them")
            .LogsAccess();
    }

    private static Task<IResult> Handle(SubjectId id, ConsentRequest request, Command command, HttpContext http) =>
        command.On<Subject>(
            id,
            subject => subject.By(Caller.Of(http), s => request.TextVersion == ConsentText.Current.Version
                ? s.GiveConsent(request.TextVersion, command.Now)
                : Refusal.Invalid("textVersion", $"The text that is consented to now is version {ConsentText.Current.Version}.")),
            view: s => s.InFull);
}
