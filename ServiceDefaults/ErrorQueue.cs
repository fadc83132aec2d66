using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using RabbitMQ.Client;

namespace KkiMesh.ServiceDefaults;

/// <summary>An event that a service could not take, with the reason.</summary>
/// <param name="Id">The event's id; of a body that is no CloudEvent, a hash of it.</param>
/// <param name="Type">The event's type; null where it cannot be read.</param>
/// <param name="Source">Who published it.</param>
/// <param name="Subject">Its stream.</param>
/// <param name="Time">When it happened.</param>
/// <param name="ParkedAt">When it was parked.</param>
/// <param name="Reason">Why, in a sentence.</param>
/// <param name="Region">The region; null where it cannot be read, so that any region's operator has to look.</param>
public sealed record ParkedEvent(
    string Id, string? Type, string? Source, string? Subject, DateTimeOffset? Time, string? ParkedAt, string Reason, string? Region)
{
    internal bool IsOf(string region) => Region is null || Region == region;
}

/// <summary>
/// What an operator does with the events that a service parked in its error queue: look, send back, discard. Each call
/// takes the queue's messages in hand for a moment; what it does not settle returns to its place.
/// </summary>
internal sealed class ErrorQueue(Func<CancellationToken, Task<IConnection>> connect, string service)
{
    private const int MostRead = 1000;
    private readonly string _queue = service + "_error";

    /// <summary>A page of the region's parked events, the oldest first. A queue is read from its beginning, so only its first 1,000 are looked at.</summary>
    public Task<Page<ParkedEvent>> List(string region, Paging paging, CancellationToken ct)
    {
        var (number, size) = paging.Bounded();
        if (number * size > MostRead)
            throw new RefusedException(new Refusal(StatusCodes.Status400BadRequest, $"Only the oldest {MostRead} are listed; settle some of them first.", "page"));
        return With(
            async channel =>
            {
                var parked = (await Read(channel, MostRead, ct)).Select(Describe).Where(p => p.IsOf(region)).ToList();
                return new Page<ParkedEvent>([.. parked.Skip((number - 1) * size).Take(size)], number, size, parked.Count);
            },
            new Page<ParkedEvent>([], number, size, 0),
            ct);
    }

    /// <summary>One of them, as it came; null where there is none.</summary>
    public Task<string?> Show(string region, string id, CancellationToken ct) => With(
        async channel => (await Find(channel, region, id, ct)) is { } found ? Encoding.UTF8.GetString(found.Body.Span) : null, null, ct);

    /// <summary>Sends it back to the service's own queue, and only then takes it from the error queue.</summary>
    public Task<bool> Resend(string region, string id, CancellationToken ct) => Settle(
        region,
        id,
        (channel, found) => channel.BasicPublishAsync("", service, mandatory: true, Clean(found.BasicProperties), found.Body, ct).AsTask(),
        ct);

    /// <summary>Takes it away for good.</summary>
    public Task<bool> Discard(string region, string id, CancellationToken ct) => Settle(region, id, (_, _) => Task.CompletedTask, ct);

    private Task<bool> Settle(string region, string id, Func<IChannel, BasicGetResult, Task> act, CancellationToken ct) => With(
        async channel =>
        {
            if (await Find(channel, region, id, ct) is not { } found)
                return false;
            await act(channel, found);
            await channel.BasicAckAsync(found.DeliveryTag, multiple: false, ct);
            return true;
        },
        false,
        ct);

