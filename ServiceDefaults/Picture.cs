using System.Globalization;
using Marten;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>How far a service's picture of other services' facts is.</summary>
/// <param name="Id">There is one in a region.</param>
/// <param name="Build">Which building of it this is; a rebuild begins a new one.</param>
/// <param name="Building">Whether history is still being read. Meanwhile new events wait in the queue.</param>
/// <param name="Ready">Whether it has been whole once.</param>
/// <param name="Sources">How far each publisher's history is read.</param>
/// <param name="Since">When this building began.</param>
/// <param name="Format">The format that it is built in.</param>
public sealed record PictureState(
    string Id, Guid Build, bool Building, bool Ready, IReadOnlyDictionary<string, HistoryPosition> Sources, DateTimeOffset Since, int Format = 1);

/// <summary>How far one publisher's history is read.</summary>
/// <param name="Position">The publisher's position up to which everything is learnt.</param>
/// <param name="Until">Up to which it is read; what is later comes from the queue.
/// Null until the publisher has been asked.</param>
/// <param name="Learnt">How many events were learnt.</param>
/// <param name="After">The position as the publisher gave it; null at the beginning.</param>
/// <param name="Skipped">How many events could not be learnt: the log names the first of them, and the picture is without them.</param>
public sealed record HistoryPosition(long Position, long? Until, long Learnt, Position? After = null, long Skipped = 0)
{
    internal bool IsWhole => Position >= Until;
}

/// <summary>
/// The newest event of a stream that the picture has learnt: an older one that comes later is no news.
/// </summary>
internal sealed record LearntStream(string Id, long Sequence);

/// <summary>The picture is being built, or has to be, so its events wait.</summary>
internal class PictureIsBuiltException(string why = "The picture is being built from history.") : Exception(why);

/// <summary>
/// A service's picture: documents made of other services' events and of nothing else. It is built from their histories
/// at the first start and whenever an operator asks; the queue goes on from there. One lock keeps the two apart.
/// </summary>
internal sealed class Picture(MeshService service, Regions regions, KnownEpochs epochs)
{
    public const string StateId = "picture";

    private readonly Subscription[] _learnt = [.. service.Subscriptions.Where(s => s.IsLearnt)];

    /// <summary>The publishers that it learns from, and what.</summary>
    public ILookup<string, string> Sources => _learnt.ToLookup(s => s.Publisher, s => s.Type);

    /// <summary>The regions of which there is one.</summary>
    public IReadOnlyCollection<string> Regions => regions.Names;

    /// <summary>
    /// Lets an event of the queue in when the picture is whole, also one that is not learnt, since the reaction to it
    /// may read the picture; holds a rebuild off until the transaction ends.
    /// </summary>
    /// <exception cref="PictureIsBuiltException">It is being built.</exception>
    /// <exception cref="ReactionRefusedException">Nobody builds one for this
    /// region, so waiting would be for ever.</exception>
    public async Task EnterAsync(IDocumentSession session, CancellationToken ct)
    {
        if (_learnt.Length == 0)
        {
            await session.EnterFormatAsync(ct);
            return;
        }

        if (!Regions.Contains(session.TenantId))
            throw new ReactionRefusedException($"This service keeps no picture of {session.TenantId}: name it in Mesh:Regions, and send the event back.");
        await LockAsync(session, "pg_advisory_xact_lock_shared", ct);
        var state = await session.LoadAsync<PictureState>(StateId, ct);
        if (state?.Format > service.KnownReadModel)
            throw new NewerFormatException("The read model is of a newer version of the service: this one has to be upgraded");
        if (state is null || !IsBuilt(state))
            throw new PictureIsBuiltException();
        epochs.SeeBuild(session.TenantId, state.Build);
    }

    /// <summary>Whether it is whole, in the format that is known here.</summary>
    public bool IsBuilt(PictureState state) => !state.Building && state.Format == service.KnownReadModel;

    /// <summary>
    /// Whether this version has to build it: it is not whole, or older; a newer one is its own version's.
    /// </summary>
    public bool IsToBeBuilt(PictureState? state) => state is null || (state.Format <= service.KnownReadModel && !IsBuilt(state));

    /// <summary>Keeps everybody else out until the transaction ends.</summary>
    public static Task HoldAsync(IDocumentSession session, CancellationToken ct) => LockAsync(session, "pg_advisory_xact_lock", ct);

