using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.AppHost;
using KkiMesh.TestKit;
using Npgsql;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// The data of a whole mesh that an earlier version has written (<c>Before/README.md</c>), upgraded by this one. It is
/// asked through the gateway, as an outsider asks.
/// </summary>
[Collection<Apart>]
public sealed class UpgradeTests(TestServers servers)
{
    private static readonly string Before = Path.Combine(Checkout.Root, "tests", "Mesh.Tests", "Before");
    // The row of the demo's call, which has ended. Within a minute this version files what that was decided on, so the
    // row's journal may go on by one transaction.
    private const string Row = "/gorenjska/funding/rows/U3-P4", Journal = $"{Row}/transactions?pageSize=100";
    private static readonly string[] Stores = [.. Topology.Services.Where(s => s.HasStore).Select(s => s.Name)];

    [Fact]
    public async Task The_demos_data_of_an_earlier_version_are_all_there_after_the_upgrade_and_the_mesh_works_on()
    {
        await using var place = await servers.NewPlaceAsync();
        await Task.WhenAll(Stores.Select(service => RestoreAsync(place, service)));
        await place.DatabaseAsync("identity");
        await using var run = await MeshRun.StartAsync(
            new MeshOptions(place.Servers, "the services' secret", (_, _) => { }) { DatabasePrefix = $"{place.Name}-", RabbitMq = place.RabbitMq },
            TestContext.Current.CancellationToken);
        using var tokens = new DemoTokens(run.Gateway);
        using var client = new Client(run.Gateway, who => tokens.ForAsync(who));
        var before = JsonNode.Parse(await ReadAsync("answers.json.gz"))!;

        foreach (var asked in before["answers"]!.AsArray())
            await AnswersAsItDidAsync(client, asked!);
        foreach (var service in Stores)
        {
            await HasItsHistoryAsync(client, service, before["events"]![service]!.AsArray());
            if (service != "registry")
                await Eventually.Is(() => client.GetAsync($"/gorenjska/{service}/picture", "operator"), a => !(bool)a.Body!["building"]!);
        }

        var seal = (string)before["seal"]!;
        await IsIntactAsync(run, tokens, seal);
        await WorksOnAsync(client);
        await IsIntactAsync(run, tokens, seal);
    }

    // What was said is said still; a newer version may say more. None of it changes as time passes.
    private static async Task AnswersAsItDidAsync(Client client, JsonNode asked)
    {
        var (path, who) = ((string)asked["path"]!, (string?)asked["who"]);
        var answer = await client.GetAsync(path, who);
        Assert.True(answer.Status == HttpStatusCode.OK, $"{path}: {answer.Status} {answer.Detail}");
        if (Missing(asked["answer"], answer.Body, path) is { } missing)
            Assert.Fail(missing);
    }

    private static string? Missing(JsonNode? before, JsonNode? now, string where) => (before, now) switch
    {
        (JsonObject a, JsonObject b) => a.Select(p => Missing(p.Value, b[p.Key], $"{where}/{p.Key}")).FirstOrDefault(m => m is not null),
        (JsonArray a, JsonArray b) when a.Count == b.Count || (where == $"{Journal}/items" && a.Count < b.Count) =>
            a.Zip(b).Select((pair, i) => Missing(pair.First, pair.Second, $"{where}[{i}]")).FirstOrDefault(m => m is not null),
        _ when JsonNode.DeepEquals(before, now) || IsThatInstant(before, now) => null,
        _ when where.EndsWith("/id", StringComparison.Ordinal) && IsThatAddress(before, now) => null,
        _ when where is $"{Journal}/total" or $"{Row}/head" => null,
        _ => $"{where} was {before?.ToJsonString() ?? "null"} and is {now?.ToJsonString() ?? "null"}.",
    };

    // That version showed the ledger's instants without what is below a second.
    private static bool IsThatInstant(JsonNode? before, JsonNode? now) =>
        DateTimeOffset.TryParse(before?.ToString(), CultureInfo.InvariantCulture, out var was)
        && DateTimeOffset.TryParse(now?.ToString(), CultureInfo.InvariantCulture, out var at)
        && was.Ticks % TimeSpan.TicksPerSecond == 0 && was.ToUnixTimeSeconds() == at.ToUnixTimeSeconds();

    // That version said the key of the stream, which ends with the id of the address: annual-plans/2026.
    private static bool IsThatAddress(JsonNode? before, JsonNode? now) =>
        before?.ToString() is { } stream && now?.ToString() is { Length: > 0 } id
        && (stream.EndsWith($"-{id}", StringComparison.Ordinal) || stream.EndsWith($"/{id}", StringComparison.Ordinal));

    private static async Task HasItsHistoryAsync(Client client, string service, JsonArray before)
    {
        var ids = new List<string>();
        for (var (after, until) = ("0", ""); after != until;)
        {
            var page = (await client.GetAsync($"/gorenjska/{service}/events?pageSize=500&after={after}", "integrator")).Body!;
            ids.AddRange(page["items"]!.AsArray().Select(e => (string)e!["id"]!));
            (after, until) = ((string)page["next"]!, (string)page["until"]!);
        }

        Assert.Equal(before.Select(id => (string)id!), ids.Take(before.Count));
    }

    // A new call: its money is reserved, who fits it is proposed, and so each read model is as whole as it was.
    private static async Task WorksOnAsync(Client client)
    {
        var available = (await client.BalanceAsync("U3-P4", 2022))["available"];
        var call = await client.PublishAsync("U3-P4", 2022, 100_000, 3600, fields: [3, 7, 12]);
        await client.StatusBecomes(call, "open");
        await Eventually.Is(
            () => client.GetAsync($"/gorenjska/matchmaking/challenges/{call}/proposals"), a => a.Status == HttpStatusCode.OK && a.Body!["items"]!.AsArray().Count > 0, 60);
        Assert.Equal(available - 100_000, (await client.BalanceAsync("U3-P4", 2022))["available"]);
        foreach (var service in Stores)
            Assert.Equal(0, (int)(await client.GetAsync($"/gorenjska/{service}/errors", "operator")).Body!["total"]!);
    }

    private static async Task IsIntactAsync(MeshRun run, DemoTokens tokens, string seal)
    {
        using var http = new HttpClient { BaseAddress = run.Gateway };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await tokens.ForAsync("auditor"));
        var lines = await http.GetStringAsync($"/gorenjska/funding/verification?seal={seal}");
        var result = JsonNode.Parse(lines.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1])!;
        Assert.True((bool?)result["isIntact"] == true, result.ToJsonString());
    }

    private static async Task RestoreAsync(Place place, string service)
    {
        // The dump leaves its connection without a search path.
        await using var database = NpgsqlDataSource.Create($"{await place.DatabaseAsync(service)};Pooling=false");
        await using var restore = database.CreateCommand(await ReadAsync($"{service}.sql.gz"));
        restore.CommandTimeout = 120;
        await restore.ExecuteNonQueryAsync();
    }

    private static async Task<string> ReadAsync(string file)
    {
        await using var packed = new GZipStream(File.OpenRead(Path.Combine(Before, file)), CompressionMode.Decompress);
        using var text = new StreamReader(packed);
        return await text.ReadToEndAsync();
    }
}
