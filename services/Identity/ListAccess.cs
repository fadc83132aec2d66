using KkiMesh.ServiceDefaults;
using Microsoft.EntityFrameworkCore;

namespace KkiMesh.Identity;

/// <summary>A call of this API.</summary>
/// <param name="At">When it was answered.</param>
/// <param name="Subject">Who called: the id of an account, or of a client.</param>
/// <param name="Roles">The caller's roles in the region, with spaces between them; empty where there is none.</param>
/// <param name="What">The method and the form of the path.</param>
/// <param name="About">Whose data it was about: the id of an account, or of a
/// client; null: of nobody, or of many.</param>
/// <param name="Status">The answer's HTTP status.</param>
public sealed record AccessView(DateTimeOffset At, string Subject, string Roles, string What, string? About, int Status);

internal static class ListAccess
{
    public static void Map(RouteGroupBuilder api) => api
        .MapGet("/access-log", Handle)
        .WithSummary("Lists who called this API about whom, the newest first; kept two years")
        .Produces<Page<AccessView>>()
        .For(Roles.Auditor);

    private static async Task<IResult> Handle(string region, [AsParameters] Paging paging, IdentityStore store, CancellationToken ct) =>
        Results.Ok(await paging.OfAsync(
            store.AccessLog.AsNoTracking().Where(r => r.Region == region).OrderByDescending(r => r.At).ThenByDescending(r => r.Id)
                .Select(r => new AccessView(r.At, r.Subject, r.Roles, r.What, r.About, r.Status)),
            ct));
}
