using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.HelpDesk;

/// <summary>Which cases are asked for.</summary>
/// <param name="Status">Where they stand.</param>
/// <param name="SupportPoint">A support point's key.</param>
/// <param name="ChallengeId">The challenge that was won.</param>
/// <param name="EntryId">The idea that won; a member has to give it.</param>
public sealed record CaseFilter(Choice<CaseStatus>? Status, string? SupportPoint, ChallengeId? ChallengeId, EntryId? EntryId);

internal static class ListCases
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/cases", List)
            .WithSummary("Lists mentoring cases, the newest idea first, without notes: a mentor those of their support points, a winner their own")
            .Produces<Page<MentoringCase>>().ProducesProblem(400)
            .For(Roles.Coordinator, Roles.Mentor, Roles.Member)
            .LogsAccess();
        group.MapGet("/cases/{id}", Get)
            .WithName("showCase")
            .WithSummary("Shows a mentoring case: to the mentors of its support point and coordinators with notes, to the winner without")
            .Produces<MentoringCase>().ProducesProblem(404)
            .For(Roles.Coordinator, Roles.Mentor, Roles.Member)
            .LogsAccess();
    }

    private static async Task<IResult> List(
        string region, [AsParameters] CaseFilter filter, [AsParameters] Paging paging, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        if (filter.EntryId is null && !Helps(http))
            return Problems.Of(400, "A member asks for the case of one idea, by its entryId.", "entryId");
        if (filter.SupportPoint is { } text && !SupportPoint.IsKey(text))
            return Problems.Of(400, "A support point's key has 1 to 40 lower case letters, digits and dashes.", "supportPoint");

        await using var session = store.QuerySession(region);
        if (!Helps(http) && await session.LoadAsync<MentoringCase>(filter.EntryId.ToString()!, ct) is { } asked && !http.HasWon(asked))
            return Problems.Of(Refusal.Forbidden("A member sees the case of an idea that they won with."));
        IQueryable<MentoringCase> cases = session.Query<MentoringCase>();
        if (!http.Has(Roles.Coordinator) && http.GoodFor(Roles.Mentor) is { Length: > 0 } points)
            cases = cases.Where(c => c.SupportPoint.IsOneOf(points));
        if (filter.Status is { Value: var status })
            cases = cases.Where(c => c.Status == status);
        if (filter.SupportPoint is { } key)
            cases = cases.Where(c => c.SupportPoint == key);
        if (filter.ChallengeId is { } challenge)
            cases = cases.Where(c => c.ChallengeId == challenge);
        if (filter.EntryId is { } entry)
            cases = cases.Where(c => c.EntryId == entry);
        var page = await paging.Of(cases.OrderByDescending(c => c.Id), ct);
        return Results.Ok(page with { Items = [.. page.Items.Select(c => c.WithoutNotes())] });
    }

    private static async Task<IResult> Get(string region, CaseId id, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        if (await session.LoadAsync<MentoringCase>(id.ToString(), ct) is not { } found)
            return Problems.Of(NotFound(id, region));
        return http.Has(Roles.Coordinator) || http.Has(Roles.Mentor, found.SupportPoint) ? Results.Ok(found)
            : http.HasWon(found) ? Results.Ok(found.WithoutNotes())
            : Problems.Of(NotFound(id, region));
    }

    internal static Refusal NotFound(CaseId id, string region) => Refusal.NotFound($"There is no mentoring case {id} in {region}.");

    private static bool Helps(HttpContext http) => http.Has(Roles.Coordinator) || http.Has(Roles.Mentor);
}
