using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Challenges;

/// <summary>An award.</summary>
/// <param name="EntryId">The idea.</param>
/// <param name="Amount">How much it gets, in EUR; within the pool.</param>
public sealed record AwardRequest(EntryId EntryId, Money Amount);

internal static class AwardEntry
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/{id}/awards", Handle)
        .AsCommand<Challenge>("Awards an idea that the jury has scored, after the deadline and within the pool", Roles.Coordinator)
        .DecidesOn("who entered the idea, their subject, and those who entered others");

    private static async Task<IResult> Handle(ChallengeId id, AwardRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(command.Region);
        var concerned = await Interests.OfAsync(session, id, request.EntryId, ct);
        return await command.OnBeside<Challenge, Entry>(
            id,
            request.EntryId,
            (challenge, entry) =>
                challenge is null ? Refusal.NotFound<Challenge>(id, command.Region)
                : entry is null ? Refusal.Invalid("entryId", $"There is no entry {request.EntryId}.")
                : command.WhyNotBy(concerned) is { } conflict ? conflict
                : challenge.AwardTo(entry, request.Amount, command.Actor, command.Now));
    }
}
