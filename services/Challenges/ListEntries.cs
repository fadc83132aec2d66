using System.Security.Claims;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Challenges;

internal static class ListEntries
{
    private static readonly Role Jury = Roles.Juror.Of("id");

    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/{id}/entries", List)
            .WithSummary(
                "Lists the ideas of a challenge, the best scored first: for its jury and its organiser, and for auditors when it is concluded; "
                + "a member sees their own")
            .Produces<Page<Entry>>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(409)
            .For(Roles.Coordinator, Jury, Roles.Member, Roles.Auditor)
            .LogsAccess();
        group.MapGet("/{id}/entries/{entryId}", Get)
            .WithName("showEntry")
            .WithSummary("Shows an idea: to its challenge's jury and organiser, to who entered it, and to auditors when the challenge is concluded")
            .Produces<Entry>().ProducesProblem(404).ProducesProblem(409)
            .For(Roles.Coordinator, Jury, Roles.Member, Roles.Auditor)
            .LogsAccess();
    }

    private static async Task<IResult> List(
        string region, ChallengeId id, [AsParameters] Paging paging, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        if (await session.LoadAsync<Challenge>(id.ToString(), ct) is not { } challenge)
            return Problems.Of(Refusal.NotFound<Challenge>(id, region));
        if (WhyTooEarly(challenge, http) is { } early)
            return Problems.Of(early);
        var entries = session.Query<Entry>().Where(e => e.ChallengeId == id);
        if (!SeesAll(challenge, http))
        {
            var owner = http.User.FindFirstValue("sub");
            entries = entries.Where(e => e.Owner == owner);
        }

        var page = await paging.Of(entries.OrderByDescending(e => e.Points).ThenBy(e => e.Id), ct);
        return Results.Ok(page with { Items = [.. page.Items.Select(e => Seen(e, challenge, http)!)] });
    }

    private static async Task<IResult> Get(
        string region, ChallengeId id, EntryId entryId, HttpContext http, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        if (await session.LoadAsync<Challenge>(id.ToString(), ct) is not { } challenge)
            return Problems.Of(Refusal.NotFound<Challenge>(id, region));
        if (WhyTooEarly(challenge, http) is { } early)
            return Problems.Of(early);
        return await session.LoadAsync<Entry>(entryId.ToString(), ct) is { } entry && entry.ChallengeId == id && Seen(entry, challenge, http) is { } seen
            ? Results.Ok(seen)
            : Problems.Of(Refusal.NotFound<Entry>(entryId, region));
    }

    // An auditor looks at what was decided, and not over the jury's shoulder.
    private static Refusal? WhyTooEarly(Challenge challenge, HttpContext http) =>
        http.Has(Roles.Auditor) && !SeesAll(challenge, http) && !http.Has(Roles.Member)
            ? Refusal.Conflict("Auditors read ideas and scores when the challenge is concluded.")
            : null;

    private static bool SeesAll(Challenge challenge, HttpContext http) =>
        http.Has(Roles.Coordinator) || http.Has(Jury)
        || (http.Has(Roles.Auditor) && challenge.Status == ChallengeStatus.Concluded);

    // Who entered it does not see what the jury says while it judges, nor who judges.
    private static Entry? Seen(Entry entry, Challenge challenge, HttpContext http) =>
        http.Has(Roles.Coordinator) ? entry
        : SeesAll(challenge, http) ? entry.ForJury()
        : entry.Owner is not null && entry.Owner == http.User.FindFirstValue("sub") ? entry with { Scores = [], Points = 0 }
        : null;
}
