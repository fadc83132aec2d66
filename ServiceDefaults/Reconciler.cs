using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using KkiMesh.Contracts;
using Marten;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// How far a publisher's history is known to have been taken here. What a broker lost behind it is found.
/// </summary>
/// <param name="Id">The publisher; the region is the tenant.</param>
/// <param name="Position">Up to here everything was taken, or parked.</param>
/// <param name="Epoch">The publisher's epoch; empty while nothing is known of it.</param>
/// <param name="Ended">The epochs before it, the newest last.</param>
internal sealed record VerifiedPosition(string Id, Position Position, string Epoch, IReadOnlyList<string> Ended);

/// <summary>Up to where a publisher's history is to be compared.</summary>
/// <param name="Region">The region.</param>
/// <param name="Publisher">The service.</param>
/// <param name="Until">The broker had confirmed everything up to here before the comparison was asked for.</param>
internal sealed record Comparison(string Region, string Publisher, Position Until);

/// <summary>
/// Compares what this service has taken with its publishers' histories, and takes what is missing: a broker is a
/// messenger, and may lose what it confirmed. Once a minute, and when a connection returns, a replica puts a request at
/// the end of the service's own queue. When that is delivered, all that was published before has been delivered, too,
/// and so what is neither taken nor parked nor in hand is lost.
/// </summary>
internal sealed class Reconciler(
    MeshService service,
    Regions regions,
    HistoryReader history,
    Inbox inbox,
    Picture picture,
    KnownEpochs epochs,
    Bindings bindings,
    IDocumentStore store,
    TimeProvider time,
    ILogger<Reconciler> log)
{
    /// <summary>The type of the request; it is no public event and leaves the queue for nobody else.</summary>
    public const string Request = "kki.mesh.reconciliation-requested.v1";

    private const int PageSize = 1000;
    private const int MaxPages = 50;
    private const int FetchSize = 50;
    // Publishers that are asked side by side.
    private const int MostAsked = 4;
    // Ten minutes, in milliseconds: later requests ask for the same.
    private const string Expiration = "600000";
    private const int FirstFailures = 12;
    private const int MaxEnded = 20;
    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(10);
    private readonly ILookup<string, string> _publishers = service.Subscriptions.ToLookup(s => s.Publisher, s => s.Type);
    private readonly ConcurrentDictionary<(string Region, string Publisher), bool> _unreachable = [];
    private int _failures;

    /// <summary>
    /// Ends when somebody wants to know sooner than in a minute: an event names an epoch that is not known.
    /// </summary>
    public Task AskedAtOnceAsync(CancellationToken ct) => epochs.AskedAsync(ct);

    /// <summary>
    /// Asks all publishers how far they are, and puts a request into the queue if there is something to compare.
    /// </summary>
    /// <returns>Whether all of them answered, or have not for a while: then it is
    /// enough to ask again in a minute.</returns>
    public async Task<bool> AskAsync(IConnection connection, CancellationToken ct)
    {
        var comparisons = new ConcurrentBag<Comparison>();
        var failed = false;
        var all = regions.Names.SelectMany(region => _publishers.Select(p => (Region: region, Publisher: p.Key)));
        // One that hangs delays the others little.
        await Parallel.ForEachAsync(all, new ParallelOptions { MaxDegreeOfParallelism = MostAsked, CancellationToken = ct }, async (of, stop) =>
        {
            try
            {
                if (await CompareUntilAsync(of.Region, of.Publisher, stop) is { } until)
                    comparisons.Add(new Comparison(of.Region, of.Publisher, until));
                if (_unreachable.TryRemove(of, out _))
                    log.LogInformation("The history of {Publisher} in {Region} is compared again", of.Publisher, of.Region);
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                failed = true;
                if (_unreachable.TryAdd(of, true))
                    log.LogInformation("The history of {Publisher} in {Region} is compared later: {Reason}", of.Publisher, of.Region, e.Message);
            }
        });

        if (!comparisons.IsEmpty)
            await RequestAsync(connection, [.. comparisons], ct);
        _failures = failed ? _failures + 1 : 0;
        return _failures is 0 or >= FirstFailures;
    }

    /// <summary>
    /// Reads a request. Only this service sends it, but whoever may write to its queue could send another one, which
    /// must not keep the queue from going on.
    /// </summary>
    /// <returns>What is to be compared; null, with the reason, if it cannot be read.</returns>
    public static IReadOnlyList<Comparison>? Read(CloudEvent request, out string? fault)
    {
        fault = "It is no request to compare histories.";
        try
        {
            var comparisons = request.Data.Deserialize<Comparison?[]>(ContractJson.Options);
            if (comparisons is null || comparisons.Contains(null))
                return null;
            fault = null;
            return comparisons!;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Compares what a request asks for, and takes what is missing.</summary>
    /// <param name="request">The request.</param>
    /// <param name="inHand">What was delivered before it and is not finished, as
    /// <c>source\nid</c>: not missing, and not taken.</param>
    /// <param name="ct">The delivery is given up.</param>
    public async Task HandleAsync(IReadOnlyList<Comparison> request, IReadOnlySet<string> inHand, CancellationToken ct)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(ct);
        end.CancelAfter(LongestRun);
        foreach (var comparison in request)
        {
            try
            {
                await CompareAsync(comparison, inHand, end.Token);
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                log.LogInformation(
                    "The history of {Publisher} in {Region} is compared again in a minute: {Reason}",
                    comparison.Publisher,
                    comparison.Region,
                    e.Message);
            }
        }
    }

    /// <returns>Null: there is nothing to compare.</returns>
    private async Task<Position?> CompareUntilAsync(string region, string publisher, CancellationToken ct)
    {
        var known = await LoadAsync(region, publisher, ct);
        try
        {
            var asked = known?.Position ?? Position.Beginning;
            var index = await ReadIdsAsync(region, publisher, asked, 1, ct);
            epochs.Asked(region, publisher);
            // The beginning is a position of every epoch.
            if (known?.Epoch is { Length: > 0 } before && index.Until.Epoch != "" && index.Until.Epoch != before)
                throw new EpochEndedException(asked, Position.Beginning);
            // From here on the queue keeps what is published: what came before is the read model's.
            if (known is null || (known.Epoch == "" && index.Until.Epoch != ""))
            {
                var position = new VerifiedPosition(publisher, known?.Position ?? index.Until, index.Until.Epoch, known?.Ended ?? []);
                await StoreAsync(region, position, ct);
            }

            return known is null || index.Until == known.Position ? null : index.Until;
        }
        catch (EpochEndedException ended)
        {
            await BeginEpochAsync(region, publisher, ended, ct);
            return null;
        }
    }

    private async Task RequestAsync(IConnection connection, List<Comparison> comparisons, CancellationToken ct)
    {
        var request = new CloudEvent
        {
            Id = Guid.CreateVersion7().ToString(),
            Source = $"/{comparisons[0].Region}/{service.Name}",
            Type = Request,
            Region = comparisons[0].Region,
            Time = time.GetUtcNow(),
            Data = JsonSerializer.SerializeToElement(comparisons, ContractJson.Options),
        };
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), ct);
        var properties = new BasicProperties { ContentType = CloudEvent.ContentType, MessageId = request.Id, Expiration = Expiration };
        var body = JsonSerializer.SerializeToUtf8Bytes(request);
        await channel.BasicPublishAsync("", service.Name, mandatory: true, properties, body, ct);
    }

    private async Task CompareAsync(Comparison comparison, IReadOnlySet<string> inHand, CancellationToken ct)
    {
        try
        {
            await ComparePagesAsync(comparison, inHand, ct);
        }
        catch (EpochEndedException ended)
        {
            await BeginEpochAsync(comparison.Region, comparison.Publisher, ended, ct);
        }
    }

    private async Task ComparePagesAsync(Comparison comparison, IReadOnlySet<string> inHand, CancellationToken ct)
    {
        var (region, publisher, until) = comparison;
        var source = $"/{region}/{publisher}";
        // Beside another version: what only that one takes is not settled by this one.
        var others = (await bindings.OthersAsync(ct)).Where(t => Subscription.PublisherOf(t) == publisher).ToList();
        for (var pages = 0; pages < MaxPages; pages++)
        {
            if (await LoadAsync(region, publisher, ct) is not { } known || known.Position.Sequence >= until.Sequence)
                return;
            // The publisher was restored since it was asked for: the next one asks in the new epoch.
            if (known.Epoch != "" && until.Epoch != "" && known.Epoch != until.Epoch)
                return;
            var index = await ReadIdsAsync(region, publisher, known.Position, PageSize, ct, others);
            var items = index.Items.Where(i => i.Position.Sequence <= until.Sequence).ToList();
            var have = await inbox.KnownAsync(region, [.. items.Select(i => (source, i.Id))], ct);
            var missing = items.Where(i => !have.Contains($"{source}\n{i.Id}")).ToList();
            var waits = missing.Find(i => others.Contains(i.Type) || inHand.Contains($"{source}\n{i.Id}"));
            await TakeAsync(comparison, known.Position, [.. missing.TakeWhile(i => i != waits).Select(i => i.Id)], ct);
            // What is in hand may still fail; everything before it is settled.
            var verified = waits is not null ? items.Take(items.IndexOf(waits)).LastOrDefault()?.Position ?? known.Position
                : index.Next.Sequence < until.Sequence ? index.Next : until;
            await StoreAsync(region, known with { Position = verified }, ct);
            if (waits is not null)
                return;
        }
    }

    private async Task TakeAsync(Comparison comparison, Position after, IReadOnlyList<string> ids, CancellationToken ct)
    {
        var taken = 0;
        foreach (var chunk in ids.Chunk(FetchSize))
        {
            var page = await history.ReadAsync(comparison.Region, comparison.Publisher, _publishers[comparison.Publisher], after, chunk, ct);
            // Settled: it comes no sooner by waiting, and all that follows would wait with it.
            foreach (var e in (page.Unreadable ?? []).Where(e => chunk.Contains(e.Id)))
            {
                log.LogError(
                    "{Type} {Id} cannot be read at {Publisher} and was not taken", e.Type, e.Id, comparison.Publisher);
            }

            foreach (var e in page.Items.Where(e => chunk.Contains(e.Id)))
                taken += await inbox.HandleAsync(e, ct) == TakenAs.New ? 1 : 0;
        }

        if (taken == 0)
            return;
        MeshTelemetry.Reconciled(comparison.Publisher, taken);
        log.LogWarning(
            "{Events} events of {Publisher} in {Region} had not come; they were taken from its history",
            taken,
            comparison.Publisher,
            comparison.Region);
    }

    /// <summary>
    /// The publisher's database was restored: what was learnt from it is made again, and comparing
    /// goes on from what both of its epochs have in common.
    /// </summary>
    private async Task BeginEpochAsync(string region, string publisher, EpochEndedException ended, CancellationToken ct)
    {
        var newest = (await ReadIdsAsync(region, publisher, Position.Beginning, 1, ct)).Until;
        await using var session = store.LightweightSession(region);
        await Picture.HoldAsync(session, ct);
        // Another replica may have been first.
        if (await session.LoadAsync<VerifiedPosition>(publisher, ct) is not { } known || known.Position != ended.Asked)
            return;
        // Nothing in common is known where a restore left no trace: then only
        // what the broker loses from now on is found. Who had nothing yet misses all that is there.
        var position = ended.GoOn.IsBeginning && !ended.Asked.IsBeginning ? newest : ended.GoOn;
        var before = known.Ended.Append(known.Epoch).Where(e => e != newest.Epoch).Distinct().TakeLast(MaxEnded);
        session.Store(new VerifiedPosition(publisher, position, newest.Epoch, [.. before]));
        var isLearnt = picture.Sources.Contains(publisher);
        if (isLearnt && await session.LoadAsync<PictureState>(Picture.StateId, ct) is { } state)
            picture.Begin(session, state, time.GetUtcNow());
        await session.SaveChangesAsync(ct);
        epochs.Forget(region, publisher);
        log.LogWarning(
            "The database of {Publisher} was restored ({Region}): history is the same up to {Position}; what was learnt from it is made again",
            publisher,
            region,
            ended.GoOn);
    }

    private Task<HistoryIndex> ReadIdsAsync(
        string region, string publisher, Position after, int pageSize, CancellationToken ct, IEnumerable<string>? others = null) =>
        history.ReadIdsAsync(region, publisher, _publishers[publisher].Concat(others ?? []), after, pageSize, service.Name, ct);

    private async Task<VerifiedPosition?> LoadAsync(string region, string publisher, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<VerifiedPosition>(publisher, ct);
    }

    private async Task StoreAsync(string region, VerifiedPosition position, CancellationToken ct)
    {
        await using var session = store.LightweightSession(region);
        await session.EnterFormatAsync(ct);
        session.Store(position);
        await session.SaveChangesAsync(ct);
        epochs.Forget(region, position.Id);
    }
}
