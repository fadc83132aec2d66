using System.Security.Claims;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;
using Marten.Linq.MatchesSql;

namespace KkiMesh.Challenges;

internal static class ListEntries
{
    private static readonly Role Jury = Roles.Juror.Of("id");

    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/{id}/entries", List)
            .WithSummary(
                "Lists the ideas of a challenge, the best scored first: after the deadline for its jury and its organiser, for auditors when it is concluded; "
                + "a member sees their own, and their subject's")
            .Produces<Page<Entry>>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(409)
            .For(Roles.Coordinator, Jury, Roles.Member, Roles.Auditor)
            .LogsAccess();
        group.MapGet("/{id}/entries/{entryId}", Get)
            .WithName("showEntry")
            .WithSummary(
                "Shows an idea: to who entered it and members of its subject, after the deadline to its challenge's jury and organiser, "
                + "and to auditors when the challenge is concluded")
            .Produces<Entry>().ProducesProblem(404).ProducesProblem(409)
            .For(Roles.Coordinator, Jury, Roles.Member, Roles.Auditor)
            .LogsAccess();
    }

    private static async Task<IResult> List(
        string region, ChallengeId id, [AsParameters] Paging paging, HttpContext http, IDocumentStore store, TimeProvider time, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        if (await session.LoadAsync<Challenge>(id.ToString(), ct) is not { } challenge)
            return Problems.Of(Refusal.NotFound<Challenge>(id, region));
        var seesAll = SeesAll(challenge, http, time);
        if (!seesAll && WhyNone(challenge, http, time) is { } why)
            return Problems.Of(why);
        var entries = session.Query<Entry>().Where(e => e.ChallengeId == id && !e.IsWithdrawn);
        if (!seesAll)
        {
            var owner = http.User.FindFirstValue("sub");
            object[] subjects = [http.GoodFor(Roles.Member)];
            entries = entries.Where(e => e.Owner == owner || e.MatchesSql("d.data ->> 'subjectId' = any(?)", subjects));
        }

        var page = await paging.Of(entries.OrderByDescending(e => e.Points).ThenBy(e => e.Id), ct);
        return Results.Ok(page with { Items = [.. page.Items.Select(e => Seen(e, seesAll, http)!)] });
    }

    private static async Task<IResult> Get(
        string region, ChallengeId id, EntryId entryId, HttpContext http, IDocumentStore store, TimeProvider time, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        if (await session.LoadAsync<Challenge>(id.ToString(), ct) is not { } challenge)
            return Problems.Of(Refusal.NotFound<Challenge>(id, region));
        var seesAll = SeesAll(challenge, http, time);
        if (!seesAll && WhyNone(challenge, http, time) is { } why)
            return Problems.Of(why);
        return await session.LoadAsync<Entry>(entryId.ToString(), ct) is { IsWithdrawn: false } entry && entry.ChallengeId == id && Seen(entry, seesAll, http) is { } seen
            ? Results.Ok(seen)
            : Problems.Of(Refusal.NotFound<Entry>(entryId, region));
    }

    // A member sees their own at any time. An auditor looks at what was decided, and not over the jury's shoulder.
    private static Refusal? WhyNone(Challenge challenge, HttpContext http, TimeProvider time) =>
        http.Has(Roles.Member) ? null
        : http.Has(Roles.Coordinator) || http.Has(Jury) ? challenge.WhyNotRead(time.GetUtcNow())
        : Refusal.Conflict("Auditors read ideas and scores when the challenge is concluded.");

    private static bool SeesAll(Challenge challenge, HttpContext http, TimeProvider time) =>
        ((http.Has(Roles.Coordinator) || http.Has(Jury)) && challenge.WhyNotRead(time.GetUtcNow()) is null)
        || (http.Has(Roles.Auditor) && challenge.Status == ChallengeStatus.Concluded);

    // Who entered it does not see what the jury says while it judges, nor who judges; and whom to write to is not for
    // the others of their subject.
    private static Entry? Seen(Entry entry, bool seesAll, HttpContext http) =>
        seesAll && http.Has(Roles.Coordinator) ? entry
        : seesAll ? entry.ForJury()
        : !http.Entered(entry) ? null
        : (entry.Owner == http.User.FindFirstValue("sub") ? entry : entry.ForJury()) with { Scores = [], Points = 0 };
}
