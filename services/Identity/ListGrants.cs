using KkiMesh.ServiceDefaults;
using Microsoft.EntityFrameworkCore;

namespace KkiMesh.Identity;

/// <summary>What somebody may do, or might.</summary>
/// <param name="Id">The grant's id.</param>
/// <param name="Subject">Whose it is: the id of an account, or of a client.</param>
/// <param name="Role">The role.</param>
/// <param name="Of">What it is good for alone; null: the whole region.</param>
/// <param name="GivenBy">Who gave it: an id, too.</param>
/// <param name="GivenAt">When.</param>
/// <param name="TakenBy">Who took it away; null: nobody.</param>
/// <param name="TakenAt">When; null: it is good.</param>
/// <param name="Name">How the person wants to be called; for coordinators alone.</param>
/// <param name="Email">The person's e-mail address; for coordinators alone.</param>
public sealed record GrantView(
    Guid Id,
    string Subject,
    string Role,
    string? Of,
    string GivenBy,
    DateTimeOffset GivenAt,
    string? TakenBy,
    DateTimeOffset? TakenAt,
    string? Name,
    string? Email)
{
    internal static GrantView From(Grant g, Account? person) =>
        new(g.Id, g.Subject, g.Role, g.Of, g.GivenBy, g.GivenAt, g.TakenBy, g.TakenAt, person?.DisplayName, person?.Email);
}

internal static class ListGrants
{
    private const int LongestSubject = 100;

    public static void Map(RouteGroupBuilder api) => api
        .MapGet("/grants", Handle)
        .WithSummary("Lists who may do what, and who might until it was taken away, the newest first; names and addresses are for coordinators alone")
        .Produces<Page<GrantView>>()
        .For(Roles.Coordinator, Roles.Operator, Roles.Auditor);

    private static async Task<IResult> Handle(
        string region, string? subject, string? role, [AsParameters] Paging paging, HttpContext http, IdentityStore store, CancellationToken ct)
    {
        if (subject is { Length: 0 or > LongestSubject })
            return Problems.Of(StatusCodes.Status400BadRequest, $"A subject has 1 to {LongestSubject} characters.", "subject");
        if (role is not null && !GrantRules.IsRole(role))
            return Problems.Of(StatusCodes.Status400BadRequest, "There is no such role.", "role");
        var grants = store.Grants.AsNoTracking().Where(g => g.Region == region);
        if (subject is not null)
            grants = grants.Where(g => g.Subject == subject);
        if (role is not null)
            grants = grants.Where(g => g.Role == role);
        var page = await paging.OfAsync(grants.OrderByDescending(g => g.GivenAt).ThenByDescending(g => g.Id), ct);
        var people = http.Has(Roles.Coordinator) ? await PeopleAsync(store, page.Items, ct) : [];
        if (page.Items.Any(g => g.Subject == subject))
            http.IsAbout(subject!);
        var views = page.Items.Select(g => GrantView.From(g, people.GetValueOrDefault(g.Subject)));
        return Results.Ok(new Page<GrantView>([.. views], page.Number, page.Size, page.Total));
    }

    private static async Task<Dictionary<string, Account>> PeopleAsync(IdentityStore store, IReadOnlyList<Grant> grants, CancellationToken ct)
    {
        var ids = grants.Select(g => Guid.TryParse(g.Subject, out var id) ? id : Guid.Empty).Distinct().ToList();
        return await store.Users.AsNoTracking().Where(a => ids.Contains(a.Id)).ToDictionaryAsync(a => a.Id.ToString(), ct);
    }
}
