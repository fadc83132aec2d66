using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using KkiMesh.TestKit;
using Npgsql;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// A steady load while each part is killed at random, and then a count. <c>MESH_FAULT_SEED</c> repeats a run,
/// <c>MESH_FAULT_SECONDS</c> makes it long.
/// </summary>
public sealed class FaultTests(WholeMesh mesh, ITestOutputHelper output)
{
    private const string Row = "U6-A2";
    private const int Year = 2023;
    private const int Writers = 4;

    [Fact]
    public async Task Nothing_is_lost_and_nothing_takes_effect_twice_whatever_is_killed()
    {
        var seed = Setting("MESH_FAULT_SEED", Random.Shared.Next());
        var seconds = Setting("MESH_FAULT_SECONDS", 25);
        output.WriteLine($"MESH_FAULT_SEED={seed} MESH_FAULT_SECONDS={seconds}");
        TestContext.Current.SendDiagnosticMessage($"MESH_FAULT_SEED={seed}");
        using var client = mesh.Client();
        var before = await client.BalanceAsync(Row, Year);
        var drafted = new ConcurrentBag<string>();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));

        var load = Enumerable.Range(0, Writers).Select(_ => LoadAsync(client, drafted, stop.Token)).ToList();
        await KillAsync(new Random(seed), stop.Token);
        await Task.WhenAll(load);

        // Every accepted key has one effect: a call that was drafted and published is funded and open.
        foreach (var id in drafted)
            await client.StatusBecomes(id, "open", seconds: 120);
        Assert.Equal(drafted.Count, drafted.Distinct().Count());
        Assert.Equal(drafted.Count, await CountAsync("challenges", "select count(*) from mt_doc_challenge where data #>> '{terms,row}' = $1", Row));
        await EveryPublicEventWasTakenOnce("challenges", "funding", ["funds-requested", "entry-awarded", "challenge-concluded"]);
        await EveryPublicEventWasTakenOnce("funding", "challenges", ["funds-reserved", "funds-refused", "grant-paid"]);

        var after = await client.BalanceAsync(Row, Year);
        Assert.Equal(before["reserved"] + drafted.Count, after["reserved"]);
        Assert.Equal(before["available"] - drafted.Count, after["available"]);
        Assert.Equal(after["planned"], after["available"] + after["reserved"] + after["committed"] + after["paid"]);
        Assert.NotEmpty(drafted);
        output.WriteLine($"{drafted.Count} calls");
    }

    // Each call reserves one cent, so that the row's money counts them.
    private static async Task LoadAsync(Client client, ConcurrentBag<string> drafted, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            drafted.Add(await client.PublishAsync(Row, Year, 1, 3600));
            await Task.Delay(50, CancellationToken.None);
        }
    }

    private async Task KillAsync(Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(random.Next(500, 2000), CancellationToken.None);
            var replica = random.Next(2);
            switch (random.Next(4))
            {
                case 0:
                    output.WriteLine("kill rabbitmq");
                    await mesh.Servers.KillRabbitMqAsync();
                    await mesh.Servers.StartRabbitMqAsync(CancellationToken.None);
                    break;
                case 1:
                    output.WriteLine("kill postgres");
                    await mesh.Servers.KillPostgresAsync();
                    await mesh.Servers.StartPostgresAsync(CancellationToken.None);
                    break;
                case var n:
                    var service = n == 2 ? "challenges" : "funding";
                    output.WriteLine($"kill {service} {replica}");
                    await mesh.Run.KillAsync(service, replica);
                    await mesh.Run.StartReplicaAsync(service, replica, CancellationToken.None);
                    break;
            }
        }
    }

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
