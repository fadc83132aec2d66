using JasperFx.Events;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>How far a region's ledger is sealed. It does not grow with the ledger.</summary>
/// <param name="Id">The stream; each region has one.</param>
/// <param name="Number">The newest seal's number.</param>
/// <param name="Through">Up to which event all is sealed, in the store's order.</param>
/// <param name="Head">The newest seal's hash, over it and all before it.</param>
public sealed record SealedLedger(string Id, long Number, long Through, string? Head = null) : IAggregate<SealedLedger>, IChained
{
    /// <summary>The stream of the seals.</summary>
    public const string Stream = "seals";

    /// <inheritdoc />
    public static SealedLedger? Apply(SealedLedger? state, string id, object e) =>
        e is not LedgerSealed s ? state : new SealedLedger(id, s.Number, s.Through ?? state?.Through ?? 0, state?.Head);

    /// <inheritdoc />
    public IChained WithHead(string head) => this with { Head = head };

    /// <summary>
    /// Seals what comes after what is sealed already; nothing where nothing has grown, or somebody else has sealed it.
    /// </summary>
    public static Decision Seal(SealedLedger? state, Growth growth, DateOnly date) =>
        growth.Heads.Count == 0 || state?.Through > growth.After ? [] : [new LedgerSealed((state?.Number ?? 0) + 1, growth.Heads, date, growth.Through)];
}

/// <summary>What of the ledger has grown.</summary>
/// <param name="After">After this event.</param>
/// <param name="Through">Up to this one.</param>
/// <param name="Heads">The newest of these events of each stream that has some, in the order of their names.</param>
public sealed record Growth(long After, long Through, IReadOnlyList<SealedHead> Heads);

