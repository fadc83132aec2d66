using KkiMesh.Contracts;
using KkiMesh.Contracts.Matchmaking.V1;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Matchmaking;

/// <summary>A sentence for people.</summary>
/// <param name="Sl">In Slovene.</param>
/// <param name="En">In English.</param>
public sealed record Sentence(string Sl, string En);

/// <summary>A subject that is proposed for a challenge; who it is says the registry.</summary>
/// <param name="SubjectId">The subject.</param>
/// <param name="Score">1 to 100.</param>
/// <param name="Parts">How it came about, in words.</param>
/// <param name="Kind">What kind of subject it is; null while the picture is built.</param>
/// <param name="Municipality">The name of its municipality; null where it is not
/// known, and while the picture is built.</param>
/// <param name="IsDemo">Whether it is made up for a demonstration; null while the picture is built.</param>
public sealed record ProposedSubject(
    SubjectId SubjectId, int Score, IReadOnlyList<ScorePart> Parts, SubjectKind? Kind = null, string? Municipality = null, bool? IsDemo = null);

/// <summary>Who is proposed for a challenge.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Title">Its title.</param>
/// <param name="Deadline">Until when somebody is proposed.</param>
/// <param name="WhyNobody">Why nobody ever is; null where somebody can be.</param>
/// <param name="Items">The subjects of this page, the best scored first.</param>
/// <param name="Number">The page's number.</param>
/// <param name="Size">How many a page has at the most.</param>
/// <param name="Total">How many there are.</param>
public sealed record ChallengeProposals(
    ChallengeId ChallengeId, string Title, DateTimeOffset Deadline, Sentence? WhyNobody, IReadOnlyList<ProposedSubject> Items, int Number, int Size, long Total);

/// <summary>A challenge that a subject is proposed for.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Title">Its title.</param>
/// <param name="Deadline">Until when ideas are taken.</param>
/// <param name="Score">1 to 100.</param>
/// <param name="Parts">How it came about, in words.</param>
public sealed record ProposedChallenge(ChallengeId ChallengeId, string Title, DateTimeOffset Deadline, int Score, IReadOnlyList<ScorePart> Parts);

internal static class ListProposals
{
    private static readonly Sentence SaysNothing = new(
        "Izziv ne imenuje ne področij ne kompetenc, zato ni po čem koga predlagati.",
        "The challenge names neither fields nor competences, so there is nothing to propose anybody by.");

    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/challenges/{challengeId}/proposals", OfChallenge)
            .WithName("listProposedSubjects")
            .WithSummary("Lists the subjects that are proposed for a challenge, the best scored first, with the reasons; they name nobody")
            .Produces<ChallengeProposals>().ProducesProblem(400).ProducesProblem(404);
        group.MapGet("/subjects/{subjectId}/proposals", OfSubject)
            .WithName("listProposedChallenges")
            .WithSummary("Lists the challenges that still take ideas and that a subject is proposed for, the best fitting first")
            .Produces<Page<ProposedChallenge>>().ProducesProblem(400);
    }

    private static async Task<IResult> OfChallenge(
        string region, ChallengeId challengeId, int? minScore, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        if (minScore is < 1 or > 100)
            return NoSuchScore();
        await using var session = store.QuerySession(region);
        if (await session.LoadAsync<Proposals>(challengeId.ToString(), ct) is not { } proposals)
            return Problems.Of(Refusal.NotFound($"Nobody was ever proposed for a challenge {challengeId} in {region}."));

        var page = await paging.Of(Best(session.Query<Proposal>().Where(p => p.ChallengeId == challengeId), minScore), ct);
        return Results.Ok(new ChallengeProposals(
            challengeId, proposals.Title, proposals.Deadline, proposals.SeeksNobody ? SaysNothing : null,
            await WithPlaces(page.Items, session, ct), page.Number, page.Size, page.Total));
    }

    private static async Task<IResult> OfSubject(
        string region, SubjectId subjectId, int? minScore, [AsParameters] Paging paging, IDocumentStore store, TimeProvider time, CancellationToken ct)
    {
        if (minScore is < 1 or > 100)
            return NoSuchScore();
        await using var session = store.QuerySession(region);
        var now = time.GetUtcNow();
        var open = (await session.Query<Proposals>().Where(p => p.Deadline > now).OrderByDescending(p => p.Deadline).Take(OpenChallenge.MostLookedAt)
                .Select(p => new { p.Id, p.Title, p.Deadline }).ToListAsync(ct))
            .ToDictionary(p => ChallengeId.From(Guid.Parse(p.Id)));
        var keys = open.Keys.Select(challenge => Proposal.KeyOf(challenge, subjectId)).ToArray();

        var page = await paging.Of(Best(session.Query<Proposal>().Where(p => keys.Contains(p.Id)), minScore), ct);
        return Results.Ok(new Page<ProposedChallenge>(
            [.. page.Items.Select(p => new ProposedChallenge(p.ChallengeId, open[p.ChallengeId].Title, open[p.ChallengeId].Deadline, p.Score, p.Parts))],
            page.Number, page.Size, page.Total));
    }

    private static IResult NoSuchScore() => Problems.Of(StatusCodes.Status400BadRequest, "A score is 1 to 100.", "minScore");

    private static IQueryable<Proposal> Best(IQueryable<Proposal> proposals, int? minScore) =>
        (minScore is { } least ? proposals.Where(p => p.Score >= least) : proposals).OrderByDescending(p => p.Score).ThenBy(p => p.Id);

    private static async Task<IReadOnlyList<ProposedSubject>> WithPlaces(IReadOnlyList<Proposal> proposals, IQuerySession session, CancellationToken ct)
    {
        var subjects = (await session.LoadManyAsync<KnownSubject>(ct, proposals.Select(p => p.SubjectId.ToString()))).ToDictionary(s => s.SubjectId);
        var municipalities = (await session.LoadManyAsync<KnownMunicipality>(ct, subjects.Values.Select(s => s.Municipality).Distinct()))
            .ToDictionary(m => m.Id, m => m.Name);
        return [.. proposals.Select(p => subjects.GetValueOrDefault(p.SubjectId) is { } subject
            ? new ProposedSubject(p.SubjectId, p.Score, p.Parts, subject.Kind, municipalities.GetValueOrDefault(subject.Municipality), subject.IsDemo)
            : new ProposedSubject(p.SubjectId, p.Score, p.Parts))];
    }
}
