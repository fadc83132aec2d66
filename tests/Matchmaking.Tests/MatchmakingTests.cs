using System.Net;
using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Contracts.Matchmaking.V1;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.TestKit;
using Marten;

namespace KkiMesh.Matchmaking.Tests;

public sealed class MatchmakingTests(TestServers servers)
{
    [Fact]
    public async Task Who_fits_a_challenge_is_proposed_with_the_reasons_the_best_first()
    {
        await using var mesh = await Neighbours.StartAsync(servers);
        await mesh.StartMatchmakingAsync();
        using var client = mesh.Client();
        var challenge = Given.Challenge([3, 12], ["ilustracija", "animacija"], "Spominki");
        var (good, better, other) = (Given.Subject([3], ["ilustracija"]), Given.Subject([3, 12], ["Animacija"], ["ilustracija"], ["spominki"]), Given.Subject([7], ["ilustracija"]));
        await mesh.TellAsync("052", new MunicipalityListed("052", "Kranj", "Kranj", 46.23887, 14.35561));
        foreach (var subject in (SubjectPublished[])[good, better, other])
            await mesh.TellAsync($"{subject.SubjectId}", subject);
        await Known<KnownSubject>(mesh, 3);

        var cause = await mesh.TellAsync($"{challenge.ChallengeId}", challenge);
        await Eventually.Is(() => Task.FromResult(mesh.Published.Count), n => n == 2);

        Assert.All(mesh.Published, e => Assert.Equal((challenge.ChallengeId.ToString(), cause.ToString()), (e.CorrelationId, e.CausationId)));
        var read = await client.GetAsync($"/gorenjska/matchmaking/challenges/{challenge.ChallengeId}/proposals");
        var items = read.Body!["items"]!.AsArray();
        Assert.Equal([$"{better.SubjectId}", $"{good.SubjectId}"], items.Select(i => (string)i!["subjectId"]!));
        Assert.Equal(["90", "45"], items.Select(i => i!["score"]!.ToString()));
        Assert.Equal("Skupna področja: oblikovanje in vizualne umetnosti; kulturni turizem (2 od 2 iskanih).", (string)items[0]!["parts"]![0]!["sl"]!);
        Assert.Equal("Of what is sought it can do: animacija; it offers: ilustracija (2 of 2).", (string)items[0]!["parts"]![1]!["en"]!);
        Assert.Equal(("Kranj", "creative-company", false), ((string)items[0]!["municipality"]!, (string)items[0]!["kind"]!, (bool)items[0]!["isDemo"]!));
        Assert.Equal(("Spominki", null), ((string)read.Body["title"]!, read.Body["whyNobody"]));

        var filtered = await client.GetAsync($"/gorenjska/matchmaking/challenges/{challenge.ChallengeId}/proposals?minScore=46");
        Assert.Equal((1, $"{better.SubjectId}"), ((int)filtered.Body!["total"]!, (string)filtered.Body["items"]![0]!["subjectId"]!));
        var second = await client.GetAsync($"/gorenjska/matchmaking/challenges/{challenge.ChallengeId}/proposals?page=2&pageSize=1");
        Assert.Equal((2, $"{good.SubjectId}"), ((int)second.Body!["total"]!, (string)second.Body["items"]![0]!["subjectId"]!));
        var ofSubject = await client.GetAsync($"/gorenjska/matchmaking/subjects/{good.SubjectId}/proposals");
        Assert.Equal((1, "Spominki", 45), ((int)ofSubject.Body!["total"]!, (string)ofSubject.Body["items"]![0]!["title"]!, (int)ofSubject.Body["items"]![0]!["score"]!));
        Assert.Equal(0, (int)(await client.GetAsync($"/gorenjska/matchmaking/subjects/{other.SubjectId}/proposals")).Body!["total"]!);
        var described = (await client.GetAsync("/openapi/v1.json")).Body!["paths"]!;
        Assert.NotNull(described["/{region}/matchmaking/challenges/{challengeId}/proposals"]!["get"]!["responses"]!["200"]!["content"]);
        Assert.NotNull(described["/{region}/matchmaking/subjects/{subjectId}/proposals"]!["get"]!["responses"]!["200"]!["content"]);
    }

