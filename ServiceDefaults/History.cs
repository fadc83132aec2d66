using System.Globalization;
using System.Text.Json.Serialization;
using JasperFx.Events;
using Marten;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>A page of a service's history.</summary>
/// <param name="Items">Its public events in the order in which they were recorded, as they were published.</param>
/// <param name="Next">Ask after this position next.</param>
/// <param name="Until">The position up to which there is history now; when <paramref
/// name="Next"/> is there, that was all.</param>
/// <param name="Unreadable">Events of this page that are stored and cannot be read, in their order; not there where all
/// can be read. <paramref name="Next"/> goes on past them: they can be read when an operator has mended them.</param>
public sealed record HistoryPage(
    IReadOnlyList<CloudEvent> Items,
    Position Next,
    Position Until,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    IReadOnlyList<HistoryItem>? Unreadable = null);

/// <summary>An event of a history, without its data.</summary>
/// <param name="Id">Its id on the wire.</param>
/// <param name="Type">Its CloudEvents type.</param>
/// <param name="Position">Its place.</param>
public sealed record HistoryItem(string Id, string Type, Position Position);

/// <summary>A page of a service's history without data, to compare with.</summary>
/// <param name="Items">Ids and types in the order in which they were recorded.</param>
/// <param name="Next">Ask after this position next.</param>
/// <param name="Until">The position up to which the broker has confirmed everything.</param>
public sealed record HistoryIndex(IReadOnlyList<HistoryItem> Items, Position Next, Position Until);

/// <summary>An epoch that has begun.</summary>
/// <param name="Epoch">Its name.</param>
/// <param name="BeginsAfter">The number of the newest event that is of the epoch before, too.</param>
public sealed record EpochBegun(string Epoch, long BeginsAfter);

