using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Marten;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// What a reaction works with: the event that it answers is its cause, and whatever it decides is
/// saved together with the inbox record, in one transaction.
/// </summary>
public sealed class Reaction
{
    private readonly Cause _cause;
    private readonly CancellationToken _ct;
    private readonly TimeProvider _time;

    internal Reaction(IDocumentSession session, CloudEvent e, string name, TimeProvider time, CancellationToken ct, bool isSuperseded = false)
    {
        IsSuperseded = isSuperseded;
        (Session, Event, _time, _ct) = (session, e, time, ct);
        _cause = new Cause(e.Region!, name, ServiceDefaults.Cause.Service, e.Id, e.CorrelationId);
    }

    /// <summary>The transaction; for documents of the service's own read models.</summary>
    public IDocumentSession Session { get; }

    /// <summary>The event as it came.</summary>
    public CloudEvent Event { get; }

    /// <summary>
    /// Whether the picture knew a newer event of this stream already: this one comes late (it was
    /// parked and sent back, or a rebuild has read on past it), and what it says may hold no more.
    /// Never where the service learns nothing of the stream.
    /// </summary>
    public bool IsSuperseded { get; }

    /// <summary>What is done instead where a stream is closed until it is mended; null: the event is parked.</summary>
    internal Action<RefusedException>? OnClosed { get; init; }

    /// <summary>Now, UTC.</summary>
    public DateTimeOffset Now => _time.GetUtcNow();

    /// <summary>The day that the event counts for, in Europe/Ljubljana.</summary>
    public DateOnly Date => BusinessDate.Of(Event.Time ?? Now);

    /// <summary>Given up: the service stops, or the delivery goes back to the queue.</summary>
    public CancellationToken Cancelled => _ct;

    /// <summary>
    /// Waits until no other reaction of this region decides alone, and keeps the others waiting until this transaction
    /// ends. For who decides on the whole picture: of two side by side, neither would see what the other one learns.
    /// </summary>
    public Task AloneAsync() => Session.TakeTurnsAsync(["picture/alone"], _ct);

    /// <summary>Decides on a stream. A refusal parks the event with the refusal's reason.</summary>
    /// <param name="stream">Its key.</param>
    /// <param name="decide">What happens.</param>
    /// <param name="orElse">What happens where there is no such stream; by default the event is parked.</param>
    /// <param name="thread">The thread that it belongs to, where that is not the event's.</param>
    public async Task On<T>(object stream, Func<T, Decision> decide, Func<Decision>? orElse = null, string? thread = null)
        where T : class, IAggregate<T>
    {
        try
        {
            Accept(await Session.DecideAsync(
                stream.ToString()!,
                (T? state) => state is null ? orElse?.Invoke() ?? Refusal.NotFound<T>(stream, Event.Region!) : decide(state),
                Cause(thread),
                _time,
                _ct));
        }
        catch (RefusedException refused) when (OnClosed is not null)
        {
            OnClosed(refused);
        }
    }

    /// <summary>The same on a stream and a part of it, which is null where there is none yet.</summary>
    public async Task On<T, TPart>(object stream, object part, Func<T, TPart?, Decision> decide, Func<Decision>? orElse = null, string? thread = null)
        where T : class, IAggregate<T>
        where TPart : class, IPart<TPart> =>
        Accept(await Session.DecideAsync<T, TPart>(
            stream.ToString()!,
            part.ToString()!,
            (state, of) => state is null ? orElse?.Invoke() ?? Refusal.NotFound<T>(stream, Event.Region!) : decide(state, of),
            Cause(thread),
            _time,
            _ct));

    /// <summary>The same on two parts of different kinds.</summary>
    public async Task On<T, TPart, TOther>(object stream, object part, object other, Func<T, TPart?, TOther?, Decision> decide)
        where T : class, IAggregate<T>
        where TPart : class, IPart<TPart>
        where TOther : class, IPart<TOther> =>
        Accept(await Session.DecideAsync<T, TPart, TOther>(
            stream.ToString()!,
            part.ToString()!,
            other.ToString()!,
            (state, of, beside) => state is null ? Refusal.NotFound<T>(stream, Event.Region!) : decide(state, of, beside),
            _cause,
            _time,
            _ct));

    private Cause Cause(string? thread) => thread is null ? _cause : _cause with { CorrelationId = thread };