    // Closing the channel gives back what was read and not acknowledged.
    private async Task<T> With<T>(Func<IChannel, Task<T>> work, T whenThereIsNoQueue, CancellationToken ct)
    {
        await using var connection = await connect(ct);
        if (!await Exists(connection, ct))
            return whenThereIsNoQueue;
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), ct);
        return await work(channel);
    }

    private async Task<bool> Exists(IConnection connection, CancellationToken ct)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: ct);
        try
        {
            await channel.QueueDeclarePassiveAsync(_queue, ct);
            return true;
        }
        catch (RabbitMQ.Client.Exceptions.OperationInterruptedException)
        {
            return false;
        }
    }

    private async Task<List<BasicGetResult>> Read(IChannel channel, int most, CancellationToken ct)
    {
        var messages = new List<BasicGetResult>();
        while (messages.Count < most && await channel.BasicGetAsync(_queue, autoAck: false, ct) is { } message)
            messages.Add(message);
        return messages;
    }

    private async Task<BasicGetResult?> Find(IChannel channel, string region, string id, CancellationToken ct) =>
        (await Read(channel, MostRead, ct)).Find(m => Describe(m) is var parked && parked.Id == id && parked.IsOf(region));

    private static ParkedEvent Describe(BasicGetResult message)
    {
        var reason = Header(message, "MT-Fault-Message") ?? "not known";
        var at = Header(message, "MT-Fault-Timestamp");
        try
        {
            var e = CloudEvent.Parse(message.Body.Span);
            return new ParkedEvent(e.Id, e.Type, e.Source, e.Subject, e.Time, at, reason, e.Region);
        }
        catch (InvalidCloudEventException)
        {
            return new ParkedEvent("sha-" + CommandEndpoints.Hash(Convert.ToBase64String(message.Body.Span))[..16], null, null, null, null, at, reason, null);
        }
    }

    private static string? Header(BasicGetResult message, string name) =>
        message.BasicProperties.Headers?.TryGetValue(name, out var value) != true ? null : value switch
        {
            byte[] text => Encoding.UTF8.GetString(text),
            AmqpTimestamp t => DateTimeOffset.FromUnixTimeSeconds(t.UnixTime).ToString("O", CultureInfo.InvariantCulture),
            _ => value?.ToString(),
        };

    private static BasicProperties Clean(IReadOnlyBasicProperties properties)
    {
        var clean = new BasicProperties(properties) { Persistent = true };
        clean.Headers = clean.Headers?.Where(h => !h.Key.StartsWith("MT-", StringComparison.Ordinal)).ToDictionary();
        clean.Headers ??= new Dictionary<string, object?>();
        clean.Headers[Inbox.SentBack] = "true";
        return clean;
    }
}

internal static class ErrorQueueEndpoints
{
    /// <summary>For operators only: they see ids and reasons, and the event itself only where they ask for it.</summary>
    public static void MapErrorQueue(this RouteGroupBuilder service)
    {
        var errors = service.MapGroup("/errors").WithTags("errors").For(Roles.Operator).OfAnyRegion();
        errors.MapGet("/", (string region, ErrorQueue queue, [AsParameters] Paging paging, CancellationToken ct) => queue.List(region, paging, ct))
            .WithSummary("Lists the events that this service could not take, the oldest first");
        errors.MapGet("/{id}", async Task<Results<ContentHttpResult, ProblemHttpResult>> (string region, string id, ErrorQueue queue, CancellationToken ct) =>
                await queue.Show(region, id, ct) is { } e ? TypedResults.Content(e, CloudEvent.ContentType) : NotParked(id))
            .WithSummary("Shows one of them as it came");
        errors.MapPost("/{id}/resend", async Task<Results<NoContent, ProblemHttpResult>> (string region, string id, ErrorQueue queue, CancellationToken ct) =>
                await queue.Resend(region, id, ct) ? TypedResults.NoContent() : NotParked(id))
            .WithSummary("Sends one of them back to the service");
        errors.MapDelete("/{id}", async Task<Results<NoContent, ProblemHttpResult>> (string region, string id, ErrorQueue queue, CancellationToken ct) =>
                await queue.Discard(region, id, ct) ? TypedResults.NoContent() : NotParked(id))
            .WithSummary("Discards one of them for good");
    }

    private static ProblemHttpResult NotParked(string id) =>
        TypedResults.Problem($"No event {id} is parked here.", statusCode: StatusCodes.Status404NotFound);
}