/// <summary>Reads the store in the order in which events were recorded.</summary>
internal sealed class History(
    IDocumentStore store,
    NpgsqlDataSource database,
    StoreEpochs epochs,
    RelayedEvents events,
    UnreadableEvents unreadable)
{
    private const string Safe = "'HighWaterMark', '" + Relay.Subscription + ":All'";
    private const string Confirmed = "'" + Relay.Subscription + ":All'";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Looks whether a position is one of this store.</summary>
    /// <returns>The store's epoch.</returns>
    /// <exception cref="EpochEndedException">It is of a store that was restored since.</exception>
    public async Task<string> CheckAsync(Position after, CancellationToken ct)
    {
        var all = await epochs.ListAsync(ct);
        var current = all[0];
        if (after.IsBeginning)
            return current.Name;
        if (after.Epoch == current.Name && await AtAsync(after.Sequence, current.Name, ct) == after)
            return current.Name;
        // What both have in common: nothing that came after a restore, and nothing after that
        // position. Of an epoch that a restore has made unknown, what was there at the last one; of
        // an event of this epoch that is gone, nobody can tell.
        var later = all.TakeWhile(e => e.Name != after.Epoch).ToList();
        var common = later.Count == all.Count
            ? current.BeginsAfter
            : later.Select(e => e.BeginsAfter).DefaultIfEmpty(0).Min();
        throw new EpochEndedException(after, await AtAsync(Math.Min(after.Sequence, common), current.Name, ct));
    }

    /// <summary>
    /// The newest position: nothing can appear behind it. It follows the newest event within moments.
    /// </summary>
    public async Task<Position> NewestAsync(string epoch, CancellationToken ct)
    {
        var newest = await NumberAsync("select coalesce(max(seq_id), 0) from mt_events", ct);
        for (var waited = TimeSpan.Zero; ; waited += TimeSpan.FromMilliseconds(50))
        {
            var safe = await ProgressAsync(Safe, ct);
            if (safe >= newest || waited >= Patience)
                return await AtAsync(safe, epoch, ct);
            await Task.Delay(50, ct);
        }
    }

    /// <summary>The position up to which the broker has confirmed everything.</summary>
    public async Task<Position> ConfirmedAsync(string epoch, CancellationToken ct) =>
        await AtAsync(await ProgressAsync(Confirmed, ct), epoch, ct);

    /// <summary>A page of events, with their data.</summary>
    public async Task<HistoryPage> ReadAsync(string region, HistoryQuery query, CancellationToken ct)
    {
        var epoch = await CheckAsync(query.After, ct);
        var until = Later(query.After, await NewestAsync(epoch, ct));
        var most = MostOf(query);
        try
        {
            var (items, stored) = await ReadAsync(region, query, epoch, until, ct);
            return new HistoryPage(items, stored.Count == most ? Position.Of(epoch, stored[^1]) : until, until);
        }
        catch (Exception e) when (UnreadableEvents.IsOne(e))
        {
            var stored = await RowsAsync(region, query, until, most, ct);
            var (items, unread) = await ReadPastAsync(region, query, epoch, stored, ct);
            return new HistoryPage(items, stored.Count == most ? stored[^1].At(epoch) : until, until, unread);
        }
    }

    // The search ends with the last of those that are asked for: the store has no index of their ids.
    private static int MostOf(HistoryQuery query) =>
        query.Ids is { Count: > 0 } few ? Math.Min(query.PageSize, few.Distinct().Count()) : query.PageSize;

    private async Task<(List<CloudEvent> Items, IReadOnlyList<IEvent> Stored)> ReadAsync(
        string region, HistoryQuery query, string epoch, Position until, CancellationToken ct)
    {
        var (from, names) = (query.After.Sequence, events.StoredTypes(query.Types));
        await using var session = store.QuerySession(region);
        IQueryable<IEvent> asked = session.Events.QueryAllRawEvents()
            .Where(e => e.Sequence > from && e.Sequence <= until.Sequence && names.Contains(e.EventTypeName));
        if (query.Correlation is { } correlation)
            asked = asked.Where(e => e.CorrelationId == correlation);
        if (query.Ids is { Count: > 0 } ids)
            asked = asked.Where(e => ids.Contains(e.Id));
        var stored = await asked.OrderBy(e => e.Sequence).Take(MostOf(query)).ToListAsync(ct);
        return ([.. (await events.OfAsync(stored, epoch, ct)).Where(e => query.Wants(e.Type))], stored);
    }

    // What cannot be read at once is halved until those are found which cannot be read by themselves.
    private async Task<(List<CloudEvent> Items, List<HistoryItem> Unread)> ReadPastAsync(
        string region, HistoryQuery query, string epoch, List<StoredRow> stored, CancellationToken ct)
    {
        var (items, unread) = (new List<CloudEvent>(), new List<HistoryItem>());
        var parts = new Stack<List<StoredRow>>();
        if (stored.Count > 0)
            parts.Push(stored);
        while (parts.TryPop(out var part))
        {
            try
            {
                // Each is within the page: no more than that are asked for.
                var asked = query with
                {
                    After = Position.Of(epoch, part[0].Sequence - 1, part[0].Id),
                    Ids = [.. part.Select(r => r.Id)],
                };
                items.AddRange((await ReadAsync(region, asked, epoch, part[^1].At(epoch), ct)).Items);
            }
            catch (Exception e) when (UnreadableEvents.IsOne(e) && part.Count > 1)
            {
                parts.Push(part[(part.Count / 2)..]);
                parts.Push(part[..(part.Count / 2)]);
            }
            catch (Exception e) when (UnreadableEvents.IsOne(e))
            {
                unreadable.Tell(part[0].Id, part[0].Type, part[0].Sequence, e);
                unread.AddRange(Published(part[0], query, epoch));
            }
        }

        return (items, unread);
    }

    /// <summary>A page of ids and types of what the broker has confirmed.</summary>
    public async Task<HistoryIndex> IndexAsync(string region, HistoryQuery query, CancellationToken ct)
    {
        var epoch = await CheckAsync(query.After, ct);
        var until = Later(query.After, await ConfirmedAsync(epoch, ct));
        var stored = await RowsAsync(region, query, until, query.PageSize, ct);
        var items = stored.SelectMany(r => Published(r, query, epoch)).ToList();
        return new HistoryIndex(items, stored.Count == query.PageSize ? stored[^1].At(epoch) : until, until);
    }

    private IEnumerable<HistoryItem> Published(StoredRow row, HistoryQuery query, string epoch) =>
        events.IdsOf(row.Id, row.Type)
            .Where(e => query.Wants(e.Type))
            .Select(e => new HistoryItem(e.Id, e.Type, row.At(epoch)));

    private async Task<List<StoredRow>> RowsAsync(
        string region, HistoryQuery query, Position until, int most, CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            """
            select seq_id, id, type from mt_events
            where tenant_id = $1 and seq_id > $2 and seq_id <= $3 and type = any($4)
                and ($5 = '' or correlation_id = $5) and (cardinality($6::uuid[]) = 0 or id = any($6))
            order by seq_id limit $7
            """);
        var names = events.StoredTypes(query.Types);
        Guid[] ids = [.. query.Ids ?? []];
        var (from, thread) = (query.After.Sequence, query.Correlation ?? "");
        foreach (var value in (object[])[region, from, until.Sequence, names, thread, ids, most])
            read.Parameters.AddWithValue(value);
        await using var reader = await read.ExecuteReaderAsync(ct);
        var rows = new List<StoredRow>();
        while (await reader.ReadAsync(ct))
            rows.Add(new StoredRow(reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2)));
        return rows;
    }

    private static Position Later(Position one, Position other) => one.Sequence > other.Sequence ? one : other;

    // The newest event at or before a number, so that each position that is handed out is one of an event.
    private async Task<Position> AtAsync(long sequence, string epoch, CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            "select seq_id, id from mt_events where seq_id <= $1 order by seq_id desc limit 1");
        read.Parameters.AddWithValue(sequence);
        await using var reader = await read.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct)
            ? Position.Of(epoch, reader.GetInt64(0), reader.GetGuid(1))
            : Position.Beginning;
    }

    private Task<long> ProgressAsync(string names, CancellationToken ct) =>
        NumberAsync($"select coalesce(max(last_seq_id), 0) from mt_event_progression where name in ({names})", ct);

    private async Task<long> NumberAsync(string sql, CancellationToken ct)
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }
}

