using System.Security.Claims;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges;

internal static class WithdrawEntry
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/{id}/entries/{entryId}/withdrawal", Handle)
        .AsCommand<Entry>("Takes an idea back, until the deadline: by who entered it, or a member of its subject", Roles.Member)
        .DecidesOnNobody("one's own idea")
        .LogsAccess();

    private static Task<IResult> Handle(ChallengeId id, EntryId entryId, Command command, HttpContext http) =>
        command.OnBeside<Entry, Challenge>(
            entryId,
            id,
            (entry, challenge) =>
                challenge is null ? Refusal.NotFound<Challenge>(id, command.Region)
                : entry is null || entry.ChallengeId != id || !http.Entered(entry) ? Refusal.NotFound<Entry>(entryId, command.Region)
                : entry.Withdraw(command.Actor, challenge, command.Now));

    /// <summary>Whether an idea is the caller's: they entered it, or are a member of the subject that it was entered for.</summary>
    public static bool Entered(this HttpContext http, Entry entry) =>
        (entry.Owner is not null && entry.Owner == http.User.FindFirstValue("sub"))
        || (entry.SubjectId is { } subject && http.HasJust(Roles.Member, subject.ToString()));
}