    /// <summary>Adds an event; an older one than is known of its stream changes nothing.</summary>
    /// <returns>False of such an older one.</returns>
    public async Task<bool> LearnAsync(IDocumentSession session, CloudEvent e, CancellationToken ct)
    {
        if (Array.Find(_learnt, s => s.Type == e.Type) is not { } subscription)
            return true;
        if (!long.TryParse(e.Sequence, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
        {
            subscription.Learn(e.Data, session);
            return true;
        }

        var stream = CommandEndpoints.Hash($"{e.Source}\n{e.Subject}");
        if (await session.LoadAsync<LearntStream>(stream, ct) is { } known && sequence < known.Sequence)
            return false;
        subscription.Learn(e.Data, session);
        session.Store(new LearntStream(stream, sequence));
        return true;
    }

    /// <summary>Throws everything away and begins anew.</summary>
    public PictureState Begin(IDocumentSession session, PictureState? before, DateTimeOffset now)
    {
        foreach (var delete in service.PictureDocuments)
            delete(session);
        session.DeleteWhere<LearntStream>(_ => true);
        var state = new PictureState(
            StateId, Guid.CreateVersion7(now), Building: true, before?.Ready ?? false, Sources.ToDictionary(s => s.Key, _ => new HistoryPosition(0, null, 0)), now,
            service.KnownReadModel);
        session.Store(state);
        return state;
    }

    private static async Task LockAsync(IDocumentSession session, string function, CancellationToken ct)
    {
        await session.BeginTransactionAsync(ct);
        await using var take = new NpgsqlCommand($"select {function}(hashtextextended($1, 0)), {StoredFormat.Enter}") { CommandTimeout = 120 };
        take.Parameters.AddWithValue($"{session.TenantId}/{StateId}");
        await session.ExecuteAsync(take, ct);
    }
}

/// <summary>
/// Builds the picture, a page of history a transaction, so that any replica goes on where one ended. When it is whole,
/// the service's own <c>WhenBuilt</c> runs in the last of them.
/// </summary>
internal sealed class PictureBuilder(
    MeshService service,
    Picture picture,
    HistoryReader history,
    IDocumentStore store,
    ServiceQueue queue,
    TimeProvider time,
    ILogger<PictureBuilder> log)
    : BackgroundService
{
    private const int MostTold = 20;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // From then on the queue keeps what is published; everything before is history.
        await queue.Declared.WaitAsync(stoppingToken);
        using var timer = new PeriodicTimer(Period);
        do
        {
            foreach (var region in picture.Regions)
                await BuildAsync(region, stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task BuildAsync(string region, CancellationToken ct)
    {
        try
        {
            while (await StepAsync(region, ct))
            {
            }
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            log.LogWarning("The picture of {Region} waits for history: {Reason}", region, e.Message);
        }
    }

    /// <returns>Whether there is more to do.</returns>
    private async Task<bool> StepAsync(string region, CancellationToken ct)
    {
        await using var session = store.LightweightSession(region);
        if (!picture.IsToBeBuilt(await session.LoadAsync<PictureState>(Picture.StateId, ct)))
            return false;
        await Picture.HoldAsync(session, ct);
        var state = await session.LoadAsync<PictureState>(Picture.StateId, ct);
        if (state is null || state.Format < service.KnownReadModel)
        {
            // Saved by itself, so that what is thrown away is gone when the first page is learnt.
            picture.Begin(session, state, time.GetUtcNow());
            await session.SaveChangesAsync(ct);
            log.LogInformation("The picture of {Region} is built in format {Format}", region, service.KnownReadModel);
            return true;
        }

        if (!picture.IsToBeBuilt(state))
            return false;

        // Whole at the beginning of a step: what is decided then reads documents that are saved.
        if (state.Sources.Values.All(s => s.IsWhole))
        {
            await CompleteAsync(session, state, region, ct);
            return false;
        }

        try
        {
            session.Store(state with { Sources = await LearnPageAsync(session, region, state.Sources, ct) });
        }
        catch (EpochEndedException)
        {
            // The publisher's database was restored meanwhile: what was read of it may be no history any more.
            session.EjectAllPendingChanges();
            picture.Begin(session, state, time.GetUtcNow());
        }

        await session.SaveChangesAsync(ct);
        return true;
    }

    private async Task<Dictionary<string, HistoryPosition>> LearnPageAsync(
        IDocumentSession session, string region, IReadOnlyDictionary<string, HistoryPosition> at, CancellationToken ct)
    {
        var sources = new Dictionary<string, HistoryPosition>(at);
        foreach (var (publisher, source) in at.Where(s => !s.Value.IsWhole))
        {
            var page = await history.ReadAsync(region, publisher, picture.Sources[publisher], source.After ?? Position.Beginning, ct);
            var skipped = source.Skipped;
            foreach (var e in page.Unreadable ?? [])
                LeaveOut(e.Type, e.Id, region, $"{publisher} cannot read it.", ++skipped);
            var unread = skipped - source.Skipped;
            foreach (var e in page.Items)
            {
                if (await WhyNotLearntAsync(session, e, ct) is { } reason)
                    LeaveOut(e.Type, e.Id, region, reason, ++skipped);
            }

            var learnt = source.Learnt + page.Items.Count - (skipped - source.Skipped - unread);
            sources[publisher] = new HistoryPosition(
                page.Next.Sequence,
                source.Until ?? page.Until.Sequence,
                learnt,
                page.Next,
                skipped);
        }

        return sources;
    }

    // What cannot be learnt now can it no better in a second, and all else would wait for it. It is not parked: sent back,
    // it would be reacted to once more.
    private async Task<string?> WhyNotLearntAsync(IDocumentSession session, CloudEvent e, CancellationToken ct)
    {
        try
        {
            await picture.LearnAsync(session, e, ct);
            return null;
        }
        catch (Exception problem) when (ClosedStreams.IsOfTheStream(problem))
        {
            return problem.Message;
        }
    }

    // The first ones are named, and all are counted.
    private void LeaveOut(string type, string id, string region, string reason, long number)
    {
        MeshTelemetry.Failure(type, "skipped");
        if (number <= MostTold)
            log.LogWarning("{Type} {Id} is left out of the picture of {Region}: {Reason}", type, id, region, reason);
    }

    private async Task CompleteAsync(IDocumentSession session, PictureState state, string region, CancellationToken ct)
    {
        var cause = new CloudEvent
        {
            Id = state.Build.ToString(),
            Source = $"/{region}/{service.Name}",
            Type = "kki.mesh.picture-built",
            Region = region,
            Time = time.GetUtcNow(),
        };
        if (service.Built is { } built)
            await built(new Reaction(session, cause, $"{service.Name}.when-built", time, ct) { OnClosed = refused => Skipped(region, refused) });
        session.Store(state with { Building = false, Ready = true });
        await session.SaveChangesAsync(ct);
        log.LogInformation("The picture of {Region} is whole: {Learnt} events learnt", region, state.Sources.Values.Sum(s => s.Learnt));
    }

    // Nothing is decided on a stream that is closed until it is mended; the others go on.
    private void Skipped(string region, RefusedException refused) =>
        log.LogWarning("The picture of {Region} is whole, but for a stream that is closed: {Reason}", region, refused.Message);
}

/// <summary>A service is ready when its picture has been whole once.</summary>
internal sealed class PictureCheck(IDocumentStore store, Picture picture) : IHealthCheck
{
    private volatile bool _ready;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (_ready)
            return HealthCheckResult.Healthy();
        try
        {
            foreach (var region in picture.Regions)
            {
                await using var session = store.QuerySession(region);
                if (await session.LoadAsync<PictureState>(Picture.StateId, cancellationToken) is not { Ready: true })
                    return HealthCheckResult.Unhealthy($"The picture of {region} is being built.");
            }

            _ready = true;
            return HealthCheckResult.Healthy();
        }
        catch (Exception e) when (Faults.IsOutage(e))
        {
            return HealthCheckResult.Unhealthy("The database does not answer.");
        }
    }
}

internal static class PictureEndpoints
{
    /// <summary>For operators: how far the picture is, and building it anew.</summary>
    public static void MapPicture(this RouteGroupBuilder service)
    {
        var group = service
            .AreaOfEvery("/picture", "picture", "What this service has learnt from the events of the others.")
            .For(Roles.Operator);
        group.MapGet("/", Get)
            .WithName("showPicture")
            .WithSummary("Shows how far this service's picture of other services' facts is")
            .Produces<PictureState>().ProducesProblem(404);
        group.MapPost("/rebuild", Rebuild)
            .WithName("rebuildPicture")
            .WithSummary("Throws the picture away and builds it anew from the other services' histories; new events wait meanwhile")
            .Produces<PictureState>(StatusCodes.Status202Accepted).ProducesProblem(409)
            .LogsAccess()
            .DecidesOnNobody("events");
    }

    private static async Task<IResult> Get(string region, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<PictureState>(Picture.StateId, ct) is { } state ? Results.Ok(state) : None(region);
    }

    private static async Task<IResult> Rebuild(string region, Picture picture, IDocumentStore store, TimeProvider time, CancellationToken ct)
    {
        await using var session = store.LightweightSession(region);
        await Picture.HoldAsync(session, ct);
        if (await session.LoadAsync<PictureState>(Picture.StateId, ct) is not { } before)
            return None(region);
        if (before.Building)
            return Problems.Of(Refusal.Conflict("The picture is being built already."));
        var state = picture.Begin(session, before, time.GetUtcNow());
        await session.SaveChangesAsync(ct);
        return Results.Accepted(value: state);
    }

    private static IResult None(string region) => Problems.Of(Refusal.NotFound($"This service has no picture of {region}."));
}