/// <summary>A stored event, without its data.</summary>
internal sealed record StoredRow(long Sequence, Guid Id, string Type)
{
    public Position At(string epoch) => Position.Of(epoch, Sequence, Id);
}

/// <summary>What is asked of a history.</summary>
/// <param name="After">The position after which it begins.</param>
/// <param name="Types">Only events of these types; none: all.</param>
/// <param name="PageSize">How many stored events a page has at most.</param>
/// <param name="Correlation">Only events of this thread.</param>
/// <param name="Ids">Only these stored events; none: all.</param>
internal sealed record HistoryQuery(
    Position After, IReadOnlyCollection<string> Types, int PageSize, string? Correlation = null, IReadOnlyList<Guid>? Ids = null)
{
    public bool Wants(string type) => Types.Count == 0 || Types.Contains(type);
}

/// <summary>A position is of a store that was restored since.</summary>
/// <param name="asked">The position.</param>
/// <param name="goOn">The newest position that the store before and this one
/// have in common, as this one calls it.</param>
internal sealed class EpochEndedException(Position asked, Position goOn)
    : Exception(
        "This position is of before the service's database was restored: later events may be gone, and its numbers mean others now.")
{
    public Position Asked => asked;

    public Position GoOn => goOn;
}

internal static class HistoryEndpoints
{
    private const int MaxPage = 500;
    private const int MaxIndexPage = 5000;
    internal const int MaxTypes = 50;
    private const int MaxIds = 100;

    /// <summary>Everything that the service has published, from the beginning; or a part of it.</summary>
    public static void MapHistory(this RouteGroupBuilder service, string name)
    {
        var events = service
            .AreaOfEvery("/events", "events", "What this service has published, from the beginning.")
            .Explains("after", "Only what comes after this position: 0, or one that this service gave; by default 0.")
            .Explains("type", "Only events of these types, e.g. kki.funding.funds-paid.v1.")
            .Explains("correlation", "Only events of this thread.")
            .Explains("id", "Only these events, by their ids.")
            .Explains("pageSize", "How many events a page has at the most.")
            .Explains("consumer", "Who compares: the name of its service and queue.")
            .Explains("to", "Only to this queue; by default to everybody.")
            .Explains("perSecond", "How many events a second at the most.")
            .ProducesProblem(400).ProducesProblem(410);
        events.MapGet("/", Read)
            .WithName("readEvents")
            .WithSummary("Reads the events that this service has published, all or after a position, of some types, of one thread")
            .Produces<HistoryPage>()
            .For(Roles.Integrator.WithScope($"events:{name}"), Roles.Partner, Roles.Operator, Roles.Auditor);
        events.MapGet("/ids", ReadIds)
            .WithName("readEventIds")
            .WithSummary("Reads only ids and types of what was published, to find out what of it is missing")
            .Produces<HistoryIndex>()
            .For(Roles.Integrator.WithScope($"events:{name}"), Roles.Partner, Roles.Operator);
        events.MapRepublish();
        events.MapPost("/epoch", BeginEpoch)
            .WithName("beginEpoch")
            .WithSummary("Begins an epoch: the database was restored from a copy of its files, which it does not show by itself")
            .Produces<EpochBegun>()
            .ProducesProblem(409)
            .For(Roles.Operator)
            .LogsAccess()
            .DecidesOnNobody("events");
    }

