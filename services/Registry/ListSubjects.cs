using KkiMesh.Contracts;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Registry;

/// <summary>Which subjects are asked for; each that is given must hold.</summary>
/// <param name="Field">Their field of the taxonomy, 1 to 13.</param>
/// <param name="Kind">What kind they are.</param>
/// <param name="Municipality">The code of their municipality.</param>
/// <param name="Competence">A word of their competences.</param>
/// <param name="Offers">A word of what they offer.</param>
/// <param name="LooksFor">A word of what they look for.</param>
/// <param name="Q">Words of their name, description, competences and offers, with or without č, š and ž; the last one
/// may be just begun. 1 to 100 characters.</param>
internal sealed record SubjectFilter(
    int? Field, Choice<SubjectKind>? Kind, string? Municipality, string? Competence, string? Offers, string? LooksFor, string? Q)
{
    /// <exception cref="RefusedException">400: a value cannot be.</exception>
    public IQueryable<Subject> Of(IQueryable<Subject> subjects)
    {
        if (Field is { } field)
            subjects = subjects.Where(s => s.Profile.Fields.Contains(field));
        if (Kind is { Value: var kind })
            subjects = subjects.Where(s => s.Profile.Kind == kind);
        if (Municipality.Checked("municipality") is { } municipality)
            subjects = subjects.Where(s => s.Profile.Municipality == municipality);
        if (Word.AsFilter(Competence, "competence") is { } competence)
            subjects = subjects.Where(s => s.Profile.Competences.Contains(competence));
        if (Word.AsFilter(Offers, "offers") is { } offered)
            subjects = subjects.Where(s => s.Profile.Offers.Contains(offered));
        if (Word.AsFilter(LooksFor, "looksFor") is { } soughtFor)
            subjects = subjects.Where(s => s.Profile.LooksFor.Contains(soughtFor));
        return subjects;
    }
}

internal static class ListSubjects
{
    private const int LongestQuestion = 100;

    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/subjects", List)
            .WithSummary("Lists published subjects: the best matches of q first, otherwise the newest first").ProducesProblem(400).LogsAccess();
        group.MapGet("/subjects/mine", Mine)
            .WithName("listOwnSubjects")
            .WithSummary("Lists the caller's own subjects, published or not, the newest first")
            .For(Roles.Member, Roles.Coordinator)
            .LogsAccess();
        group.MapGet("/subjects/{id}", Get)
            .WithName("showSubject")
            .WithSummary("Shows a subject: to everybody if it is published, in full to its owner and to coordinators")
            .Produces<Subject>().ProducesProblem(404)
            .LogsAccess();
    }

    private static async Task<Page<Subject>> List(
        string region, [AsParameters] SubjectFilter filter, [AsParameters] Paging paging, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        var subjects = filter.Of(session.Query<Subject>().Where(s => s.Status == SubjectStatus.Published));
        var page = await paging.Of(InOrder(subjects, filter.Q), ct);
        var caller = Caller.Of(http);
        return page with { Items = [.. page.Items.Select(s => s.For(caller)!)] };
    }

    private static async Task<Page<Subject>> Mine(
        string region, [AsParameters] Paging paging, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        var owner = Caller.Of(http).Actor ?? throw new RefusedException(Refusal.Forbidden("The token does not say whose it is."));
        var page = await paging.Of(session.Query<Subject>().Where(s => s.Owner == owner).OrderByDescending(s => s.Id), ct);
        return page with { Items = [.. page.Items.Select(s => s.InFull)] };
    }

    private static async Task<IResult> Get(string region, SubjectId id, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return (await session.LoadAsync<Subject>(id.ToString(), ct))?.For(Caller.Of(http)) is { } subject
            ? Results.Ok(subject)
            : Problems.Of(Refusal.NotFound<Subject>(id, region));
    }

    private static IQueryable<Subject> InOrder(IQueryable<Subject> subjects, string? q) => q switch
    {
        null => subjects.OrderByDescending(s => s.Id),
        _ when Text.Length(q) is 0 or > LongestQuestion => throw new RefusedException(
            new Refusal(StatusCodes.Status400BadRequest, $"What to look for has 1 to {LongestQuestion} characters.", "q")),
        _ => SearchText.Find(subjects, q),
    };
}
