using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using KkiMesh.AppHost;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>An operator restarts everything in turn, and nobody who is let in is turned away.</summary>
[Collection<OnWholeMesh>]
public sealed class RestartTests(WholeMesh mesh, ITestOutputHelper output)
{
    private static readonly string[] Reads =
    [
        "coordinator /gorenjska/challenges/00000000-0000-0000-0000-000000000000/entries", "member /gorenjska/registry/subjects/mine", "integrator /gorenjska/funding/events",
        "mentor /gorenjska/helpdesk/cases", "operator /gorenjska/matchmaking/errors",
    ];

    [Fact]
    public async Task No_valid_token_is_refused_while_the_replicas_of_every_service_are_restarted_in_turn()
    {
        var (refused, taken, given) = (new ConcurrentBag<string>(), new ConcurrentDictionary<string, int>(), 0);
        using var stop = new CancellationTokenSource();
        var load = Reads.Select(read => ReadAsync(read, refused, taken, stop.Token)).Append(TakeTokensAsync(refused, () => Interlocked.Increment(ref given), stop.Token)).ToList();

        // Nearly all of it is the new process's own work: two services at a time use two cores.
        var services = mesh.Run.Replicas.Where(r => r.Service != Topology.Gateway.Name).GroupBy(r => r.Service);
        await Parallel.ForEachAsync(services, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (replicas, ct) =>
        {
            foreach (var replica in replicas)
                await mesh.Run.RestartReplicaAsync(replica.Service, replica.Replica, ct);
        });
        await stop.CancelAsync();
        await Task.WhenAll(load);

        output.WriteLine($"{taken.Values.Sum()} requests, {given} new tokens");
        Assert.Empty(refused);
        Assert.Equal(Reads.Length, taken.Count);
        Assert.All(taken.Values, n => Assert.True(n > 20));
        Assert.True(given > 20);
    }

    [Fact]
    public async Task A_replica_that_hangs_while_it_relays_is_relieved_by_another()
    {
        await using var integrator = await Integrator.ListenAsync(mesh.Servers.RabbitMq, "gorenjska.funding.#");
        // One of them relays.
        foreach (var (hanging, other) in ((int, int)[])[(0, 1), (1, 0)])
        {
            using var client = new Client(mesh.Run.Url("funding", other), who => mesh.Tokens.ForAsync(who));
            var purpose = $"Visi {hanging} {Guid.NewGuid()}";
            mesh.Run.Pause("funding", hanging);
            try
            {
                var reserved = await Eventually.Is(
                    () => client.PostAsync("/gorenjska/funding/rows/U3-P3/reservations", "treasurer", new { fiscalYear = 2022, amount = new { amount = 1, currency = "EUR" }, purpose }),
                    a => a.Status == HttpStatusCode.Created, 60);
                await Eventually.Is(
                    () => Task.FromResult(integrator.Messages.Count(m => Encoding.UTF8.GetString(m.Body).Contains((string)reserved.Body!["id"]!, StringComparison.Ordinal))), n => n > 0, 120);
            }
            finally
            {
                mesh.Run.Resume("funding", hanging);
            }
        }
    }

    // One service at a time is away for a moment where it has one replica alone; a token is not refused for that.
    private async Task ReadAsync(string read, ConcurrentBag<string> refused, ConcurrentDictionary<string, int> taken, CancellationToken stop)
    {
        using var http = new HttpClient { BaseAddress = mesh.Run.Gateway };
        var (who, path) = read.Split(' ', 2) is [var w, var p] ? (w, p) : throw new ArgumentException(read, nameof(read));
        var token = await mesh.Tokens.ForAsync(who, CancellationToken.None);
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        while (!stop.IsCancellationRequested)
        {
            using var answer = await http.GetAsync(path, CancellationToken.None);
            if (answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
                refused.Add($"{read}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(CancellationToken.None)}");
            if (answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound)
                taken.AddOrUpdate(read, 1, (_, n) => n + 1);
            await Task.Delay(50, CancellationToken.None);
        }
    }

    // New tokens, whichever replica gave them, are taken at once.
    private async Task TakeTokensAsync(ConcurrentBag<string> refused, Action given, CancellationToken stop)
    {
        using var http = new HttpClient { BaseAddress = mesh.Run.Gateway };
        while (!stop.IsCancellationRequested)
        {
            using var asked = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["grant_type"] = "client_credentials",
                ["client_id"] = "demo-integrator",
                ["client_secret"] = DemoTokens.Password,
                ["scope"] = "kkimesh",
            });
            using var answer = await http.PostAsync("/connect/token", asked, CancellationToken.None);
            if (answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.BadRequest)
                refused.Add($"no token: {await answer.Content.ReadAsStringAsync(CancellationToken.None)}");
            if (!answer.IsSuccessStatusCode)
                continue;
            using var request = new HttpRequestMessage(HttpMethod.Get, "/gorenjska/funding/events?pageSize=1");
            request.Headers.Authorization = new("Bearer", (string?)(await answer.Content.ReadFromJsonAsync<JsonNode>(CancellationToken.None))!["access_token"]);
            using var read = await http.SendAsync(request, CancellationToken.None);
            if (read.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
                refused.Add($"a new token: {(int)read.StatusCode}");
            else
                given();
            // A secret is slow to compare by intent; the machine has other things to do as well.
            await Task.Delay(500, CancellationToken.None);
        }
    }
}
