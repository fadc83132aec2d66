using System.Security.Claims;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.HelpDesk;

/// <summary>Help that is offered to a winner is theirs to take; a coordinator may answer for them.</summary>
internal static class Winner
{
    /// <summary>Why others may not.</summary>
    public static readonly Refusal NotTheirs = Refusal.Forbidden("Help is accepted or declined by the winner, or by a coordinator for them.");

    /// <summary>Whether the caller won: they entered the idea, or are a member of the subject that won.</summary>
    public static bool HasWon(this HttpContext http, MentoringCase offered) =>
        (offered.SubjectId is { } subject && http.HasJust(Roles.Member, subject.ToString()))
        || (offered.WinnerKey is not null && http.User.FindFirstValue("sub") is { } account && offered.WinnerKey == AccountKey.Of(offered.EntryId, account));

    /// <summary>Whether the caller may answer an offer.</summary>
    public static bool MayAnswer(this HttpContext http, MentoringCase offered) => http.Has(Roles.Coordinator) || http.HasWon(offered);
}
