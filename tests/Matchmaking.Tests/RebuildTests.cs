using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Contracts.Matchmaking.V1;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.TestKit;
using Marten;

namespace KkiMesh.Matchmaking.Tests;

public sealed class RebuildTests(TestServers servers)
{
    private static readonly string[] Words = ["les", "steklo", "volna", "glina"];

    [Fact]
    public async Task The_picture_is_built_anew_while_subjects_and_challenges_change_and_nothing_is_missed_or_proposed_twice()
    {
        await using var mesh = await Neighbours.StartAsync(servers);
        await mesh.StartMatchmakingAsync();
        await mesh.StartMatchmakingAsync();
        using var client = mesh.Client();
        var subjects = new ConcurrentDictionary<SubjectId, SubjectPublished?>();
        var challenges = new ConcurrentBag<ChallengePublished>();
        using var stop = new CancellationTokenSource();
        Task[] load = [.. Enumerable.Range(1, 3).Select(seed => ChangeSubjectsAsync(mesh, subjects, new Random(seed), stop.Token)), PublishChallengesAsync(mesh, challenges, stop.Token)];

        for (var round = 0; round < 3; round++)
        {
            await Task.Delay(500);
            Assert.Equal(HttpStatusCode.Accepted, (await client.SendAsync(HttpMethod.Post, "/gorenjska/matchmaking/picture/rebuild", "operator")).Status);
            await Eventually.Is(() => client.GetAsync("/gorenjska/matchmaking/picture", "operator"), a => !(bool)a.Body!["building"]!, 60);
        }

        await stop.CancelAsync();
        await Task.WhenAll(load);

        // The picture is what was published last.
        var published = subjects.Values.OfType<SubjectPublished>().ToList();
        await Eventually.Is(() => PictureAsync(mesh), p => p.SetEquals(published.Select(s => JsonSerializer.Serialize(KnownSubject.Of(s)))), 60);
        await using (var session = mesh.Session())
            Assert.Equal(challenges.Count, await session.Query<OpenChallenge>().CountAsync());

        // And so are the proposals, by the events alone and as they are read.
        foreach (var challenge in challenges)
        {
            var expected = published.Select(s => Given.Match(challenge, s)).OfType<Match>().ToDictionary(m => m.SubjectId, m => m.Score);
            await Eventually.Is(() => Task.FromResult(mesh.ProposedByEvents(challenge.ChallengeId)), p => p.Count == expected.Count && p.All(m => expected.GetValueOrDefault(m.Key) == m.Value));
            Assert.Equal(expected.Count, (int)(await client.GetAsync($"/gorenjska/matchmaking/challenges/{challenge.ChallengeId}/proposals")).Body!["total"]!);
        }

        Assert.NotEmpty(mesh.Published);
        Assert.Equal(mesh.Published.Count, mesh.Published.Select(e => e.Id).Distinct().Count());
        foreach (var pair in mesh.Published.GroupBy(e => (e.Subject, e.Data.GetProperty("subjectId").GetString())))
            Assert.All(pair.Zip(pair.Skip(1)), e => Assert.False(JsonElement.DeepEquals(e.First.Data, e.Second.Data), $"{e.First.Type} came twice: {e.First.Data}"));
        Assert.Equal(0, (int)(await client.GetAsync("/gorenjska/matchmaking/errors", "operator")).Body!["total"]!);
    }

    // Each of them changes subjects of its own, so that it knows what is published last.
    private static async Task ChangeSubjectsAsync(Neighbours mesh, ConcurrentDictionary<SubjectId, SubjectPublished?> subjects, Random random, CancellationToken stop)
    {
        SubjectId[] own = [.. Enumerable.Range(0, 8).Select(_ => SubjectId.From(Guid.CreateVersion7()))];
        while (!stop.IsCancellationRequested)
        {
            var id = own[random.Next(own.Length)];
            var next = subjects.GetValueOrDefault(id) is not null && random.Next(3) == 0
                ? null
                : Given.Subject([random.Next(1, 4), random.Next(1, 4)], random.GetItems(Words, 2), random.GetItems(Words, 1), random.GetItems(Words, 1), id);
            await mesh.TellAsync($"{id}", next is null ? new SubjectHidden(id, HiddenBecause.Hidden) : next);
            subjects[id] = next;
            await Task.Delay(80, CancellationToken.None);
        }
    }

    private static async Task PublishChallengesAsync(Neighbours mesh, ConcurrentBag<ChallengePublished> challenges, CancellationToken stop)
    {
        for (var n = 0; n < 15 && !stop.IsCancellationRequested; n++)
        {
            var challenge = Given.Challenge([1 + (n % 3)], [Words[n % 4], Words[(n + 1) % 4]], $"Izziv {Words[n % 4]}");
            await mesh.TellAsync($"{challenge.ChallengeId}", challenge);
            challenges.Add(challenge);
            await Task.Delay(150, CancellationToken.None);
        }
    }

    private static async Task<HashSet<string>> PictureAsync(Neighbours mesh)
    {
        await using var session = mesh.Session();
        return [.. (await session.Query<KnownSubject>().ToListAsync()).Select(s => JsonSerializer.Serialize(s))];
    }
}
