using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using KkiMesh.TestKit;
using Npgsql;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// A steady load while every part is killed, each once, two at a time, and then at random; and then a count.
/// <c>MESH_FAULT_SEED</c> repeats a run, <c>MESH_FAULT_SECONDS</c> makes it long.
/// </summary>
[Collection<OnWholeMesh>]
public sealed class FaultTests(WholeMesh mesh, ITestOutputHelper output)
{
    private const string Row = "U6-A2";
    private const int Year = 2023;
    private const string Home = "052";
    private const int Field = 9;

    private static readonly string[] Parts =
    [
        "postgres", "rabbitmq", "gateway 0", "identity 0", "identity 1", "registry 0", "challenges 0", "challenges 1", "matchmaking 0", "matchmaking 1", "helpdesk 0", "funding 0", "funding 1",
    ];

    [Fact]
    public async Task Nothing_is_lost_and_nothing_takes_effect_twice_whatever_is_killed()
    {
        var seed = Setting("MESH_FAULT_SEED", Random.Shared.Next());
        var seconds = Setting("MESH_FAULT_SECONDS", 25);
        output.WriteLine($"MESH_FAULT_SEED={seed} MESH_FAULT_SECONDS={seconds}");
        using var client = mesh.Client();
        // Tokens are good for longer than this takes: nobody signs in while the issuer is down.
        foreach (var who in (string[])["member", "juror", "coordinator", "treasurer"])
            await mesh.Tokens.ForAsync(who);
        var before = await client.BalanceAsync(Row, Year);
        var (opened, paid) = (new ConcurrentBag<string>(), new ConcurrentBag<string>());
        var (published, hidden) = (new ConcurrentBag<string>(), new ConcurrentBag<string>());
        var sought = await client.PublishAsync("U3-P3", 2022, 1, 36_000, fields: [Field]);
        await client.StatusBecomes(sought, "open");
        var money = new TreasurersMoney(mesh, client, new Random(seed));
        await money.BeginAsync();
        using var stop = new CancellationTokenSource();

        Task[] load =
        [
            .. Enumerable.Range(0, 3).Select(_ => OpenAsync(client, opened, stop.Token)),
            .. Enumerable.Range(0, 2).Select(_ => PayAsync(client, opened, paid, stop.Token)),
            SubjectsAsync(client, published, hidden, stop.Token),
            money.SpendAsync(stop.Token),
        ];
        await KillAsync(new Random(seed), TimeSpan.FromSeconds(seconds));
        await stop.CancelAsync();
        await Task.WhenAll(load);
        output.WriteLine($"{opened.Count} calls open, {paid.Count} paid; {published.Count} subjects published, {hidden.Count} hidden; {money.Accepted} commands of a treasurer");

        // Every accepted key has one effect: a call that was published is funded and open, one that was paid is concluded.
        Assert.NotEmpty(opened);
        Assert.NotEmpty(paid);
        foreach (var id in opened)
            await client.StatusBecomes(id, "open", seconds: 120);
        foreach (var id in paid)
            Assert.True((bool)(await client.StatusBecomes(id, "concluded"))["awards"]!.AsArray().Single()!["paid"]!);
        Assert.Equal(opened.Count + paid.Count, opened.Concat(paid).Distinct().Count());
        Assert.Equal(opened.Count + paid.Count, await CountAsync("challenges", "select count(*) from mt_doc_challenge where data #>> '{terms,row}' = $1", Row));
        await EveryPublicEventWasTakenOnce("challenges", "funding", ["funds-requested", "entry-awarded", "challenge-concluded"]);
        await EveryPublicEventWasTakenOnce("funding", "challenges", ["funds-reserved", "funds-refused", "funds-paid"]);
        await EveryPublicEventWasTakenOnce("registry", "challenges", ["subject-published", "subject-hidden"]);
        await EveryPublicEventWasTakenOnce("registry", "matchmaking", ["subject-published", "subject-hidden"]);
        await EveryPublicEventWasTakenOnce("challenges", "matchmaking", ["challenge-published", "challenge-concluded"]);
        await EveryPublicEventWasTakenOnce("challenges", "helpdesk", ["entry-awarded"]);

        // Who is published is proposed, who is hidden is not; every winner has a case.
        Assert.NotEmpty(published);
        Assert.NotEmpty(hidden);
        var proposed = await Eventually.Is(() => ProposedAsync(client, sought), p => published.All(p.Contains) && !hidden.Any(p.Contains), 120);
        Assert.Equal(proposed.Count, proposed.Distinct().Count());
        foreach (var call in paid)
            await Eventually.Is(() => client.Read($"/gorenjska/helpdesk/cases?challengeId={call}", "coordinator"), c => (int?)c?["total"] == 1, 120);

        var after = await client.BalanceAsync(Row, Year);
        Assert.Equal(before["reserved"] + opened.Count, after["reserved"]);
        Assert.Equal(before["paid"] + paid.Count, after["paid"]);
        Assert.Equal(before["committed"], after["committed"]);
        Assert.Equal(before["available"] - opened.Count - paid.Count, after["available"]);
        Assert.Equal(after["planned"], after["available"] + after["reserved"] + after["committed"] + after["paid"]);
        Assert.True(money.Accepted > 20);
        await money.CheckAsync();
    }

