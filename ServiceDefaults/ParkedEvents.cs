using System.Text;
using Marten;
using Npgsql;
using NpgsqlTypes;

namespace KkiMesh.ServiceDefaults;

/// <summary>An event that a service could not take, with the reason.</summary>
/// <param name="Id">The event's id; of a body that is no CloudEvent, a hash of it.</param>
/// <param name="Type">The event's type; null if it cannot be read.</param>
/// <param name="Source">Who published it.</param>
/// <param name="Subject">Its stream.</param>
/// <param name="Time">When it happened.</param>
/// <param name="ParkedAt">When it was parked, or failed again after it was sent back; UTC.</param>
/// <param name="Reason">Why, in a sentence.</param>
/// <param name="Region">The region; null if it cannot be read, so that any region's operator has to look.</param>
/// <param name="Position">Its place in the list, which never changes: the list goes on after it.</param>
public sealed record ParkedEvent(
    string Id,
    string? Type,
    string? Source,
    string? Subject,
    DateTimeOffset? Time,
    DateTimeOffset ParkedAt,
    string Reason,
    string? Region,
    long Position);

/// <summary>An event that is about to be parked.</summary>
/// <param name="Event">The event; null if the body cannot be read.</param>
/// <param name="Body">The body as it came.</param>
/// <param name="Reason">Why it is not taken.</param>
/// <param name="At">When; UTC.</param>
internal sealed record ToPark(CloudEvent? Event, byte[] Body, string Reason, DateTimeOffset At)
{
    /// <summary>The region that it belongs to; empty if it cannot be read.</summary>
    public string Region => Event?.Region ?? "";

    /// <summary>What it is known by within its region: the inbox's key of an event, a hash of another body.</summary>
    public string Key => Event is null ? Id : InboxRecord.KeyOf(Event.Source, Event.Id);

    /// <summary>What operators call it.</summary>
    public string Id => Event?.Id ?? "sha-" + CommandEndpoints.Hash(Convert.ToBase64String(Body))[..16];
}

/// <summary>A parked event as it is stored.</summary>
/// <param name="Region">Its region; empty if it cannot be read.</param>
/// <param name="Key">Its key within the region.</param>
/// <param name="Type">Its type.</param>
/// <param name="Body">The body as it came.</param>
/// <param name="Lane">What keeps its order: its source and subject.</param>
/// <param name="Position">Its place in the list.</param>
internal sealed record StoredParked(string Region, string Key, string? Type, byte[] Body, string Lane, long Position);

/// <summary>
/// The table of parked events, in the service's own database. An event that is parked has an inbox record, too: a
/// redelivery finds it as it finds one that has taken effect.
/// </summary>
internal static class ParkedEvents
{
    /// <summary>Makes the table.</summary>
    public const string Table =
        """
        create table if not exists parked_events (
            region text not null, key text not null, position bigint generated always as identity, id text not null,
            type text, source text, subject text, time timestamptz, parked_at timestamptz not null, reason text not null,
            body bytea not null, primary key (region, key));
        create unique index if not exists parked_events_position on parked_events (region, position);
        create index if not exists parked_events_id on parked_events (id)
        """;

    private const int LongestReason = 2000;

    /// <summary>Parks events when the session is saved; one that is parked already stays as it is.</summary>
    public static void Park(this IDocumentSession session, IReadOnlyCollection<ToPark> events) => session.QueueSqlCommand(
        """
        insert into parked_events (region, key, id, type, source, subject, time, parked_at, reason, body)
        select * from unnest(
            ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[],
            ?::timestamptz[], ?::timestamptz[], ?::text[], ?::bytea[])
        on conflict (region, key) do nothing
        """,
        events.Select(e => e.Region).ToArray(),
        events.Select(e => e.Key).ToArray(),
        events.Select(e => Storable(e.Id)).ToArray(),
        events.Select(e => Storable(e.Event?.Type)).ToArray(),
        events.Select(e => Storable(e.Event?.Source)).ToArray(),
        events.Select(e => Storable(e.Event?.Subject)).ToArray(),
        events.Select(e => e.Event?.Time?.ToUniversalTime()).ToArray(),
        events.Select(e => e.At).ToArray(),
        events.Select(e => Storable(Short(e.Reason))).ToArray(),
        events.Select(e => e.Body).ToArray());

    /// <summary>Takes one out of the table within the session's transaction; false if somebody else has.</summary>
    public static async Task<bool> TakeOutAsync(this IDocumentSession session, StoredParked parked, CancellationToken ct)
    {
        await using var delete = new NpgsqlCommand("delete from parked_events where region = $1 and key = $2");
        delete.Parameters.AddWithValue(parked.Region);
        delete.Parameters.AddWithValue(parked.Key);
        return await session.ExecuteAsync(delete, ct) == 1;
    }