    private static void Accept(Decision decision)
    {
        if (decision.Refusal is { } refusal)
            throw new ReactionRefusedException(refusal.Reason);
    }
}

/// <summary>A reaction cannot be carried out as things are: an operator has to look.</summary>
/// <param name="message">Why; it is kept with the parked event, so a long one is cut.</param>
public sealed class ReactionRefusedException(string message) : Exception(message.Length > 1000 ? message[..1000] + "…" : message);

/// <summary>An event that has taken effect here, or is parked: event and consumer.</summary>
/// <param name="Id">Hash of source and event id; the region is the tenant, the database the consumer.</param>
/// <param name="Type">The event's type, for operators.</param>
/// <param name="At">When.</param>
internal sealed record InboxRecord(string Id, string Type, DateTimeOffset At)
{
    /// <summary>How old an event may be that is taken.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    /// <summary>How long records are kept: longer, since a publisher's clock and this one's may differ.</summary>
    public static readonly TimeSpan Kept = Longest + TimeSpan.FromDays(1);

    /// <summary>
    /// The id of an event's record, the same for each contract under which it is published: who changes over to a newer
    /// one does not take it twice.
    /// </summary>
    public static string KeyOf(string source, string id) => CommandEndpoints.Hash($"{source}\n{Stored(id)}");

    // An older contract's version follows a dot, e.g. .v1.
    internal static string Stored(string id) =>
        id.Split('.') is [var stored, ['v', .. var version]] && Guid.TryParse(stored, out _)
        && int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? stored
            : id;
}

/// <summary>What became of an event.</summary>
internal enum TakenAs
{
    /// <summary>It has taken effect.</summary>
    New,

    /// <summary>It had taken effect before, or is parked already: nothing happened.</summary>
    Duplicate,

    /// <summary>It is parked, with the reason.</summary>
    Parked,
}

/// <summary>An outage lasted longer than one waits; the event is as it was, and is to be handed over again.</summary>
internal sealed class StillOutException(Exception outage)
    : Exception("An outage is no fault of the event: it is to be handed over again.", outage);

