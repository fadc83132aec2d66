using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>
/// A stream of the ledger, made anew from its events alone: the state, its parts and the
/// journal's lines. What is wrong on the way is told.
/// </summary>
/// <param name="region">The tenant.</param>
/// <param name="id">The stream.</param>
/// <param name="types">The events' types by their names.</param>
/// <param name="found">Takes what is wrong: the transaction, and a sentence.</param>
internal sealed class Walk<T>(string region, string id, IReadOnlyDictionary<string, Type> types, Action<long?, string> found)
    where T : class, IAggregate<T>
{
    /// <summary>The state after the newest event; null before the first one.</summary>
    public T? State { get; private set; }

    /// <summary>The newest event's number.</summary>
    public long Version { get; private set; }

    /// <summary>The newest event's hash.</summary>
    public string? Head { get; private set; }

    /// <summary>The row's parts: reservations and grants; and its payments, with what they were approved for.</summary>
    public IReadOnlyList<IPartsWalk> Parts { get; } =
        [new PartsWalk<Reservation>(id), new PartsWalk<Grant>(id), new PaymentsWalk(id), new ApprovalsWalk(id)];

    /// <summary>Reads on from where it is, a page at a time.</summary>
    /// <param name="connection">The database.</param>
    /// <param name="onPage">Takes each page with the journal's lines that it makes, and says whether to go on.</param>
    /// <param name="ct">Gives up.</param>
    public async Task ReadOnAsync(NpgsqlConnection connection, Func<IReadOnlyList<ChainedEvent>, IReadOnlyList<JournalLine>, Task<bool>> onPage, CancellationToken ct)
    {
        await foreach (var page in Chain.ReadAsync(connection, region, id, (Version, Head), ct))
        {
            var lines = new List<JournalLine>();
            foreach (var e in page)
            {
                (Version, Head) = (e.Version, e.Hash);
                if (e.Fault is { } fault)
                    found(e.Version, fault);
                lines.AddRange(Take(e));
            }

            if (!await onPage(page, [.. lines.InOrder()]))
                return;
        }

        if (State is IChained chained && Head is not null)
            State = (T)chained.WithHead(Head);
    }

    private IReadOnlyList<JournalLine> Take(ChainedEvent e)
    {
        try
        {
            var data = JsonSerializer.Deserialize(e.Data, types[e.Type], ContractJson.Options)!;
            State = T.Apply(State, id, data);
            foreach (var parts in Parts)
                parts.Take(e.Id, data);
            if (State is Contribution { IsBalanced: false })
                found(e.Version, "What is called, outstanding, credit and received do not fit together after it.");
            if (State is not PlanRow row)
                return [];
            Check(e.Version, row);
            return row.Lines(e.Id, data, e.Version, e.RecordedAt);
        }
        catch (Exception problem) when (problem is not UnsoundStreamException)
        {
            found(e.Version, $"It cannot be applied: {problem.Message}");
            return [];
        }
    }

    private void Check(long version, PlanRow row)
    {
        var balances = row.Funds.Select(f => f.Balance).ToList();
        if (balances.Exists(b => b.Planned != b.Available.Plus(b.Reserved).Plus(b.Committed).Plus(b.Paid)))
            found(version, "Planned is not available + reserved + committed + paid after it.");
        if (balances.Exists(b => ((Money[])[b.Available, b.Reserved, b.Committed, b.Paid]).Any(m => m.Amount < 0)))
            found(version, "An account is below zero after it.");
    }
}

/// <summary>The parts, or other documents, of one kind that a row has, made anew.</summary>
internal interface IPartsWalk
{
    /// <summary>What they are called, e.g. reservation.</summary>
    string Kind { get; }

    /// <summary>The parts that there are by the events.</summary>
    IReadOnlyCollection<string> Keys { get; }

    /// <summary>Takes an event; one that is about no such part changes nothing.</summary>
    /// <param name="id">The event's id.</param>
    /// <param name="data">What happened.</param>
    void Take(Guid id, object data);

    /// <summary>The parts that events were about since this was asked last.</summary>
    IReadOnlyCollection<string> Touched();

    /// <summary>Those of these parts that are not stored as they were made.</summary>
    Task<IReadOnlyList<string>> DifferingAsync(IQuerySession session, IEnumerable<string> keys, CancellationToken ct);

    /// <summary>Stored parts of the row that no event made.</summary>
    Task<IReadOnlyList<string>> UnknownAsync(IQuerySession session, CancellationToken ct);

    /// <summary>Stores a part as it was made, or deletes what no event made.</summary>
    void Mend(IDocumentSession session, string key);
}

