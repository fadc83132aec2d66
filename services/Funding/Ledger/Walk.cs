using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>
/// A stream of the ledger, made anew from its events alone: the state, its parts and the journal's lines. What is wrong on the way
/// is told.
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

    /// <summary>The reservations of the row.</summary>
    public PartsWalk<Reservation> Reservations { get; } = new(id);

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
            Reservations.Take(data);
            if (State is not PlanRow row)
                return [];
            Check(e.Version, row);
            return row.Lines(e.Id, data, e.Version, e.RecordedAt);
        }
        catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException or OverflowException)
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

/// <summary>The parts of one kind that a row has, made anew.</summary>
/// <param name="row">The row.</param>
internal sealed class PartsWalk<TPart>(string row)
    where TPart : class, IPart<TPart>
{
    private const int AtOnce = 500;
    private static readonly string Table = $"mt_doc_{typeof(TPart).Name.ToLowerInvariant()}";
    private readonly Dictionary<string, TPart> _made = [];
    private HashSet<string> _touched = [];

    /// <summary>What there is by the events.</summary>
    public IReadOnlyDictionary<string, TPart> Made => _made;

    /// <summary>Takes an event; one that is about no such part changes nothing.</summary>
    public void Take(object data)
    {
        if (TPart.KeyOf(data) is not { } key || TPart.Apply(_made.GetValueOrDefault(key), data) is not { } part)
            return;
        _made[key] = part;
        _touched.Add(key);
    }

    /// <summary>The parts that events were about since this was asked last.</summary>
    public IReadOnlyCollection<string> Touched()
    {
        var touched = _touched;
        _touched = [];
        return touched;
    }

    /// <summary>Those of these parts that are not stored as they were made.</summary>
    public async Task<IReadOnlyList<string>> DifferingAsync(IQuerySession session, IEnumerable<string> keys, CancellationToken ct)
    {
        var differing = new List<string>();
        foreach (var ids in keys.Chunk(AtOnce))
        {
            var stored = (await session.LoadManyAsync<TPart>(ct, ids)).ToDictionary(part => part.Id);
            differing.AddRange(ids.Where(key => !Stored.Same(stored.GetValueOrDefault(key), _made.GetValueOrDefault(key))));
        }

        return differing;
    }

    /// <summary>Stored parts of the row that no event made.</summary>
    public async Task<IReadOnlyList<string>> UnknownAsync(IQuerySession session, CancellationToken ct)
    {
        var stored = await session.AdvancedSql.QueryAsync<string>($"select id from {Table} where tenant_id = ? and data ->> 'row' = ?", ct, session.TenantId, row);
        return [.. stored.Where(key => !_made.ContainsKey(key))];
    }
}

internal static class Stored
{
    /// <summary>Whether two states are the same; either may be missing.</summary>
    public static bool Same<T>(T? a, T? b) => JsonSerializer.Serialize(a, ContractJson.Options) == JsonSerializer.Serialize(b, ContractJson.Options);
}
