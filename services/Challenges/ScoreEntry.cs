using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Challenges;

/// <summary>A juror's score.</summary>
/// <param name="Points">0 to 100.</param>
/// <param name="Note">What the juror wants to add; for the organiser and the jury.</param>
public sealed record ScoreRequest([Range(0, 100)] int Points, [LongText(2_000)] string? Note = null);

internal static class ScoreEntry
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/{id}/entries/{entryId}/scores", Handle)
        .AsCommand<Entry>("Scores an idea, after the deadline; a juror's later score replaces the earlier one", Roles.Juror.Of("id"))
        .DecidesOn("who entered the idea, their subject, and those who entered others")
        .LogsAccess();

    private static async Task<IResult> Handle(ChallengeId id, EntryId entryId, ScoreRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(command.Region);
        var concerned = await Interests.OfAsync(session, id, entryId, ct);
        return await command.OnBeside<Entry, Challenge>(
            entryId,
            id,
            (entry, challenge) =>
                challenge is null ? Refusal.NotFound<Challenge>(id, command.Region)
                : entry is null || entry.ChallengeId != id || entry.IsWithdrawn ? Refusal.NotFound<Entry>(entryId, command.Region)
                : command.WhyNotBy(concerned) is { } conflict ? conflict
                : entry.Score(command.Actor, request.Points, request.Note, challenge, command.Now),
            view: entry => entry.ForJury());
    }
}
