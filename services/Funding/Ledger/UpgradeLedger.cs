using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>How a region's read models are kept.</summary>
/// <param name="Id">There is one of it.</param>
/// <param name="Version">The version that they were made by.</param>
public sealed record LedgerFormat(string Id, int Version);

/// <summary>
/// Rebuilds the read models from the transactions where an earlier version made them: transactions
/// stand, what is made of them may change. It goes on from where it was, should it be stopped. A
/// stream that is not sound is closed, and the others go on.
/// </summary>
internal sealed class UpgradeLedger(IDocumentStore store, NpgsqlDataSource database, ClosedStreams closed, ILogger<UpgradeLedger> log) : IUpgrade
{
    /// <summary>
    /// One more with each change of what rows, parts, payments or the journal are, and with each new type of event: 9
    /// has approvals of payments for an account.
    /// </summary>
    public const int Version = 9;

    /// <summary>What the last versions wrote that stored no number for the whole database.</summary>
    public const int Unnumbered = 3;

    private const string Only = "ledger";
    private const string Regions = "select distinct tenant_id from mt_streams where id <> 'mt_tombstone'";

    public async Task RunAsync(CancellationToken ct)
    {
        foreach (var region in await RegionsAsync(ct))
        {
            await using var session = store.LightweightSession(region);
            if (await session.LoadAsync<LedgerFormat>(Only, ct) is { Version: >= Version })
                continue;
            var rebuild = new LedgerRebuild(region, store, database, ct, isUpgrade: true);
            var streams = await rebuild.StreamsAsync();
            foreach (var stream in streams)
                await RebuildAsync(rebuild, region, stream, ct);
            session.Store(new LedgerFormat(Only, Version));
            await session.SaveChangesAsync(ct);
            if (streams.Count > 0)
                log.LogInformation("Rebuilt the read models of {Region} from {Streams} streams", region, streams.Count);
        }
    }

    private async Task RebuildAsync(LedgerRebuild rebuild, string region, string stream, CancellationToken ct)
    {
        try
        {
            await rebuild.DoAsync(stream);
        }
        catch (Exception e) when (ClosedStreams.IsOfTheStream(e))
        {
            await closed.CloseAsync(region, stream, $"{Ended(e.Message)} It is left as it is: when its events are as they were recorded, ./mesh ledger rebuild opens it again.", ct);
        }
    }

    private static string Ended(string sentence) => sentence.EndsWith('.') ? sentence : $"{sentence}.";

    // Also one that this replica is not there for now.
    private async Task<IReadOnlyList<string>> RegionsAsync(CancellationToken ct)
    {
        await using var read = database.CreateCommand(Regions);
        await using var reader = await read.ExecuteReaderAsync(ct);
        var regions = new List<string>();
        while (await reader.ReadAsync(ct))
            regions.Add(reader.GetString(0));
        return regions;
    }
}
