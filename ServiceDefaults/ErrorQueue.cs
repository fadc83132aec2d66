using System.Text;
using Marten;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// How far a call is that settles many parked events; the last line has no <paramref name="IsGoingOn"/>.
/// </summary>
/// <param name="Total">How many the filter found when the call began.</param>
/// <param name="Done">How many were sent back and took effect, or were discarded.</param>
/// <param name="Failed">How many failed again and stay parked, with the new reason.</param>
/// <param name="Gone">How many somebody else settled meanwhile.</param>
/// <param name="Next">The position up to which the call has come: another one goes on after it.</param>
/// <param name="IsGoingOn">Whether more lines come.</param>
/// <param name="IsMore">Whether the filter found more than one call settles.</param>
/// <param name="Stopped">Why the call ended before its end, e.g. since the
/// database is out of reach; null otherwise.</param>
public sealed record SettledLine(
    long Total, long Done, long Failed, long Gone, long Next, bool IsGoingOn, bool IsMore = false, string? Stopped = null);

/// <summary>
/// What an operator does with the events that a service parked: look, send
/// back, discard; one, or all that a filter finds.
/// </summary>
internal sealed class ErrorQueue(Inbox inbox, IDocumentStore store, NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>The most events that one call settles.</summary>
    public const int MostSettled = 10_000;

    private const int PageSize = 100;
    private const int SideBySide = 8;

    /// <summary>A page of the region's parked events, the oldest first.</summary>
    public async Task<Page<ParkedEvent>> ListAsync(string region, ParkedFilter filter, Paging paging, CancellationToken ct)
    {
        Check(filter);
        var (number, size) = paging.Bounded();
        var items = await ParkedEvents.ListAsync(database, region, filter, number, size, ct);
        return new Page<ParkedEvent>(items, number, size, (await ParkedEvents.RangeAsync(database, region, filter, ct)).Count);
    }

    /// <summary>One of them, with its body as it came.</summary>
    /// <exception cref="RefusedException">404: there is none; 409: several
    /// sources have an event of this id.</exception>
    public async Task<StoredParked> FindAsync(string region, string id, string? source, CancellationToken ct)
    {
        // A part of the path may have any character.
        var found = id.Contains('\0', StringComparison.Ordinal)
            ? []
            : await ParkedEvents.FindAsync(database, region, id, source, ct);
        return found.Count switch
        {
            0 => throw new RefusedException(NotParked(id)),
            1 => found[0],
            _ => throw new RefusedException(
                new Refusal(StatusCodes.Status409Conflict, $"Several events {id} are parked: name the source, too.", "source")),
        };
    }

    /// <summary>Sends one back.</summary>
    /// <exception cref="RefusedException">404: there is none; 409: it failed
    /// again, and stays parked; 503: later.</exception>
    public async Task ResendAsync(string region, string id, string? source, CancellationToken ct)
    {
        var (isGone, reason) = await SendBackAsync(await FindAsync(region, id, source, ct), ct);
        if (isGone)
            throw new RefusedException(NotParked(id));
        if (reason is not null)
            throw new RefusedException(Refusal.Conflict($"It failed again and stays parked: {reason}"));
    }

    /// <summary>Takes one away for good; it counts as taken, so that nobody misses it.</summary>
    /// <exception cref="RefusedException">404: there is none.</exception>
    public async Task DiscardAsync(string region, string id, string? source, CancellationToken ct)
    {
        var found = await FindAsync(region, id, source, ct);
        await using var session = store.LightweightSession(region);
        await session.BeginTransactionAsync(ct);
        if (!await session.TakeOutAsync(found, ct))
            throw new RefusedException(NotParked(id));
        Remember(session, [found]);
        await session.SaveChangesAsync(ct);
    }

    /// <summary>What a call may settle; bounded.</summary>
    /// <exception cref="RefusedException">400: the filter does not fit, or is
    /// empty where not all are meant.</exception>
    public async Task<ParkedRange> RangeAsync(string region, ParkedFilter filter, bool isAll, CancellationToken ct)
    {
        Check(filter);
        if (filter.IsEmpty && !isAll)
            throw new RefusedException(new Refusal(StatusCodes.Status400BadRequest, "Say which: a filter, or all=true.", "all"));
        return await ParkedEvents.RangeAsync(database, region, filter, ct);
    }

    /// <summary>Sends back all that a filter finds: streams side by side, the events of each in their order.</summary>
    public async Task ResendAsync(
        string region, ParkedFilter filter, ParkedRange range, Func<SettledLine, Task> tell, CancellationToken ct)
    {
        var line = new SettledLine(range.Count, 0, 0, 0, range.After, IsGoingOn: true);
        while (line.Done + line.Failed + line.Gone < MostSettled
            && await PageAsync(line.Next) is { Count: > 0 } page)
        {
            var lanes = page.GroupBy(p => p.Lane.GetHashCode(StringComparison.Ordinal) & (SideBySide - 1));
            var outcomes = await Task.WhenAll(lanes.Select(InOrderAsync));
            foreach (var (isGone, reason) in outcomes.SelectMany(o => o))
            {
                line = isGone ? line with { Gone = line.Gone + 1 }
                    : reason is null ? line with { Done = line.Done + 1 }
                    : line with { Failed = line.Failed + 1 };
            }

            line = line with { Next = page[^1].Position };
            await tell(line);
        }

        await tell(line with { IsGoingOn = false, IsMore = line.Next < range.Last });

        Task<List<StoredParked>> PageAsync(long after) =>
            ParkedEvents.PageAsync(database, region, filter, range with { After = after }, PageSize, ct);

        async Task<List<(bool IsGone, string? Reason)>> InOrderAsync(IEnumerable<StoredParked> lane)
        {
            var outcomes = new List<(bool, string?)>();
            foreach (var parked in lane)
                outcomes.Add(await SendBackAsync(parked, ct));
            return outcomes;
        }
    }

    /// <summary>Discards all that a filter finds, a page a transaction.</summary>
    public async Task DiscardAsync(
        string region, ParkedFilter filter, ParkedRange range, Func<SettledLine, Task> tell, CancellationToken ct)
    {
        var line = new SettledLine(range.Count, 0, 0, 0, range.After, IsGoingOn: true);
        while (line.Done < MostSettled
            && await DiscardPageAsync(region, filter, range with { After = line.Next }, ct) is { Count: > 0 } page)
        {
            line = line with { Done = line.Done + page.Count, Next = page.Max(p => p.Position) };
            await tell(line);
        }

        var isMore = line.Done >= MostSettled && line.Next < range.Last;
        var gone = isMore ? 0 : Math.Max(0, range.Count - line.Done);
        await tell(line with { IsGoingOn = false, IsMore = isMore, Gone = gone });
    }

    private async Task<List<StoredParked>> DiscardPageAsync(
        string region, ParkedFilter filter, ParkedRange range, CancellationToken ct)
    {
        await using var session = store.LightweightSession(region);
        await session.BeginTransactionAsync(ct);
        var page = await session.TakeOutAsync(region, filter, range, PageSize, ct);
        Remember(session, page);
        await session.SaveChangesAsync(ct);
        return page;
    }

    private async Task<(bool IsGone, string? Reason)> SendBackAsync(StoredParked parked, CancellationToken ct)
    {
        try
        {
            return await inbox.SendBackAsync(parked, ct);
        }
        catch (PictureIsBuiltException)
        {
            throw new RefusedException(
                new Refusal(StatusCodes.Status503ServiceUnavailable, "The picture is being built from history; try again later."));
        }
    }

    private void Remember(IDocumentSession session, IEnumerable<StoredParked> discarded)
    {
        foreach (var parked in discarded.Where(p => p.Region.Length > 0))
            session.Store(new InboxRecord(parked.Key, parked.Type ?? "", time.GetUtcNow()));
    }

    private static void Check(ParkedFilter filter)
    {
        if (filter.Fault() is { } fault)
            throw new RefusedException(fault);
    }

    private static Refusal NotParked(string id) => new(StatusCodes.Status404NotFound, $"No event {id} is parked here.");
}