    /// <summary>
    /// Takes a page of those that a filter finds out of the table, within the session's
    /// transaction. What others have in hand stays.
    /// </summary>
    public static async Task<List<StoredParked>> TakeOutAsync(
        this IDocumentSession session, string region, ParkedFilter filter, ParkedRange range, int most, CancellationToken ct)
    {
        await using var delete = new NpgsqlCommand(
            $"""
            with page as (
                select region, key from parked_events {ParkedFilter.Where} and position <= $9
                order by position limit $10 for update skip locked)
            delete from parked_events p using page where p.region = page.region and p.key = page.key
            returning p.region, p.key, p.type, ''::bytea, '', p.position
            """);
        filter.AddTo(delete, region, range.After);
        delete.Parameters.AddWithValue(range.Last);
        delete.Parameters.AddWithValue(most);
        await using var reader = await session.ExecuteReaderAsync(delete, ct);
        return await ReadAllAsync(reader, ct);
    }

    /// <summary>A page of those that a filter finds, with their bodies.</summary>
    public static async Task<List<StoredParked>> PageAsync(
        NpgsqlDataSource database, string region, ParkedFilter filter, ParkedRange range, int most, CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            $"""
            select region, key, type, body, coalesce(source, '') || ' ' || coalesce(subject, ''), position from parked_events
            {ParkedFilter.Where} and position <= $9 order by position limit $10
            """);
        filter.AddTo(read, region, range.After);
        read.Parameters.AddWithValue(range.Last);
        read.Parameters.AddWithValue(most);
        await using var reader = await read.ExecuteReaderAsync(ct);
        return await ReadAllAsync(reader, ct);
    }

    /// <summary>How many a filter finds now, and the last of them.</summary>
    public static async Task<ParkedRange> RangeAsync(
        NpgsqlDataSource database, string region, ParkedFilter filter, CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            $"select count(*), coalesce(max(position), 0) from parked_events {ParkedFilter.Where}");
        filter.AddTo(read, region, filter.After);
        await using var reader = await read.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new ParkedRange(filter.After ?? 0, reader.GetInt64(1), reader.GetInt64(0));
    }

    /// <summary>A page of the list, in the order of positions.</summary>
    public static async Task<List<ParkedEvent>> ListAsync(
        NpgsqlDataSource database, string region, ParkedFilter filter, int number, int size, CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            $"""
            select id, type, source, subject, time, parked_at, reason, region, position from parked_events
            {ParkedFilter.Where} order by position limit $9 offset $10
            """);
        filter.AddTo(read, region, filter.After);
        read.Parameters.AddWithValue(size);
        read.Parameters.AddWithValue((number - 1) * (long)size);
        await using var reader = await read.ExecuteReaderAsync(ct);
        var page = new List<ParkedEvent>();
        while (await reader.ReadAsync(ct))
        {
            page.Add(new ParkedEvent(
                reader.GetString(0),
                Text(reader, 1),
                Text(reader, 2),
                Text(reader, 3),
                reader.IsDBNull(4) ? null : reader.GetFieldValue<DateTimeOffset>(4),
                reader.GetFieldValue<DateTimeOffset>(5),
                reader.GetString(6),
                reader.GetString(7) is { Length: > 0 } of ? of : null,
                reader.GetInt64(8)));
        }

        return page;
    }

    /// <summary>Those with an id; several sources may use the same one. At most 2: more than one is too many.</summary>
    public static async Task<List<StoredParked>> FindAsync(
        NpgsqlDataSource database, string region, string id, string? source, CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            """
            select region, key, type, body, '', position from parked_events
            where id = $1 and region in ($2, '') and ($3 is null or source = $3) order by position limit 2
            """);
        read.Parameters.AddWithValue(id);
        read.Parameters.AddWithValue(region);
        read.Parameters.Add(new NpgsqlParameter { Value = (object?)source ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        await using var reader = await read.ExecuteReaderAsync(ct);
        return await ReadAllAsync(reader, ct);
    }

    /// <summary>Writes why one failed again, and when.</summary>
    public static async Task FailedAgainAsync(
        NpgsqlDataSource database, StoredParked parked, string reason, DateTimeOffset at, CancellationToken ct)
    {
        await using var update = database.CreateCommand(
            "update parked_events set reason = $3, parked_at = $4 where region = $1 and key = $2");
        update.Parameters.AddWithValue(parked.Region);
        update.Parameters.AddWithValue(parked.Key);
        update.Parameters.AddWithValue(Storable(Short(reason)));
        update.Parameters.AddWithValue(at);
        await update.ExecuteNonQueryAsync(ct);
    }

    private static async Task<List<StoredParked>> ReadAllAsync(System.Data.Common.DbDataReader reader, CancellationToken ct)
    {
        var page = new List<StoredParked>();
        while (await reader.ReadAsync(ct))
        {
            var type = await reader.IsDBNullAsync(2, ct) ? null : reader.GetString(2);
            page.Add(new StoredParked(
                reader.GetString(0), reader.GetString(1), type, (byte[])reader[3], reader.GetString(4), reader.GetInt64(5)));
        }

        return page;
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static string Short(string reason) => reason.Length <= LongestReason ? reason : reason[..LongestReason] + "…";

    /// <summary>A text without what the database cannot store: NUL, and half of a surrogate pair.</summary>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(text))]
    public static string? Storable(string? text) =>
        text is null ? null : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace('\0', '\uFFFD');
}