    // Each call reserves one cent, so that the row's money counts them.
    private static async Task OpenAsync(Client client, ConcurrentBag<string> opened, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            opened.Add(await client.PublishAsync(Row, Year, 1, 3600));
            // A row keeps its open reservations, and thousands of them make each further one slow.
            await Task.Delay(500, CancellationToken.None);
        }
    }

    // The whole thread, each for one cent. A call that opens after its deadline, since something was down, stays open.
    // Where a slow machine lets none be in time, the time is longer after each that was not.
    private static async Task PayAsync(Client client, ConcurrentBag<string> opened, ConcurrentBag<string> paid, CancellationToken stop)
    {
        for (var seconds = 12; !stop.IsCancellationRequested || (paid.IsEmpty && seconds < 120);)
        {
            var deadline = TimeProvider.System.GetUtcNow().AddSeconds(seconds);
            var call = await client.PublishAsync(Row, Year, 1, seconds, awards: 1);
            await client.StatusBecomes(call, "open", seconds: 120);
            var idea = new { title = "Zamisel", summary = "Povzetek", applicant = "Ana", contactEmail = "ana@example.org", municipality = Home };
            var entry = await client.UntilAnswered($"/gorenjska/challenges/{call}/entries", "member", idea);
            if (entry.Status == HttpStatusCode.Conflict)
            {
                opened.Add(call);
                seconds += 12;
                continue;
            }

            var id = (string)entry.Body!["id"]!;
            await Done($"challenges/{call}/entries/{id}/scores", "juror", new { points = 90 });
            while (TimeProvider.System.GetUtcNow() < deadline.AddSeconds(1))
                await Task.Delay(100, CancellationToken.None);
            await Done($"challenges/{call}/awards", "coordinator", new { entryId = id, amount = new { amount = 1, currency = "EUR" } });
            await Eventually.Is(() => client.Read($"/gorenjska/funding/grants?challengeId={call}"), g => g?["items"]?.AsArray().Count == 1, 120);
            await Done($"funding/grants/{id}/payment", "treasurer");
            await Eventually.Is(() => client.Read($"/gorenjska/challenges/{call}", "coordinator"), c => (bool?)c?["awards"]?[0]?["paid"] == true, 120);
            await Done($"challenges/{call}/conclude", "coordinator");
            paid.Add(call);
        }

        async Task Done(string path, string role, object? body = null)
        {
            var answer = await client.UntilAnswered($"/gorenjska/{path}", role, body);
            Assert.True(answer.Status == HttpStatusCode.OK, $"{path}: {(int)answer.Status} {answer.Detail}");
        }
    }

    // Each registers, consents and is published; every other one is hidden again. Together they stay below what a call is proposed.
    private static async Task SubjectsAsync(Client client, ConcurrentBag<string> published, ConcurrentBag<string> hidden, CancellationToken stop)
    {
        for (var number = 0; !stop.IsCancellationRequested && published.Count < 20; number++)
        {
            var subject = await client.UntilAnswered("/gorenjska/registry/subjects", "member", new
            {
                name = $"Subjekt {number}",
                kind = "creative-company",
                legalForm = "other",
                fields = (int[])[Field],
                competences = Array.Empty<string>(),
                municipality = Home,
                offers = Array.Empty<string>(),
                looksFor = Array.Empty<string>(),
                contactEmail = "ana@example.org",
                description = "Opis",
            });
            Assert.Equal(HttpStatusCode.Created, subject.Status);
            var id = (string)subject.Body!["id"]!;
            await Done($"{id}/consent", new { textVersion = "1" });
            await Done($"{id}/publish");
            if (number % 2 == 1)
                await Done($"{id}/hide");
            (number % 2 == 1 ? hidden : published).Add(id);
            await Task.Delay(200, CancellationToken.None);
        }

        async Task Done(string path, object? body = null)
        {
            var answer = await client.UntilAnswered($"/gorenjska/registry/subjects/{path}", "member", body);
            Assert.True(answer.Status == HttpStatusCode.OK, $"{path}: {(int)answer.Status} {answer.Detail}");
        }
    }

    private static async Task<List<string>> ProposedAsync(Client client, string challenge) =>
        (await client.Read($"/gorenjska/matchmaking/challenges/{challenge}/proposals?pageSize=100"))?["items"]?.AsArray().Select(p => (string)p!["subjectId"]!).ToList() ?? [];

    private async Task KillAsync(Random random, TimeSpan atLeast)
    {
        var started = Stopwatch.GetTimestamp();
        var firstRound = Parts.ToArray();
        random.Shuffle(firstRound);
        foreach (var pair in firstRound.Chunk(2))
            await KillAndStartAsync(random, pair);
        while (Stopwatch.GetElapsedTime(started) < atLeast)
            await KillAndStartAsync(random, random.GetItems(Parts, random.Next(1, 4)).Distinct().ToArray());
    }

    // Several at once come back in the order of their needs, and those of the same need side by side.
    private async Task KillAndStartAsync(Random random, string[] parts)
    {
        await Task.Delay(random.Next(500, 2000), CancellationToken.None);
        output.WriteLine("kill " + string.Join(", ", parts));
        await Task.WhenAll(parts.Select(Kill));
        foreach (var stage in parts.GroupBy(Stage).OrderBy(s => s.Key))
            await Task.WhenAll(stage.Select(Start));
    }

    // The servers first, then who says which tokens are good, the gateway last.
    private static int Stage(string part) => part.Split(' ')[0] switch
    {
        "postgres" or "rabbitmq" => 0,
        "identity" => 1,
        "gateway" => 3,
        _ => 2,
    };

    private Task Kill(string part) => part.Split(' ') switch
    {
        ["postgres"] => mesh.Servers.KillPostgresAsync(),
        ["rabbitmq"] => mesh.Servers.KillRabbitMqAsync(),
        [var service, var replica] => mesh.Run.KillAsync(service, int.Parse(replica, CultureInfo.InvariantCulture)),
        _ => throw new InvalidOperationException(part),
    };

    private Task Start(string part) => part.Split(' ') switch
    {
        ["postgres"] => mesh.Servers.StartPostgresAsync(),
        ["rabbitmq"] => mesh.Servers.StartRabbitMqAsync(),
        [var service, var replica] => mesh.Run.StartReplicaAsync(service, int.Parse(replica, CultureInfo.InvariantCulture)),
        _ => throw new InvalidOperationException(part),
    };

    private async Task EveryPublicEventWasTakenOnce(string publisher, string consumer, string[] events)
    {
        var types = events.Select(e => $"kki.{publisher}.{e}.v1").ToArray();
        var stored = await CountAsync(publisher, "select count(*) from mt_events where type = any($1)", types);
        await Eventually.Is(() => CountAsync(consumer, "select count(*) from mt_doc_inboxrecord where data ->> 'type' = any($1)", types), n => n >= stored, 120);
        Assert.Equal(stored, await CountAsync(consumer, "select count(*) from mt_doc_inboxrecord where data ->> 'type' = any($1)", types));
    }

    private async Task<long> CountAsync(string service, string sql, object argument)
    {
        await using var database = NpgsqlDataSource.Create(await mesh.Servers.CreateDatabaseAsync(service));
        await using var command = database.CreateCommand(sql);
        command.Parameters.AddWithValue(argument);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
