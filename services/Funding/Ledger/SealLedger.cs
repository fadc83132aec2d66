using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>What of a region's ledger is sealed.</summary>
/// <param name="Id">The stream; each region has one.</param>
/// <param name="Number">The newest seal's number.</param>
/// <param name="Heads">The newest sealed transaction of each stream, in the order of their names.</param>
/// <param name="Head">The newest seal's hash, over it and all before it.</param>
public sealed record SealedLedger(string Id, long Number, IReadOnlyList<SealedHead> Heads, string? Head = null) : IAggregate<SealedLedger>, IChained
{
    /// <summary>The stream of the seals.</summary>
    public const string Stream = "seals";

    // What one event carries; a region has some hundred streams.
    private const int MostHeads = 1000;

    /// <inheritdoc />
    public static SealedLedger? Apply(SealedLedger? state, string id, object e) => e is not LedgerSealed s ? state : new SealedLedger(
        id,
        s.Number,
        [.. s.Heads.Concat(state?.Heads ?? []).DistinctBy(h => h.Stream).OrderBy(h => h.Stream, StringComparer.Ordinal)],
        state?.Head);

    /// <inheritdoc />
    public IChained WithHead(string head) => this with { Head = head };

    /// <summary>Seals what has grown; nothing where nothing has.</summary>
    public static Decision Seal(SealedLedger? state, IEnumerable<SealedHead> heads, DateOnly date)
    {
        var known = (state?.Heads ?? []).ToDictionary(h => h.Stream, h => h.Sequence);
        var grown = heads.Where(h => h.Sequence > known.GetValueOrDefault(h.Stream))
            .OrderBy(h => h.Stream, StringComparer.Ordinal).Take(MostHeads).ToList();
        return grown.Count == 0 ? [] : [new LedgerSealed((state?.Number ?? 0) + 1, grown, date)];
    }
}

/// <summary>Seals each region's ledger, some time after its transactions, so that no transaction waits for it.</summary>
internal sealed class SealLedger(
    NpgsqlDataSource database, OwnDecisions own, TimeProvider time, IConfiguration configuration, ILogger<SealLedger> log) : BackgroundService
{
    private const int MostAtOnce = 100;

    private const string Heads =
        """
        select s.id, e.version, e.headers ->> 'hash' from mt_streams s
        join mt_events e on e.tenant_id = s.tenant_id and e.stream_id = s.id and e.version = s.version
        where s.tenant_id = $1 and s.id <> 'seals' and e.headers ->> 'hash' is not null
        """;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.EachMinuteAsync(time, configuration, log, "seal the ledger", isAtOnce: false, SealAsync, stoppingToken);

    // Of two replicas the second one finds nothing that has grown.
    private async Task SealAsync(string region, CancellationToken ct)
    {
        var (heads, today) = (await HeadsAsync(region, ct), BusinessDate.Of(time.GetUtcNow()));
        for (var round = 0; round < MostAtOnce; round++)
        {
            if (!await own.On<SealedLedger>(region, "funding.seal-ledger", SealedLedger.Stream, state => SealedLedger.Seal(state, heads, today), ct))
                return;
        }
    }

    private async Task<IReadOnlyList<SealedHead>> HeadsAsync(string region, CancellationToken ct)
    {
        await using var read = database.CreateCommand(Heads);
        read.Parameters.AddWithValue(region);
        await using var reader = await read.ExecuteReaderAsync(ct);
        var heads = new List<SealedHead>();
        while (await reader.ReadAsync(ct))
            heads.Add(new SealedHead(reader.GetString(0), reader.GetInt64(1), reader.GetString(2)));
        return heads;
    }
}

/// <summary>A seal, for whoever wants to hold the region to its ledger.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Hash">Its hash, over it and all before it: this is what to keep.</param>
/// <param name="At">When it was made.</param>
/// <param name="Heads">The streams that had grown since the one before.</param>
public sealed record Seal(long Number, string? Hash, DateTimeOffset At, IReadOnlyList<SealedHead> Heads);

internal static class ListSeals
{
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/seals", List)
        .WithSummary("Lists the seals of the ledger, the newest first; verification tells whether a seal that somebody kept still holds");

    private static async Task<Page<Seal>> List(string region, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        var (number, size) = paging.Bounded();
        var total = (await session.Events.FetchStreamStateAsync(SealedLedger.Stream, ct))?.Version ?? 0;
        var newest = total - ((long)(number - 1) * size);
        var before = newest - size;
        var events = await session.Events.QueryAllRawEvents()
            .Where(e => e.StreamKey == SealedLedger.Stream && e.Version <= newest && e.Version > before).OrderByDescending(e => e.Version).ToListAsync(ct);
        return new Page<Seal>(
            [.. events.Select(e => new Seal(e.Version, Chain.HashOf(e), Chain.RecordedOf(e), ((LedgerSealed)e.Data).Heads))], number, size, total);
    }
}
