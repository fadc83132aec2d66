using KkiMesh.TestKit;
using Npgsql;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>What is forgotten goes by the database's clock, and never all at once.</summary>
public sealed class RetentionTests(TestServers servers)
{
    private const string Receipts = "select count(*) from command_receipts";

    [Fact]
    public async Task A_replica_whose_clock_is_a_month_ahead_forgets_only_what_is_due_by_the_databases()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        await service.DoAsync(Receipt("due", "8 days"));

        service.Time.Advance(TimeSpan.FromDays(31));
        await IsForgottenAsync(service, "due");

        Assert.Equal(1, await service.NumberAsync(Receipts));
    }

    [Fact]
    public async Task Where_the_databases_clock_jumps_a_round_forgets_a_day_more_than_the_last_and_no_more()
    {
        await using var service = await CounterService.StartAsync(servers);
        await service.DoAsync(Receipt("due", "8 days"));
        await IsForgottenAsync(service, "due");
        foreach (var days in Enumerable.Range(1, 6))
            await service.DoAsync(Receipt($"{days}", $"{days} days"));

        // As the database's clock sees it a month later.
        await service.DoAsync("update command_receipts set at = at - interval '31 days'");
        await service.DoAsync("update mesh_retention set until = until - interval '31 days', round = round - interval '31 days'");
        await service.DoAsync("update command_receipts set at = at - interval '1 hour'");
        await IsForgottenAsync(service, "6");
        var afterOne = await service.NumberAsync(Receipts);
        await service.DoAsync("update mesh_retention set round = round - interval '1 hour'");
        await IsForgottenAsync(service, "5");

        Assert.Equal((5, 4), (afterOne, await service.NumberAsync(Receipts)));
    }

    [Theory]
    [InlineData(0, "command_receipts_at", "insert into command_receipts select 'k' || n, 'f', 200, null, '{}', now() - n * interval '1 minute' from generate_series(1, 20000) n")]
    [InlineData(1, "mt_doc_inboxrecord_idx_mt_last_modified",
        "insert into mt_doc_inboxrecord (tenant_id, id, data, mt_last_modified, mt_version, mt_dotnet_type) select 'gorenjska', 'k' || n, '{}', now() - n * interval '1 minute', gen_random_uuid(), '' from generate_series(1, 20000) n")]
    [InlineData(2, "mt_doc_accessrecord_idx_mt_last_modified",
        "insert into mt_doc_accessrecord (tenant_id, id, data, mt_last_modified, mt_version, mt_dotnet_type) select 'gorenjska', gen_random_uuid(), '{}', now() - n * interval '1 minute', gen_random_uuid(), '' from generate_series(1, 20000) n")]
    public async Task The_oldest_are_found_by_an_index(int kind, string index, string fill)
    {
        await using var service = await CounterService.StartAsync(servers);
        await service.DoAsync(fill);
        await service.DoAsync("analyze");
        await using var database = NpgsqlDataSource.Create(await service.Place.DatabaseAsync("counter"));
        await using var explain = database.CreateCommand("explain " + Housekeeping.Kinds[kind].Delete
            .Replace("$1", "now() - interval '10 days'", StringComparison.Ordinal).Replace("$2", "5000", StringComparison.Ordinal));
        await using var reader = await explain.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var plan = new List<string>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            plan.Add(reader.GetString(0));

        Assert.Contains(plan, line => line.Contains($"Index Scan using {index}", StringComparison.Ordinal) || line.Contains($"Index Only Scan using {index}", StringComparison.Ordinal));
    }

    private static string Receipt(string id, string age) => $"insert into command_receipts values ('{id}', 'f', 200, null, '{{}}', now() - interval '{age}')";

    // The replica's clock only says when it looks. One statement deletes all that is due, so that what is left then
    // stays.
    private static async Task IsForgottenAsync(CounterService service, string id) => await Eventually.Is(
        () =>
        {
            service.Time.Advance(TimeSpan.FromSeconds(15));
            return service.NumberAsync($"select count(*) from command_receipts where id = '{id}'");
        },
        left => left == 0);
}