/// <inheritdoc />
/// <param name="row">The row, which each document names.</param>
internal abstract class DocumentsWalk<TDocument>(string row) : IPartsWalk
    where TDocument : class
{
    private const int AtOnce = 500;
    private static readonly string Table = $"mt_doc_{typeof(TDocument).Name.ToLowerInvariant()}";
    private readonly Dictionary<string, TDocument> _made = [];
    private HashSet<string> _touched = [];

    public abstract string Kind { get; }

    public IReadOnlyCollection<string> Keys => _made.Keys;

    /// <summary>The row.</summary>
    protected string Row { get; } = row;

    public abstract void Take(Guid id, object data);

    public IReadOnlyCollection<string> Touched()
    {
        var touched = _touched;
        _touched = [];
        return touched;
    }

    public async Task<IReadOnlyList<string>> DifferingAsync(IQuerySession session, IEnumerable<string> keys, CancellationToken ct)
    {
        var differing = new List<string>();
        foreach (var ids in keys.Chunk(AtOnce))
        {
            var stored = await StoredAsync(session, ids, ct);
            differing.AddRange(ids.Where(key => !Stored.Same(stored.GetValueOrDefault(key), Made(key))));
        }

        return differing;
    }

    public async Task<IReadOnlyList<string>> UnknownAsync(IQuerySession session, CancellationToken ct)
    {
        var stored = await session.AdvancedSql.QueryAsync<string>(
            $"select id::text from {Table} where tenant_id = ? and data ->> 'row' = ?", ct, session.TenantId, Row);
        return [.. stored.Where(key => !_made.ContainsKey(key))];
    }

    public void Mend(IDocumentSession session, string key)
    {
        if (Made(key) is { } document)
            session.Store(document);
        else
            Delete(session, key);
    }

    /// <summary>A document as it was made so far; null where none was.</summary>
    public TDocument? Made(string key) => _made.GetValueOrDefault(key);

    /// <summary>Makes a document, or makes it anew.</summary>
    protected void Make(string key, TDocument document)
    {
        _made[key] = document;
        _touched.Add(key);
    }

    protected abstract string KeyOf(TDocument document);

    protected abstract Task<IReadOnlyList<TDocument>> LoadAsync(
        IQuerySession session, string[] keys, CancellationToken ct);

    protected abstract void Delete(IDocumentSession session, string key);

    // Of some that cannot all be read, e.g. since an older version made them, each is taken by itself.
    private async Task<Dictionary<string, TDocument>> StoredAsync(
        IQuerySession session, string[] keys, CancellationToken ct)
    {
        try
        {
            return (await LoadAsync(session, keys, ct)).ToDictionary(KeyOf);
        }
        catch (Exception e) when (ClosedStreams.IsOfTheStream(e) && keys.Length > 1)
        {
            var stored = new Dictionary<string, TDocument>();
            foreach (var key in keys)
            {
                foreach (var (id, document) in await StoredAsync(session, [key], ct))
                    stored[id] = document;
            }

            return stored;
        }
        catch (Exception e) when (ClosedStreams.IsOfTheStream(e))
        {
            return [];
        }
    }
}

/// <inheritdoc />
/// <param name="row">The row.</param>
internal sealed class PartsWalk<TPart>(string row) : DocumentsWalk<TPart>(row)
    where TPart : class, IPart<TPart>
{
    public override string Kind => typeof(TPart).Name.ToLowerInvariant();

    public override void Take(Guid id, object data)
    {
        if (TPart.KeyOf(data) is { } key && TPart.Apply(Made(key), data) is { } part)
            Make(key, part);
    }

    protected override string KeyOf(TPart document) => document.Id;

    protected override Task<IReadOnlyList<TPart>> LoadAsync(
        IQuerySession session, string[] keys, CancellationToken ct) =>
        session.LoadManyAsync<TPart>(ct, keys);

    protected override void Delete(IDocumentSession session, string key) => session.Delete<TPart>(key);
}

internal static class Stored
{
    /// <summary>Loads a state; null where there is none, or none that can be read.</summary>
    public static async Task<T?> LoadAsync<T>(IQuerySession session, string id, CancellationToken ct)
        where T : class
    {
        try
        {
            return await session.LoadAsync<T>(id, ct);
        }
        catch (Exception e) when (ClosedStreams.IsOfTheStream(e))
        {
            return null;
        }
    }

    /// <summary>
    /// Whether two states are the same; either may be missing. One that lacks what it has to have is not.
    /// </summary>
    public static bool Same<T>(T? a, T? b)
    {
        try
        {
            return JsonSerializer.Serialize(a, ContractJson.Options) == JsonSerializer.Serialize(b, ContractJson.Options);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
