using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Challenges;

/// <summary>An idea.</summary>
/// <param name="Title">Its title; published with an award.</param>
/// <param name="Summary">The idea.</param>
/// <param name="Applicant">The name that the applicant wants to be published under with an award.</param>
/// <param name="ContactEmail">Where the organiser reaches the applicant; never published.</param>
/// <param name="Municipality">The code of the municipality where the applicant is at home.</param>
/// <param name="SubjectId">The applicant in the registry, where they are in it.</param>
public sealed record EntryRequest(
    [Required, OneLine(200, MinimumLength = 1)] string Title,
    [Required, LongText(5_000, MinimumLength = 1)] string Summary,
    [Required, OneLine(200, MinimumLength = 1)] string Applicant,
    [Required, OneLine(254, MinimumLength = 1), EmailAddress]
    [RegularExpression(@"[^\s<>]+", ErrorMessage = "An address has no spaces.")]
    string ContactEmail,
    [Required, OneLine(3, MinimumLength = 3)] string Municipality,
    SubjectId? SubjectId = null);

internal static class SubmitEntry
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/{id}/entries", Handle)
        .AsCreation<Entry>("Enters an idea, until the deadline; who judges or organises the challenge does not", Roles.Member)
        .DecidesOnNobody("one's own idea")
        .LogsAccess();

    private static async Task<IResult> Handle(ChallengeId id, EntryRequest request, Command command, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        // Who enters one first and judges later is told so when they judge.
        if (http.Has(Roles.Juror.Of("id")) || http.Has(Roles.Coordinator))
            return Problems.Of(Refusal.Forbidden("Who judges or organises a challenge does not enter an idea for it."));
        await using var session = store.QuerySession(command.Region);
        if (await session.LoadAsync<Challenge>(id.ToString(), ct) is not { Status: not ChallengeStatus.Draft })
            return Problems.Of(Refusal.NotFound<Challenge>(id, command.Region));

        if (await session.LoadAsync<KnownMunicipality>(request.Municipality, ct) is null)
            return Problems.Of(Refusal.Invalid("municipality", $"{command.Region} has no municipality with the code {request.Municipality}."));
        if (request.SubjectId is { } subject)
        {
            if (await session.LoadAsync<KnownSubject>(subject.ToString(), ct) is not { } known)
                return Problems.Of(Refusal.Invalid("subjectId", $"The registry has no published subject {subject}."));
            if (!known.IsOf(http))
                return Problems.Of(Refusal.Forbidden("An idea is entered for a subject by who registered it, or by its members."));
        }

        var entry = EntryId.From(command.NewId());
        var filed = new EntryFiled(
            id, request.Title, request.Summary, request.Applicant, request.ContactEmail, request.Municipality, request.SubjectId, command.Actor);
        return await command.OnBeside<Entry, Challenge>(
            entry, id, (_, challenge) => Entry.Submit(entry, filed, challenge!, command.Now), $"{id}/entries/{entry}");
    }
}