/// <summary>Takes events: each once, through outages of the database; what cannot be taken is parked.</summary>
internal sealed class Inbox(
    MeshService service,
    IDocumentStore store,
    NpgsqlDataSource database,
    DatabaseSettings settings,
    Picture picture,
    KnownEpochs epochs,
    Bindings bindings,
    HistoryReader history,
    TimeProvider time,
    ILogger<Inbox> log)
    : IDisposable
{
    /// <summary>The most events that can be asked for at once.</summary>
    public const int MostKnown = 5000;

    private const int MostWorkers = 16;
    private const int MaxAttempts = 5;
    private const int MaxConflicts = 50;
    private const string Database = "";

    /// <summary>How long one that waits trusts in another's try: that one may meet a fault of its own.</summary>
    private static readonly TimeSpan LongestTrust = TimeSpan.FromSeconds(15);

    /// <summary>How long an event waits here for another version: then the queue is handed to that one.</summary>
    private static readonly TimeSpan OtherVersionPatience = TimeSpan.FromSeconds(20);

    // As many attempts of reactions go on at once, each on a connection of its
    // own. The other half is for commands and reads.
    private readonly SemaphoreSlim _workers = new(Math.Min(MostWorkers, settings.PoolSize / 2));
    private readonly Waits _waits = new();
    private readonly Dictionary<string, Subscription> _subscriptions = service.Subscriptions.ToDictionary(s => s.Type);

    /// <summary>
    /// Takes an event the whole way: it waits through outages, tries a fault again, and parks what cannot be taken. The
    /// order of a stream is the caller's matter: one event of it after the other.
    /// </summary>
    /// <exception cref="StillOutException">An outage lasted too long.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up. The event may have taken effect.</exception>
    public Task<TakenAs> HandleAsync(CloudEvent e, CancellationToken ct) =>
        HandleAsync(e, () => JsonSerializer.SerializeToUtf8Bytes(e), isBrief: false, ct);

    /// <summary>The same of a delivery.</summary>
    /// <param name="e">The event.</param>
    /// <param name="body">Gives the body as it came.</param>
    /// <param name="isBrief">Whether a fault is tried once and without pauses: the event before it was parked.</param>
    /// <param name="ct">Gives up.</param>
    public async Task<TakenAs> HandleAsync(CloudEvent e, Func<byte[]> body, bool isBrief, CancellationToken ct)
    {
        using var activity = MeshTelemetry.Continue($"{service.Name} on {e.Type}", ActivityKind.Consumer, e.TraceParent);
        var pauses = new Backoff(TimeSpan.FromMilliseconds(50));

        // Nearly every event is new, and one that is not cannot be saved twice: so
        // it is looked for only when something failed.
        var looks = isBrief;
        for (var faults = 0; ;)
        {
            try
            {
                return await WaitThroughAsync(e, () => Faults.DecidingAnew(() => TakeAsync(e, looks, ct), MaxConflicts, Lost, ct), ct);
            }
            catch (Exception problem) when (problem is not (OperationCanceledException or StillOutException))
            {
                var isTriedAgain = !looks || (!IsFinal(problem) && !isBrief && ++faults < MaxAttempts);
                if (!isTriedAgain)
                    return await ParkAsync(e, body, problem.Message, ct);
                if (!looks)
                {
                    looks = true;
                    continue;
                }
            }

            MeshTelemetry.Failure(e.Type, "fault");
            await pauses.WaitAsync(ct);
        }

        void Lost()
        {
            looks = true;
            MeshTelemetry.Failure(e.Type, "conflict");
        }
    }

    /// <summary>Parks a body that is no event of the mesh.</summary>
    public Task<TakenAs> ParkAsync(byte[] body, string reason, CancellationToken ct) => WaitThroughAsync(
        null,
        async () =>
        {
            await using var session = store.LightweightSession();
            session.Park([new ToPark(null, body, reason, time.GetUtcNow())]);
            await session.SaveChangesAsync(ct);
            return TakenAs.Parked;
        },
        ct,
        isParking: true);

    /// <summary>Which of these events have taken effect here or are parked.</summary>
    /// <param name="region">Their region.</param>
    /// <param name="events">At most <see cref="MostKnown"/>.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>Source and id of each, with a line break between.</returns>
    public async Task<IReadOnlySet<string>> KnownAsync(
        string region, IReadOnlyCollection<(string Source, string Id)> events, CancellationToken ct)
    {
        if (events.Count > MostKnown)
            throw new ArgumentOutOfRangeException(nameof(events), events.Count, $"At most {MostKnown} events at once.");
        var table = store.Options.FindOrResolveDocumentType(typeof(InboxRecord)).TableName.QualifiedName;

        // Key by key in the indexes: of a young store the planner has no statistics, and would read all of it.
        await using var read = database.CreateCommand(
            $"""
            select asked.name from unnest($2::text[], $3::text[]) as asked (key, name)
            cross join lateral (
                (select 1 from {table} i where i.tenant_id = $1 and i.id = asked.key limit 1)
                union all (select 1 from parked_events p where p.region = $1 and p.key = asked.key limit 1) limit 1) known
            """);
        read.Parameters.AddWithValue(region);
        read.Parameters.AddWithValue(events.Select(e => InboxRecord.KeyOf(e.Source, e.Id)).ToArray());
        read.Parameters.AddWithValue(events.Select(e => $"{e.Source}\n{e.Id}").ToArray());
        await using var reader = await read.ExecuteReaderAsync(ct);
        var known = new HashSet<string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(ct))
            known.Add(reader.GetString(0));
        return known;
    }

    /// <summary>
    /// Takes a parked event as new: it leaves the table in the transaction in which it takes effect. If it fails again
    /// it stays parked, with the new reason and time.
    /// </summary>
    /// <returns>Why it failed again; null if it has taken effect. Gone: somebody else has settled it.</returns>
    public async Task<(bool IsGone, string? Reason)> SendBackAsync(StoredParked parked, CancellationToken ct)
    {
        try
        {
            var e = await AsTakenHereAsync(CloudEvent.Parse(parked.Body), ct);
            await CheckIsHistoryAsync(e, ct);
            using var worker = await EnterAsync(ct);
            return (!await Faults.DecidingAnew(() => TakeOutAndTakeAsync(parked, e, ct), MaxConflicts, () => { }, ct), null);
        }
        catch (Exception problem)
            when (problem is not (OperationCanceledException or PictureIsBuiltException) && !Faults.IsOutage(problem))
        {
            await ParkedEvents.FailedAgainAsync(database, parked, problem.Message, time.GetUtcNow(), ct);
            return (false, problem.Message);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _workers.Dispose();

    // The same again gives the same: a reaction that says no, and data that are not the contract's.
    private static bool IsFinal(Exception problem) => problem is ReactionRefusedException or InvalidCloudEventException;

    private async Task<TakenAs> TakeAsync(CloudEvent e, bool looks, CancellationToken ct)
    {
        if (!_subscriptions.ContainsKey(e.Type) && await IsTakenByOtherVersionAsync(e, ct))
            return TakenAs.Duplicate;
        await using var session = store.LightweightSession(e.Region!);
        await picture.EnterAsync(session, ct);
        if (!await epochs.HoldsAsync(session, e, Subscription.PublisherOf(e.Type), ct))
        {
            MeshTelemetry.ObsoleteDelivery(e.Type);
            return TakenAs.Duplicate;
        }

        if (looks && await session.LoadAsync<InboxRecord>(InboxRecord.KeyOf(e.Source, e.Id), ct) is not null)
        {
            MeshTelemetry.Duplicate(e.Type);
            return TakenAs.Duplicate;
        }

        if (time.GetUtcNow() - e.Time > InboxRecord.Longest)
        {
            // Not dropped: what could not be read once, and what is of a type that was not taken then, is behind it, too.
            throw new ReactionRefusedException(
                $"It is older than the {InboxRecord.Longest.Days} days that this service remembers what it has taken; "
                + (await IsComparedAsync(session, e, ct)
                    ? "its publisher's history was compared beyond it, so that it was most likely taken: send it back only if it was not."
                    : "send it back to have it taken as new."));
        }

        session.Insert(await ReactAsync(session, e, ct));
        await session.SaveChangesAsync(ct);
        return TakenAs.New;
    }

    private static async Task<bool> IsComparedAsync(IDocumentSession session, CloudEvent e, CancellationToken ct) =>
        Position.TryParse(e.Position, out var position)
        && await session.LoadAsync<VerifiedPosition>(Subscription.PublisherOf(e.Type), ct) is { } verified
        && verified.Epoch == position.Epoch && position.Sequence <= verified.Position.Sequence;

    // In a rolling upgrade the queue has events that only one of the versions takes. Two contracts may be of one event.
    private async Task<bool> IsTakenByOtherVersionAsync(CloudEvent e, CancellationToken ct)
    {
        if ((await KnownAsync(e.Region!, [(e.Source, e.Id)], ct)).Count > 0)
            return true;
        return await bindings.IsTakenAsync(e.Type, ct) ? throw new OtherVersionException(e.Type) : false;
    }

    // What an earlier version parked under an older contract is taken under the one that this version knows.
    private async Task<CloudEvent> AsTakenHereAsync(CloudEvent e, CancellationToken ct)
    {
        var publisher = Subscription.PublisherOf(e.Type);
        var types = _subscriptions.Values.Where(s => s.Publisher == publisher).Select(s => s.Type).ToList();
        if (_subscriptions.ContainsKey(e.Type) || types.Count == 0 || !Guid.TryParse(InboxRecord.Stored(e.Id), out _))
            return e;
        var found = await history.ReadAsync(e.Region!, publisher, types, Position.Beginning, [e.Id], ct);
        return found.Items.Count > 0 ? found.Items[0] : e;
    }

    // What a restore took back at its publisher never happened. What came before it is history still.
    private async Task CheckIsHistoryAsync(CloudEvent e, CancellationToken ct)
    {
        var publisher = Subscription.PublisherOf(e.Type);
        await using var session = store.QuerySession(e.Region!);
        if (await epochs.HoldsAsync(session, e, publisher, ct))
            return;
        var found = await history.ReadAsync(e.Region!, publisher, [e.Type], Position.Beginning, [e.Id], ct);
        if (found.Items.Count == 0)
        {
            throw new ReactionRefusedException(
                $"The database of {publisher} was restored to before this event: it is no history any more, and can only be discarded.");
        }
    }

    /// <returns>False: somebody else has settled it.</returns>
    private async Task<bool> TakeOutAndTakeAsync(StoredParked parked, CloudEvent e, CancellationToken ct)
    {
        await using var session = store.LightweightSession(e.Region!);
        await picture.EnterAsync(session, ct);
        await session.BeginTransactionAsync(ct);
        if (!await session.TakeOutAsync(parked, ct))
            return false;
        session.Store(await ReactAsync(session, e, ct));
        await session.SaveChangesAsync(ct);
        return true;
    }

    private async Task<InboxRecord> ReactAsync(IDocumentSession session, CloudEvent e, CancellationToken ct)
    {
        var subscription = _subscriptions.GetValueOrDefault(e.Type)
            ?? throw new InvalidCloudEventException($"This service has no reaction to events of type {e.Type}.");
        var data = subscription.Read(e.Data);
        var isNews = await picture.LearnAsync(session, e, ct);
        var reaction = new Reaction(session, e, $"{service.Name}.on.{e.Type}", time, ct, isSuperseded: !isNews);
        await subscription.React(data, reaction);
        return new InboxRecord(InboxRecord.KeyOf(e.Source, e.Id), e.Type, time.GetUtcNow());
    }

    private Task<TakenAs> ParkAsync(CloudEvent e, Func<byte[]> body, string reason, CancellationToken ct)
    {
        var parked = new ToPark(e, body(), reason, time.GetUtcNow());
        return WaitThroughAsync(
            e, () => Faults.DecidingAnew(() => ParkOnceAsync(parked, ct), MaxConflicts, () => { }, ct), ct, isParking: true);
    }

    // A redelivery of what is parked finds a record of it, as it finds one of what has taken effect.
    private async Task<TakenAs> ParkOnceAsync(ToPark parked, CancellationToken ct)
    {
        await using var session = store.LightweightSession(parked.Region);
        if (await session.LoadAsync<InboxRecord>(parked.Key, ct) is not null)
            return TakenAs.Duplicate;
        session.Insert(new InboxRecord(parked.Key, ParkedEvents.Storable(parked.Event!.Type), parked.At));
        session.Park([parked]);
        await session.SaveChangesAsync(ct);
        MeshTelemetry.Failure(parked.Event.Type, "parked");
        return TakenAs.Parked;
    }

    // What cannot even be parked has nowhere else to go, so it waits whatever keeps it from that.
    private static string? WhatFor(CloudEvent? e, Exception problem, bool isParking) =>
        problem is PictureIsBuiltException ? e!.Region
        : problem is OtherVersionException ? e!.Type
        : Faults.IsOutage(problem) ? Database
        : isParking && problem is not OperationCanceledException ? $"parking {e?.Source} {e?.Id}"
        : null;

    /// <summary>Does one attempt at a time, until it is no outage that keeps it from being done.</summary>
    private async Task<TakenAs> WaitThroughAsync(
        CloudEvent? e, Func<Task<TakenAs>> attempt, CancellationToken ct, bool isParking = false)
    {
        var (started, pauses) = (Stopwatch.GetTimestamp(), new Backoff(TimeSpan.FromMilliseconds(50)));
        var tries = (Waits.Try?)null;
        try
        {
            while (true)
            {
                try
                {
                    using var worker = await EnterAsync(ct);
                    return await attempt();
                }
                catch (Exception problem) when (WhatFor(e, problem, isParking) is { } what)
                {
                    MeshTelemetry.Failure(e?.Type ?? "unreadable", problem is PictureIsBuiltException or OtherVersionException ? "waits" : "outage");
                    var longest = problem is OtherVersionException ? OtherVersionPatience : service.LongestOutage;
                    var left = longest - Stopwatch.GetElapsedTime(started);
                    if (left <= TimeSpan.Zero)
                        throw new StillOutException(problem);
                    tries = _waits.Begin(what, tries, out var back);
                    var trust = left < LongestTrust ? left : LongestTrust;
                    await WaitAsync(e, tries, tries is null ? back.WaitAsync(trust, ct) : pauses.WaitAsync(ct), problem);
                    ct.ThrowIfCancellationRequested();
                }
            }
        }
        finally
        {
            tries?.Dispose();
        }
    }

    // One line for all that wait for the same.
    private async Task WaitAsync(CloudEvent? e, Waits.Try? tries, Task pause, Exception problem)
    {
        if (tries is not null)
            log.LogWarning("{Type} {Id} waits: {Reason}", e?.Type, e?.Id, problem.Message);
        await pause.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<IDisposable> EnterAsync(CancellationToken ct)
    {
        await _workers.WaitAsync(ct);
        return new Worker(_workers);
    }

    private sealed class Worker(SemaphoreSlim workers) : IDisposable
    {
        public void Dispose() => workers.Release();
    }
}
