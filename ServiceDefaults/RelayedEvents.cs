using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using JasperFx.Events;
using KkiMesh.Contracts;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>Stored events as they are published: under their own contracts, and under the older ones.</summary>
internal sealed class RelayedEvents(
    MeshService service, NpgsqlDataSource database, StoreEpochs epochs, UnreadableEvents unreadable)
{
    private const int MaxStreams = 10_000;
    private static readonly TimeSpan EpochKept = TimeSpan.FromSeconds(1);

    // The newest public event that the relay has passed of each stream; others
    // read them in any order, and ask the database.
    private readonly Dictionary<(string Region, string Stream), Guid> _passed = [];
    private long _ceiling = -1;
    private (string Name, long ReadAt)? _epoch;

    /// <summary>
    /// A page of the relay: it follows the one before, so that most previous events are known. Events that cannot be
    /// read are left out: the store leaves them out of the page, or they are passed here.
    /// </summary>
    /// <param name="page">In the store's order, private events among them.</param>
    /// <param name="floor">The number after which the page begins.</param>
    /// <param name="ceiling">The number with which it ends.</param>
    /// <param name="ct">Gives up.</param>
    public async Task<IReadOnlyList<CloudEvent>> OfNextAsync(
        IReadOnlyList<IEvent> page, long floor, long ceiling, CancellationToken ct)
    {
        // Another replica may have relayed meanwhile, or the database may have been restored.
        if (floor != _ceiling || _passed.Count > MaxStreams)
            _passed.Clear();
        var epoch = await EpochAsync(ct);
        var known = page.Where(IsPublic).ToList();
        // A number that is missing may be that of an event that cannot be read, which another one follows all the same.
        var isWhole = page.Count == ceiling - floor;
        var asked = known.Where(e => e.Version > 1);
        asked = isWhole ? asked.DistinctBy(StreamOf).Where(e => !_passed.ContainsKey(StreamOf(e))) : asked;
        var first = asked.ToList();
        var stored = first.Zip(await PreviousAsync(first, ct)).ToDictionary(p => p.First.Id, p => p.Second);

        var events = new List<CloudEvent>();
        foreach (var e in known)
        {
            var passed = _passed.TryGetValue(StreamOf(e), out var before) ? before : (Guid?)null;
            events.AddRange(Readable(e, stored.TryGetValue(e.Id, out var previous) ? previous : passed, epoch));
            _passed[StreamOf(e)] = e.Id;
        }

        if (!isWhole)
            _passed.Clear();
        _ceiling = ceiling;
        return events;
    }

    /// <summary>The relay begins, here or after another replica: nothing is known of what came before.</summary>
    public void Forget() => (_ceiling, _epoch) = (-1, null);

    /// <summary>The same of any stored events.</summary>
    /// <exception cref="UnreadableEventException">One of them cannot be published.</exception>
    public async Task<IReadOnlyList<CloudEvent>> OfAsync(IReadOnlyList<IEvent> stored, string epoch, CancellationToken ct)
    {
        var known = stored.Where(IsPublic).ToList();
        return [.. known.Zip(await PreviousAsync(known, ct), (e, previous) => Of(e, previous, epoch)).SelectMany(e => e)];
    }

    /// <summary>The types under which these are stored; all public ones when none is asked for.</summary>
    public string[] StoredTypes(IReadOnlyCollection<string>? asked) =>
        asked is null or { Count: 0 }
            ? [.. service.Contracts.Keys]
            : [.. asked.Concat(service.Downgrades.NewerThan(asked)).Distinct()];

    /// <summary>The ids and types under which a stored event is published.</summary>
    public IEnumerable<(string Id, string Type)> IdsOf(Guid id, string storedType) =>
    [
        (id.ToString(), storedType),
        .. service.Downgrades.OlderThan(storedType).Select(older => ($"{id}.{older.Version}", older.Type)),
    ];

    private static bool IsPublic(IEvent e) => PublicEvents.TypeOf(e.EventType) is not null;

    private static (string Region, string Stream) StreamOf(IEvent e) => (e.TenantId, e.StreamKey!);

    // Another one begins at a start, or when an operator says so, maybe at another replica.
    private async Task<string> EpochAsync(CancellationToken ct)
    {
        if (_epoch is not { } known || Stopwatch.GetElapsedTime(known.ReadAt) > EpochKept)
            _epoch = known = ((await epochs.ListAsync(ct))[0].Name, Stopwatch.GetTimestamp());
        return known.Name;
    }

    private List<CloudEvent> Readable(IEvent e, Guid? previous, string epoch)
    {
        try
        {
            return Of(e, previous, epoch);
        }
        catch (UnreadableEventException why)
        {
            MeshTelemetry.Unreadable();
            unreadable.Tell(e.Id, PublicEvents.TypeOf(e.EventType)!, e.Sequence, why);
            return [];
        }
    }

    private List<CloudEvent> Of(IEvent e, Guid? previous, string epoch)
    {
        if (e.Data is null)
            throw new UnreadableEventException("It has no data.");
        if (e.Headers is UnreadableHeaders)
            throw new UnreadableEventException("Its headers are no object.");
        try
        {
            return
            [
                Message(e, e.Data, e.Id.ToString(), previous, epoch) with { Hash = Chain.HashOf(e) },
                .. service.Downgrades.Of(e.Data)
                    .Select(o => Message(e, o.Older, $"{e.Id}.{o.Version}", previous, epoch)),
            ];
        }
        catch (Exception problem)
        {
            // What it lacks shows when it is written under its contracts.
            throw new UnreadableEventException("It is not what its contract says.", problem);
        }
    }

    private CloudEvent Message(IEvent e, object data, string id, Guid? previous, string epoch) => new()
    {
        Id = id,
        Source = $"/{e.TenantId}/{service.Name}",
        Type = PublicEvents.TypeOf(data.GetType())!,
        Subject = e.StreamKey,
        Time = e.Timestamp,
        Sequence = e.Version.ToString("D10", CultureInfo.InvariantCulture),
        Region = e.TenantId,
        CorrelationId = e.CorrelationId,
        CausationId = e.CausationId,
        TraceParent = e.GetHeader(Deciding.TraceParent)?.ToString(),
        ActorRole = e.GetHeader(Deciding.ActorRole)?.ToString(),
        Previous = previous?.ToString(),
        Position = Position.Of(epoch, e).ToString(),
        Data = JsonSerializer.SerializeToElement(data, data.GetType(), ContractJson.Options),
    };

    // For each, the public event before it in its stream, all in one statement.
    private async Task<Guid?[]> PreviousAsync(List<IEvent> events, CancellationToken ct)
    {
        var previous = new Guid?[events.Count];
        if (events.Count == 0)
            return previous;
        await using var read = database.CreateCommand(
            """
            select asked.place, e.id
            from unnest($1::text[], $2::text[], $3::bigint[]) with ordinality as asked (tenant, stream, version, place)
            cross join lateral (
                select id from mt_events
                where tenant_id = asked.tenant and stream_id = asked.stream and version < asked.version and type = any($4)
                order by version desc limit 1) e
            """);
        read.Parameters.AddWithValue(events.Select(e => e.TenantId).ToArray());
        read.Parameters.AddWithValue(events.Select(e => e.StreamKey!).ToArray());
        read.Parameters.AddWithValue(events.Select(e => e.Version).ToArray());
        read.Parameters.AddWithValue(StoredTypes(null));
        await using var reader = await read.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            previous[reader.GetInt64(0) - 1] = reader.GetGuid(1);
        return previous;
    }
}
