using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace KkiMesh.ServiceDefaults;

/// <summary>How far publishing again is.</summary>
/// <param name="Published">How many events the broker has confirmed.</param>
/// <param name="Next">The position up to which they are; ask after it to go on where this one ended.</param>
/// <param name="Until">The position at which it ends.</param>
/// <param name="IsDone">Whether that was all.</param>
/// <param name="Unreadable">How many events cannot be read and were left out; the history names them.</param>
public sealed record RepublishLine(int Published, Position Next, Position Until, bool IsDone, int Unreadable = 0);

/// <summary>
/// Publishes history again: to all that are bound to the exchange, or to one queue. Who has taken
/// an event before does nothing, since it has the same id.
/// </summary>
internal sealed class Republisher(Func<CancellationToken, Task<IConnection>> connect, IServiceProvider services)
{
    /// <summary>Whether the broker has this queue.</summary>
    public async Task<bool> HasQueueAsync(string queue, CancellationToken ct)
    {
        await using var connection = await connect(ct);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: ct);
        try
        {
            await channel.QueueDeclarePassiveAsync(queue, ct);
            return true;
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode is Constants.NotFound or Constants.ResourceLocked)
        {
            // One that is another connection's own is there.
            return e.ShutdownReason.ReplyCode == Constants.ResourceLocked;
        }
    }

    /// <summary>A channel of its own: the relay goes on meanwhile.</summary>
    public RelayChannel Open() =>
        new(connect, (_, _) => Task.CompletedTask, services.GetRequiredService<ILogger<RelayChannel>>());
}

internal static class RepublishEndpoints
{
    private const int MaxPage = 100;
    private const int PagesPerSecond = 5;
    private const int MaxRate = 5000;
    private const int DefaultRate = 500;
    private static readonly TimeSpan ConfirmPatience = TimeSpan.FromSeconds(20);

    /// <summary>For operators, with progress.</summary>
    public static void MapRepublish(this RouteGroupBuilder events) => events
        .MapPost("/republish", Handle)
        .WithName("republishEvents")
        .WithSummary("Publishes the history again, to everybody or to one queue; a line of JSON after each page")
        .Produces<RepublishLine>(contentType: JsonLines.ContentType)
        .ProducesProblem(404)
        .For(Roles.Operator)
        .LogsAccess()
        .DecidesOnNobody("events");

    private static async Task<IResult> Handle(
        string region,
        [Bounds(1, Position.MaxLength)] string? after,
        [FromQuery, Bounds(0, HistoryEndpoints.MaxTypes), EachLength(1, 200)] string[]? type,
        [Bounds(1, 255)] string? to,
        [Bounds(1, MaxRate)] int? perSecond,
        HttpContext http,
        History history,
        Republisher republisher,
        CancellationToken ct)
    {
        if (HistoryEndpoints.Fault(after, type, out var position, out var types) is { } fault)
            return fault;
        if (perSecond is < 1 or > MaxRate)
            return Problems.Of(400, $"At most {MaxRate} events a second are published again.", "perSecond");
        if (to is { Length: 0 or > 255 })
            return Problems.Of(400, "A queue's name has 1 to 255 characters.", "to");
        if (to is not null && !await republisher.HasQueueAsync(to, ct))
            return Problems.Of(404, $"The broker has no queue {to}.", "to");
        try
        {
            await history.CheckAsync(position, ct);
        }
        catch (EpochEndedException ended)
        {
            return HistoryEndpoints.Gone(ended.Message, ended.GoOn);
        }

        http.Response.ContentType = JsonLines.ContentType;
        await using var channel = republisher.Open();
        var rate = perSecond ?? DefaultRate;
        var query = new HistoryQuery(position, types, Math.Clamp(rate / PagesPerSecond, 1, MaxPage));
        await PublishAsync(region, query, to, rate, history, channel, http.Response, ct);
        return Results.Empty;
    }

    // To the newest event of the beginning: what comes meanwhile is published in any case.
    private static async Task PublishAsync(
        string region, HistoryQuery query, string? to, int perSecond, History history, RelayChannel channel, HttpResponse response, CancellationToken ct)
    {
        Position? end = null;
        for (int published = 0, unreadable = 0; ;)
        {
            var started = Stopwatch.GetTimestamp();
            var page = await history.ReadAsync(region, query, ct);
            end ??= page.Until;
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
            patience.CancelAfter(ConfirmPatience);
            await channel.PublishAsync(page.Items, to, patience.Token);
            published += page.Items.Count;
            unreadable += page.Unreadable?.Count ?? 0;
            var isDone = page.Next.Sequence >= end.Value.Sequence;
            await response.TellAsync(new RepublishLine(published, page.Next, end.Value, isDone, unreadable), ct);
            if (isDone)
                return;
            query = query with { After = page.Next };
            var inTime = TimeSpan.FromSeconds((double)page.Items.Count / perSecond);
            if (inTime - Stopwatch.GetElapsedTime(started) is { Ticks: > 0 } early)
                await Task.Delay(early, ct);
        }
    }
}