/// <summary>
/// Seals each region's ledger, some time after its transactions, so that no
/// transaction waits for it; one replica at a time.
/// </summary>
internal sealed class SealLedger(
    IDocumentStore store, NpgsqlDataSource database, OwnDecisions own, TimeProvider time, IConfiguration configuration, ILogger<SealLedger> log) : BackgroundService
{
    private const int MostAtOnce = 100;

    // What one seal is made of, so that it carries no more heads than that.
    private const int MostEvents = 1000;

    private const string Turn = "select pg_try_advisory_xact_lock(hashtextextended($1, 0))";

    // Up to where no event can still come, as the relay knows it.
    private const string Newest = "select coalesce((select last_seq_id from mt_event_progression where name = 'HighWaterMark'), 0)";

    private const string Events =
        """
        select seq_id, stream_id, version, headers ->> 'hash' from mt_events
        where tenant_id = $1 and seq_id > $2 and seq_id <= $3 order by seq_id limit $4
        """;

    // Where this replica has found nothing more to seal; so it is not looked for again where other regions write much.
    private readonly Dictionary<string, long> _looked = [];

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.EachMinuteAsync(time, configuration, log, "seal the ledger", isAtOnce: false, SealAsync, stoppingToken);

    internal async Task SealAsync(string region, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var turn = await connection.BeginTransactionAsync(ct);
        if (await AskAsync(connection, Turn, ct, $"{region}/seal-ledger") is not true)
            return;
        await using var session = store.QuerySession(region);
        var after = Math.Max(_looked.GetValueOrDefault(region), (await session.LoadAsync<SealedLedger>(SealedLedger.Stream, ct))?.Through ?? 0);
        var (newest, today) = ((long)(await AskAsync(connection, Newest, ct))!, BusinessDate.Of(time.GetUtcNow()));
        for (var round = 0; round < MostAtOnce && after < newest; round++)
        {
            var growth = await GrowthAsync(connection, region, after, newest, ct);
            if (growth.Heads.Count > 0 && !await own.On<SealedLedger>(region, "funding.seal-ledger", SealedLedger.Stream, state => SealedLedger.Seal(state, growth, today), ct))
                return;
            _looked[region] = after = growth.Through;
        }
    }

    private static async Task<Growth> GrowthAsync(NpgsqlConnection connection, string region, long after, long newest, CancellationToken ct)
    {
        await using var read = new NpgsqlCommand(Events, connection);
        foreach (var value in (object[])[region, after, newest, MostEvents])
            read.Parameters.AddWithValue(value);
        await using var reader = await read.ExecuteReaderAsync(ct);
        var (heads, count, last) = (new SortedDictionary<string, SealedHead>(StringComparer.Ordinal), 0, after);
        for (; await reader.ReadAsync(ct); count++)
        {
            last = reader.GetInt64(0);
            // The seals seal one another; and what Marten keeps for numbers that were rolled back has no hash.
            if (reader.GetString(1) is var stream and not SealedLedger.Stream && !await reader.IsDBNullAsync(3, ct))
                heads[stream] = new SealedHead(stream, reader.GetInt64(2), reader.GetString(3));
        }

        return new Growth(after, count < MostEvents ? newest : last, [.. heads.Values]);
    }

    private static async Task<object?> AskAsync(NpgsqlConnection connection, string sql, CancellationToken ct, params object[] values)
    {
        await using var ask = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            ask.Parameters.AddWithValue(value);
        return await ask.ExecuteScalarAsync(ct);
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
        .WithSummary(
            "Lists the seals of the ledger, the newest first, or the one that covers an event; "
            + "verification tells whether a seal that somebody kept still holds")
        .Produces<Page<Seal>>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(409);

    private static async Task<IResult> List(
        string region,
        [OneLine(200, MinimumLength = 1)] string? stream,
        [Bounds(1, int.MaxValue)] int? sequence,
        [AsParameters] Paging paging,
        IDocumentStore store,
        CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        if ((stream is null) != (sequence is null))
        {
            return Problems.Of(
                400, "An event is named by its stream (subject) and its number there (sequence).", stream is null ? "stream" : "sequence");
        }

        return stream is not null
            ? await CoverAsync(session, region, stream, sequence!.Value, ct)
            : Results.Ok(await PageAsync(session, paging, ct));
    }

    // Seals follow one another, and each says up to where in the store it reaches: halving finds the first that is enough.
    private static async Task<IResult> CoverAsync(IQuerySession session, string region, string stream, long sequence, CancellationToken ct)
    {
        if (await NumberAsync(session, region, stream, sequence, ct) is not { } number)
            return Problems.Of(Refusal.NotFound($"The ledger of {region} has no sealable event {sequence} of {stream}."));
        var (low, high) = (1L, (await session.Events.FetchStreamStateAsync(SealedLedger.Stream, ct))?.Version ?? 0);
        var found = (Seal?)null;
        while (low <= high)
        {
            var middle = low + ((high - low) / 2);
            if (await SealAsync(session, middle, ct) is not var (seal, through))
                return Problems.Of(Refusal.Conflict($"The seal {middle} cannot be read: run the verification of the ledger."));
            if (through >= number)
                (found, high) = (seal, middle - 1);
            else
                low = middle + 1;
        }

        if (found is not null && !found.Heads.Any(h => h.Stream == stream && h.Sequence >= sequence))
            return Problems.Of(Refusal.Conflict($"The seal {found.Number} should hold this event and does not: run the verification of the ledger."));
        return Results.Ok(new Page<Seal>(found is null ? [] : [found], 1, 1, found is null ? 0 : 1));
    }

    // Its number in the store; not of one without a hash, which no seal holds. Its data need not be readable.
    private static async Task<long?> NumberAsync(IQuerySession session, string region, string stream, long sequence, CancellationToken ct)
    {
        await using var read = new NpgsqlCommand(
            "select seq_id from mt_events where tenant_id = $1 and stream_id = $2 and version = $3 and headers ->> 'hash' is not null");
        foreach (var value in (object[])[region, stream, sequence])
            read.Parameters.AddWithValue(value);
        await using var reader = await session.ExecuteReaderAsync(read, ct);
        return await reader.ReadAsync(ct) ? reader.GetInt64(0) : null;
    }

    private static async Task<(Seal Seal, long Through)?> SealAsync(IQuerySession session, long number, CancellationToken ct)
    {
        try
        {
            var seals = await session.Events.QueryAllRawEvents().Where(s => s.StreamKey == SealedLedger.Stream && s.Version == number).ToListAsync(ct);
            return seals is [{ Data: LedgerSealed data } e] ? (Of(e), data.Through ?? 0) : null;
        }
        catch (Exception e) when (ClosedStreams.IsOfTheStream(e))
        {
            return null;
        }
    }

    private static Seal Of(IEvent e) => new(e.Version, Chain.HashOf(e), Chain.RecordedOf(e), ((LedgerSealed)e.Data).Heads);

    private static async Task<Page<Seal>> PageAsync(IQuerySession session, Paging paging, CancellationToken ct)
    {
        var (number, size) = paging.Bounded();
        var total = (await session.Events.FetchStreamStateAsync(SealedLedger.Stream, ct))?.Version ?? 0;
        var newest = total - ((long)(number - 1) * size);
        var before = newest - size;
        var events = await session.Events.QueryAllRawEvents()
            .Where(e => e.StreamKey == SealedLedger.Stream && e.Version <= newest && e.Version > before).OrderByDescending(e => e.Version).ToListAsync(ct);
        return new Page<Seal>(
            [.. events.Select(Of)], number, size, total);
    }
}