    [Fact]
    public async Task Nobody_is_proposed_where_nothing_is_sought_or_after_the_deadline_and_the_read_says_why()
    {
        await using var mesh = await Neighbours.StartAsync(servers);
        await mesh.StartMatchmakingAsync();
        using var client = mesh.Client();
        var (silent, late) = (Given.Challenge(null), Given.Challenge([1], deadline: DateTimeOffset.UtcNow.AddMinutes(-1)));
        await mesh.TellAsync($"{silent.ChallengeId}", silent);
        await mesh.TellAsync($"{late.ChallengeId}", late);
        await mesh.TellAsync("s", Given.Subject([1], ["les"]));
        await Known<KnownSubject>(mesh, 1);

        var ofSilent = await Eventually.Is(() => client.GetAsync($"/gorenjska/matchmaking/challenges/{silent.ChallengeId}/proposals"), a => a.Status == HttpStatusCode.OK);
        var ofLate = await Eventually.Is(() => client.GetAsync($"/gorenjska/matchmaking/challenges/{late.ChallengeId}/proposals"), a => a.Status == HttpStatusCode.OK);

        Assert.Contains("neither fields nor competences", (string)ofSilent.Body!["whyNobody"]!["en"]!, StringComparison.Ordinal);
        Assert.Equal((0, 0), ((int)ofSilent.Body["total"]!, (int)ofLate.Body!["total"]!));
        Assert.Empty(mesh.Published);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"/gorenjska/matchmaking/challenges/{Guid.NewGuid()}/proposals")).Status);
        foreach (var wrong in (string[])[$"challenges/{silent.ChallengeId}/proposals?minScore=0", "challenges/x/proposals", $"subjects/{Guid.NewGuid()}/proposals?minScore=101", "subjects/x/proposals", $"subjects/{Guid.NewGuid()}/proposals?pageSize=101"])
            Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync($"/gorenjska/matchmaking/{wrong}")).Status);
    }

    [Fact]
    public async Task Many_challenges_that_seek_nobody_do_not_hide_one_that_does()
    {
        await using var mesh = await Neighbours.StartAsync(servers);
        var seeking = Given.Challenge([1], deadline: DateTimeOffset.UtcNow.AddDays(1));
        await mesh.TellAsync($"{seeking.ChallengeId}", seeking);
        for (var i = 0; i < OpenChallenge.MostLookedAt; i++)
        {
            var silent = Given.Challenge(null, deadline: DateTimeOffset.UtcNow.AddDays(2));
            await mesh.TellAsync($"{silent.ChallengeId}", silent);
        }

        await mesh.StartMatchmakingAsync();
        await Known<OpenChallenge>(mesh, OpenChallenge.MostLookedAt + 1);

        var subject = Given.Subject([1], []);
        await mesh.TellAsync($"{subject.SubjectId}", subject);

        await Eventually.Is(() => Task.FromResult(mesh.ProposedByEvents(seeking.ChallengeId)), p => p.ContainsKey(subject.SubjectId));
    }

    [Fact]
    public async Task A_subjects_own_events_propose_it_score_it_anew_and_take_it_away()
    {
        await using var mesh = await Neighbours.StartAsync(servers);
        await mesh.StartMatchmakingAsync();
        using var client = mesh.Client();
        var (open, elsewhere) = (Given.Challenge([1, 2]), Given.Challenge([5]));
        foreach (var challenge in (ChallengePublished[])[open, elsewhere])
            await mesh.TellAsync($"{challenge.ChallengeId}", challenge);
        await Known<OpenChallenge>(mesh, 2);
        var subject = Given.Subject([1]);
        var stream = $"{subject.SubjectId}";

        await mesh.TellAsync(stream, subject);
        await Eventually.Is(() => Proposed(open), p => p is [25]);
        var change = await mesh.TellAsync(stream, subject with { Fields = [1, 2, 5] });
        await Eventually.Is(() => Proposed(open), p => p is [50]);
        await Eventually.Is(() => Proposed(elsewhere), p => p is [50]);
        await mesh.TellAsync(stream, subject with { Fields = [1, 2, 6] });
        await Eventually.Is(() => Proposed(elsewhere), p => p is []);
        await mesh.TellAsync($"{open.ChallengeId}", Given.Concluded(open));
        await Known<OpenChallenge>(mesh, 1);
        await mesh.TellAsync(stream, new SubjectHidden(subject.SubjectId, HiddenBecause.ConsentWithdrawn));
        await Eventually.Is(() => Proposed(open), p => p is []);

        // What comes late or again says nothing that still holds, even of one who is hidden.
        await mesh.TellLateAsync(stream, 1, subject with { Fields = [5] });
        await mesh.TellLateAsync($"{elsewhere.ChallengeId}", 1, elsewhere);
        var last = Given.Subject([5]);
        await mesh.TellAsync($"{last.SubjectId}", last);
        await Eventually.Is(() => Proposed(elsewhere), p => p is [50]);
        await Eventually.Is(() => Task.FromResult(mesh.Published.Count), n => n == 6);

        Assert.Equal(["25", "50", "SubjectHidden"], mesh.Told(open.ChallengeId));
        Assert.Equal(["50", "NoLongerFits", "50"], mesh.Told(elsewhere.ChallengeId));
        Assert.Equal([(last.SubjectId, 50)], mesh.ProposedByEvents(elsewhere.ChallengeId).Select(p => (p.Key, p.Value)));
        Assert.Equal(2, mesh.Published.Count(e => e.CausationId == change.ToString()));
        Assert.All(mesh.Published, e => Assert.Equal(e.Subject, e.CorrelationId));
        Assert.Equal(0, (int)(await client.GetAsync($"/gorenjska/matchmaking/subjects/{subject.SubjectId}/proposals")).Body!["total"]!);
        Assert.Equal(0, (int)(await client.GetAsync("/gorenjska/matchmaking/errors", "operator")).Body!["total"]!);

        async Task<int[]> Proposed(ChallengePublished challenge) =>
            [.. (await client.GetAsync($"/gorenjska/matchmaking/challenges/{challenge.ChallengeId}/proposals")).Body?["items"]?.AsArray().Select(i => (int)i!["score"]!) ?? []];
    }

    [Fact]
    public async Task Subjects_and_challenges_that_come_at_the_same_moment_find_each_other()
    {
        await using var mesh = await Neighbours.StartAsync(servers);
        await mesh.StartMatchmakingAsync();
        var challenges = Enumerable.Range(0, 20).Select(_ => Given.Challenge([1])).ToList();
        var subjects = Enumerable.Range(0, 20).Select(_ => Given.Subject([1])).ToList();

        await Task.WhenAll(
            challenges.Select(c => mesh.TellAsync($"{c.ChallengeId}", c)).Concat(subjects.Select(s => mesh.TellAsync($"{s.SubjectId}", s))));

        foreach (var challenge in challenges)
            await Eventually.Is(() => Task.FromResult(mesh.ProposedByEvents(challenge.ChallengeId).Count), n => n == subjects.Count);
        Assert.Equal(challenges.Count * subjects.Count, mesh.Published.Count);
    }

    [Fact]
    public async Task When_one_of_the_fifty_best_hides_the_one_behind_them_is_proposed()
    {
        await using var mesh = await Neighbours.StartAsync(servers);
        await mesh.StartMatchmakingAsync();
        var challenge = Given.Challenge([1, 2], ["les"]);
        var subjects = Enumerable.Range(0, 51).Select(_ => Given.Subject([1, 2], ["les"])).Append(Given.Subject([1], ["les"])).ToList();
        await Task.WhenAll(subjects.Select(s => mesh.TellAsync($"{s.SubjectId}", s)));
        await Known<KnownSubject>(mesh, 52);
        var inOrder = subjects.Take(51).Select(s => s.SubjectId).OrderBy(s => s.Value).Append(subjects[51].SubjectId).ToList();

        await mesh.TellAsync($"{challenge.ChallengeId}", challenge);
        await Eventually.Is(() => Task.FromResult(mesh.ProposedByEvents(challenge.ChallengeId).Count), n => n == 50);
        Assert.Equal(inOrder.Take(50).ToHashSet(), mesh.ProposedByEvents(challenge.ChallengeId).Keys.ToHashSet());

        await mesh.TellAsync($"{inOrder[10]}", new SubjectHidden(inOrder[10], HiddenBecause.Hidden));
        await Eventually.Is(() => Task.FromResult(mesh.Published.Count), n => n == 52);
        Assert.Equal(inOrder.Take(51).Except([inOrder[10]]).ToHashSet(), mesh.ProposedByEvents(challenge.ChallengeId).Keys.ToHashSet());

        // The next one is worse than all and comes in as well; and goes again when a better one comes.
        await mesh.TellAsync($"{inOrder[20]}", subjects.Single(s => s.SubjectId == inOrder[20]) with { Fields = [3] });
        await Eventually.Is(() => Task.FromResult(mesh.ProposedByEvents(challenge.ChallengeId)), p => p.ContainsKey(inOrder[51]));
        await mesh.TellAsync($"{inOrder[20]}", subjects.Single(s => s.SubjectId == inOrder[20]));
        await Eventually.Is(() => Task.FromResult(mesh.ProposedByEvents(challenge.ChallengeId)), p => p.ContainsKey(inOrder[20]) && p.Count == 50);
        Assert.Equal(["OthersFitBetter", "90"], mesh.Told(challenge.ChallengeId).TakeLast(2));
    }

    [Fact]
    public async Task A_new_reader_proposes_from_history_and_goes_on()
    {
        await using var mesh = await Neighbours.StartAsync(servers);
        var (open, over) = (Given.Challenge([1], ["les"]), Given.Challenge([1]));
        var (stays, hides, returns) = (Given.Subject([1], ["les"]), Given.Subject([1], ["les"]), Given.Subject([1], ["les"]));
        await mesh.TellAsync($"{open.ChallengeId}", open);
        await mesh.TellAsync($"{over.ChallengeId}", over, Given.Concluded(over));
        await mesh.TellAsync($"{stays.SubjectId}", stays with { Fields = [2] }, stays);
        await mesh.TellAsync($"{hides.SubjectId}", hides, new SubjectHidden(hides.SubjectId, HiddenBecause.ConsentWithdrawn));
        await mesh.TellAsync($"{returns.SubjectId}", returns, new SubjectHidden(returns.SubjectId, HiddenBecause.Hidden), returns with { Offers = ["steklo"] });
        for (var i = 0; i < 250; i++)
            await mesh.TellAsync($"{i}", new OrganisationListed($"o{i}", "Nekdo", [], null));

        await mesh.StartMatchmakingAsync();
        await Eventually.Is(() => Task.FromResult(mesh.Published.Count), n => n >= 2);
        var next = Given.Subject([1], [], ["les"]);
        await mesh.TellAsync($"{next.SubjectId}", next);
        await Eventually.Is(() => Task.FromResult(mesh.Published.Count), n => n >= 3);

        Assert.Equal(
            new Dictionary<SubjectId, int> { [stays.SubjectId] = 90, [returns.SubjectId] = 90, [next.SubjectId] = 80 }, mesh.ProposedByEvents(open.ChallengeId));
        Assert.Equal((3, 0), (mesh.Published.Count, mesh.ProposedByEvents(over.ChallengeId).Count));
        Assert.All(mesh.Published, e => Assert.Equal(open.ChallengeId.ToString(), e.CorrelationId));
        using var client = mesh.Client();
        var picture = (await client.GetAsync("/gorenjska/matchmaking/picture", "operator")).Body!;
        Assert.Equal((false, 7, 3), ((bool)picture["building"]!, (int)picture["sources"]!["registry"]!["learnt"]!, (int)picture["sources"]!["challenges"]!["learnt"]!));
    }

    private static Task<int> Known<T>(Neighbours mesh, int count)
        where T : notnull =>
        Eventually.Is(
            async () =>
            {
                await using var session = mesh.Session();
                return await session.Query<T>().CountAsync();
            },
            n => n == count);
}
