using System.Security.Claims;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry;

/// <summary>Who asks.</summary>
/// <param name="Actor">The subject of a member's or coordinator's token in this region; null
/// for anybody else, and where a token has none.</param>
/// <param name="IsCoordinator">Whether it is a coordinator.</param>
/// <param name="IsMemberOf">Whether its token says that it is a member of a subject, by the subject's id.</param>
public sealed record Caller(string? Actor, bool IsCoordinator, Func<string, bool> IsMemberOf)
{
    /// <summary>Who sent a request.</summary>
    public static Caller Of(HttpContext http)
    {
        var isCoordinator = http.Has(Roles.Coordinator);
        var actor = isCoordinator || http.Has(Roles.Member) ? http.User.FindFirstValue("sub") : null;
        return new Caller(string.IsNullOrEmpty(actor) ? null : actor, isCoordinator, subject => http.HasJust(Roles.Member, subject));
    }

    /// <summary>Whether this subject is theirs: they registered it, or are a member of it.</summary>
    public bool Owns(Subject subject) => (Actor is not null && Actor == subject.Owner) || IsMemberOf(subject.Id);
}