internal static class ErrorQueueEndpoints
{
    /// <summary>
    /// For operators only: they see ids and reasons, and the event itself only where they ask for it.
    /// </summary>
    public static void MapErrorQueue(this RouteGroupBuilder service)
    {
        var errors = service
            .AreaOfEvery("/errors", "errors", "Events that this service could not take; an operator settles them.")
            .Explains("id", "The event's id.")
            .Explains("source", "Who published it, where several parked events have this id.")
            .Explains("all", "Every parked event is meant; otherwise the filter has to say something.")
            .For(Roles.Operator).OfAnyRegion();
        errors.AddEndpointFilter(AnswerRefusals);
        errors.MapGet("/", ListAsync)
            .WithName("listErrors")
            .WithSummary("Lists the events that this service could not take, the oldest first, all or some").ProducesProblem(400);
        errors.MapGet("/{id}", ShowAsync)
            .WithName("showError")
            .WithSummary("Shows one of them as it came")
            .Produces<CloudEvent>(contentType: CloudEvent.ContentType).ProducesProblem(404).ProducesProblem(409).LogsAccess();
        errors.MapPost("/{id}/resend", ResendAsync)
            .WithName("resendError")
            .WithSummary("Has the service take one of them as new; if it fails again, it stays parked with the new reason")
            .ProducesProblem(404).ProducesProblem(409).LogsAccess()
            .DecidesOnNobody("events");
        errors.MapDelete("/{id}", DiscardAsync)
            .WithName("discardError")
            .WithSummary("Discards one of them for good").ProducesProblem(404).ProducesProblem(409).LogsAccess()
            .DecidesOnNobody("events");
        errors.MapPost("/resend", ResendManyAsync)
            .WithName("resendErrors")
            .WithSummary($"Has the service take as new what the filter finds, at most {ErrorQueue.MostSettled:N0}; lines of JSON tell how far it is")
            .Produces<SettledLine>(contentType: JsonLines.ContentType).ProducesProblem(400).LogsAccess()
            .DecidesOnNobody("events");
        errors.MapPost("/discard", DiscardManyAsync)
            .WithName("discardErrors")
            .WithSummary($"Discards what the filter finds for good, at most {ErrorQueue.MostSettled:N0}; lines of JSON tell how far it is")
            .Produces<SettledLine>(contentType: JsonLines.ContentType).ProducesProblem(400).LogsAccess()
            .DecidesOnNobody("events");
    }