    /// <summary>What is wrong with what was asked; null and the query where it can be read.</summary>
    internal static IResult? Fault(string? after, string[]? type, out Position position, out IReadOnlyCollection<string> types)
    {
        (position, types) = (Position.Beginning, type ?? []);
        if (after is not null && !Position.TryParse(after, out position))
        {
            return long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
                ? Gone("A position says its epoch since histories have epochs: begin again from 0.", Position.Beginning)
                : Problems.Of(400, "A position is 0, or one that this service gave: epoch.number.mark.", "after");
        }

        return types.Count > MaxTypes || types.Any(t => Text.Length(t) > 200)
            ? Problems.Of(400, $"At most {MaxTypes} types of at most 200 characters.", "type")
            : null;
    }

    internal static IResult Gone(string sentence, Position goOn) => Results.Problem(
        $"{sentence} Up to goOnAfter the history is as it was: read on after it, and make what you learnt from later events again.",
        statusCode: StatusCodes.Status410Gone,
        extensions: new Dictionary<string, object?> { ["goOnAfter"] = goOn });

    private static async Task<IResult> BeginEpoch(StoreEpochs epochs, CancellationToken ct)
    {
        var isNew = await epochs.BeginAsync(ct);
        var begun = (await epochs.ListAsync(ct))[0];
        if (!isNew)
        {
            return Problems.Of(
                409, $"{StoreEpochs.MostInAnHour} epochs have begun within the last hour, the newest one is {begun.Name}: ask again later.");
        }

        return Results.Ok(new EpochBegun(begun.Name, begun.BeginsAfter));
    }

    private static async Task<IResult> Read(
        string region,
        [Bounds(1, Position.MaxLength)] string? after,
        [Bounds(0, MaxTypes), EachLength(1, 200)] string[]? type,
        [Bounds(1, 200)] string? correlation,
        [Bounds(0, MaxIds), EachLength(1, 40)] string[]? id,
        [Bounds(1, MaxPage)] int? pageSize,
        History history,
        CancellationToken ct)
    {
        if (Fault(after, type, out var position, out var types) is { } fault)
            return fault;
        if (pageSize is < 1 or > MaxPage)
            return Problems.Of(400, $"A page has 1 to {MaxPage} events.", "pageSize");
        if (correlation is { Length: 0 or > 200 })
            return Problems.Of(400, "A thread's id has 1 to 200 characters.", "correlation");
        if (id is { Length: > MaxIds } || Ids(id) is not { } ids)
            return Problems.Of(400, $"At most {MaxIds} ids of events, each a UUID.", "id");
        var query = new HistoryQuery(position, types, pageSize ?? 100, correlation, ids);
        return await Answer(async () => Results.Json(await history.ReadAsync(region, query, ct)));
    }

    private static async Task<IResult> ReadIds(
        string region,
        [Bounds(1, Position.MaxLength)] string? after,
        [Bounds(0, MaxTypes), EachLength(1, 200)] string[]? type,
        [Bounds(1, 40)] string? consumer,
        [Bounds(1, MaxIndexPage)] int? pageSize,
        HttpContext http,
        History history,
        Consumers consumers,
        CancellationToken ct)
    {
        if (Fault(after, type, out var position, out var types) is { } fault)
            return fault;
        if (pageSize is < 1 or > MaxIndexPage)
            return Problems.Of(400, $"A page has 1 to {MaxIndexPage} events.", "pageSize");
        if (consumer is not null && !RegionConstraint.IsRegion(consumer))
            return Problems.Of(400, "A consumer is named as its service and queue are: lower case letters, digits and dashes.", "consumer");
        if (consumer is not null && http.Has(Roles.Partner))
            await consumers.SawAsync(consumer, ct);
        var query = new HistoryQuery(position, types, pageSize ?? 1000);
        return await Answer(async () => Results.Json(await history.IndexAsync(region, query, ct)));
    }

    private static async Task<IResult> Answer(Func<Task<IResult>> read)
    {
        try
        {
            return await read();
        }
        catch (EpochEndedException ended)
        {
            return Gone(ended.Message, ended.GoOn);
        }
    }

    // An id of an older contract is that of the event with the contract's version: the event is asked for.
    private static List<Guid>? Ids(string[]? texts)
    {
        var ids = new List<Guid>();
        foreach (var text in texts ?? [])
        {
            if (!Guid.TryParse(text.Split('.')[0], out var id))
                return null;
            ids.Add(id);
        }

        return ids;
    }
}
