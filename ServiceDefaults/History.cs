using System.Net.Http.Headers;
using System.Net.Http.Json;
using JasperFx.Events;
using KkiMesh.Contracts;
using Marten;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>A part of a service's history.</summary>
/// <param name="Items">Its public events in the order in which they were recorded, as they were published.</param>
/// <param name="Next">Ask after this position next.</param>
/// <param name="Until">Up to which position there is history now; when <paramref name="Next"/> is there, that was all.</param>
public sealed record HistoryPage(IReadOnlyList<CloudEvent> Items, long Next, long Until);

internal static class HistoryEndpoints
{
    private const int LargestPage = 500;
    private const int MostTypes = 50;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Everything that the service has published, from the beginning; or a thread's part of it.</summary>
    public static void MapHistory(this RouteGroupBuilder service, string name) => service
        .MapGet("/events", Read)
        .WithTags("events")
        .WithSummary("Reads the events that this service has published, from the beginning or after a position, of all types or some, of all threads or one")
        .Produces<HistoryPage>()
        .ProducesProblem(400)
        .For(Roles.Integrator.WithScope($"events:{name}"), Roles.Partner, Roles.Operator);

    private static async Task<IResult> Read(
        string region, long? after, string[]? type, string? correlation, int? pageSize, IDocumentStore store, NpgsqlDataSource database, RelayedEvents events, TimeProvider time, CancellationToken ct)
    {
        if (after < 0)
            return Problems.Of(400, "A position is 0 or more.", "after");
        if (pageSize is < 1 or > LargestPage)
            return Problems.Of(400, $"A page has 1 to {LargestPage} events.", "pageSize");
        if (type is { Length: > MostTypes } || type?.Any(t => t.Length > 200 || t.Contains('\0', StringComparison.Ordinal)) == true)
            return Problems.Of(400, $"At most {MostTypes} types of at most 200 characters.", "type");

        if (correlation is { Length: 0 or > 200 } || correlation?.Contains('\0', StringComparison.Ordinal) == true)
            return Problems.Of(400, "A thread's id has 1 to 200 characters.", "correlation");

        var (from, size) = (after ?? 0, pageSize ?? 100);
        var until = await UntilAsync(database, ct);
        var names = events.StoredTypes(type);
        await using var session = store.QuerySession(region);
        IQueryable<IEvent> query = session.Events.QueryAllRawEvents().Where(e => e.Sequence > from && e.Sequence <= until && names.Contains(e.EventTypeName));
        if (correlation is not null)
            query = query.Where(e => e.CorrelationId == correlation);
        var stored = await query.OrderBy(e => e.Sequence).Take(size).ToListAsync(ct);
        var items = stored.SelectMany(events.Of).Where(e => type is null or [] || type.Contains(e.Type)).ToList();
        var next = stored.Count < size ? Math.Max(from, until) : stored[^1].Sequence;
        return Results.Json(new HistoryPage(items, next, until));
    }

    // Up to here no transaction is still open: nothing can appear behind a reader. It follows the newest event within moments.
    private static async Task<long> UntilAsync(NpgsqlDataSource database, CancellationToken ct)
    {
        var newest = await NumberAsync(database, "select coalesce(max(seq_id), 0) from mt_events", ct);
        for (var waited = TimeSpan.Zero; ; waited += TimeSpan.FromMilliseconds(50))
        {
            var safe = await NumberAsync(database, $"select coalesce(max(last_seq_id), 0) from mt_event_progression where name in ('HighWaterMark', '{Relay.Subscription}:All')", ct);
            if (safe >= newest || waited >= Patience)
                return safe;
            await Task.Delay(50, ct);
        }
    }

    private static async Task<long> NumberAsync(NpgsqlDataSource database, string sql, CancellationToken ct)
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }
}

/// <summary>Reads other services' histories.</summary>
internal sealed class HistoryReader(HttpClient http, ServiceToken token)
{
    private const int PageSize = 200;

    public async Task<HistoryPage> ReadAsync(string region, string publisher, IEnumerable<string> types, long after, CancellationToken ct)
    {
        var query = string.Concat(types.Select(t => $"&type={Uri.EscapeDataString(t)}"));
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{publisher}/{region}/{publisher}/events?after={after}&pageSize={PageSize}{query}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await token.GetAsync(ct));
        using var answer = await http.SendAsync(request, ct);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadFromJsonAsync<HistoryPage>(ContractJson.Options, ct) ?? throw new InvalidOperationException($"{publisher} has no history.");
    }
}