    private static Task<Page<ParkedEvent>> ListAsync(
        string region, ErrorQueue queue, [AsParameters] ParkedFilter filter, [AsParameters] Paging paging, CancellationToken ct) =>
        queue.ListAsync(region, filter, paging, ct);

    private static async Task<ContentHttpResult> ShowAsync(
        string region, string id, string? source, ErrorQueue queue, CancellationToken ct)
    {
        var found = await queue.FindAsync(region, id, source, ct);
        return TypedResults.Content(Encoding.UTF8.GetString(found.Body), CloudEvent.ContentType);
    }

    private static async Task<NoContent> ResendAsync(string region, string id, string? source, ErrorQueue queue, CancellationToken ct)
    {
        await queue.ResendAsync(region, id, source, ct);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> DiscardAsync(string region, string id, string? source, ErrorQueue queue, CancellationToken ct)
    {
        await queue.DiscardAsync(region, id, source, ct);
        return TypedResults.NoContent();
    }

    private static Task ResendManyAsync(
        HttpContext http, string region, ErrorQueue queue, [AsParameters] ParkedFilter filter, bool? all) =>
        SettleAsync(http, region, queue, filter, all, queue.ResendAsync);

    private static Task DiscardManyAsync(
        HttpContext http, string region, ErrorQueue queue, [AsParameters] ParkedFilter filter, bool? all) =>
        SettleAsync(http, region, queue, filter, all, queue.DiscardAsync);

    // Here and not where all exceptions end: what is refused is in the access log, too.
    private static async ValueTask<object?> AnswerRefusals(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (RefusedException refused) when (refused.Refusal.Status < StatusCodes.Status500InternalServerError)
        {
            return Problems.Of(refused.Refusal);
        }
    }

    // What fails when lines are on their way is told by the last one.
    private static async Task SettleAsync(
        HttpContext http,
        string region,
        ErrorQueue queue,
        ParkedFilter filter,
        bool? all,
        Func<string, ParkedFilter, ParkedRange, Func<SettledLine, Task>, CancellationToken, Task> settle)
    {
        var range = await queue.RangeAsync(region, filter, all == true, http.RequestAborted);
        http.Response.ContentType = JsonLines.ContentType;
        var last = new SettledLine(range.Count, 0, 0, 0, range.After, IsGoingOn: true);
        await TellAsync(last);
        try
        {
            await settle(region, filter, range, TellAsync, http.RequestAborted);
        }
        catch (Exception e) when (Problems.Foreseen(e) is { } foreseen)
        {
            await TellAsync(last with { IsGoingOn = false, IsMore = true, Stopped = foreseen.Reason });
        }

        Task TellAsync(SettledLine line)
        {
            last = line;
            return http.Response.TellAsync(line, http.RequestAborted);
        }
    }
}
