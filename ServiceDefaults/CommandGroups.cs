using System.Diagnostics;
using JasperFx;
using JasperFx.Events;
using Marten;
using Marten.Services.BatchQuerying;
using Microsoft.Extensions.Logging;

namespace KkiMesh.ServiceDefaults;

/// <summary>What became of a command, once it is durable.</summary>
/// <param name="Receipt">The answer that was saved with its effect, now or before.</param>
/// <param name="IsReplayed">Whether the key had its effect before.</param>
/// <param name="Refusal">Why it changed nothing.</param>
/// <param name="Fault">What failed in deciding; it changed nothing either.</param>
internal sealed record Outcome(CommandReceipt? Receipt = null, bool IsReplayed = false, Refusal? Refusal = null, Exception? Fault = null);

/// <summary>A command that waits for its group.</summary>
/// <param name="cause">Who asks, and where.</param>
/// <param name="streams">What it is about; one or several.</param>
/// <param name="receipt">Its receipt's id.</param>
/// <param name="givenUp">Nobody waits for the answer any more.</param>
internal abstract class WaitingCommand(Cause cause, IReadOnlyList<string> streams, string receipt, CancellationToken givenUp)
{
    private readonly long _since = Stopwatch.GetTimestamp();

    public Cause Cause => cause;

    public IReadOnlyList<string> Streams => streams;

    public string Receipt => receipt;

    public CancellationToken GivenUp => givenUp;

    public TimeSpan Waited => Stopwatch.GetElapsedTime(_since);

    public TaskCompletionSource<Outcome> Outcome { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void End(Outcome outcome)
    {
        if (outcome.Fault is { } fault)
            Outcome.TrySetException(fault);
        else
            Outcome.TrySetResult(outcome);
    }

    /// <summary>Asks for its stream, unless another one of the group has.</summary>
    public abstract void Open(CommandGroup group);

    /// <summary>Decides on the state that those before it in the group have left.</summary>
    public abstract Outcome Decide(CommandGroup group);
}

/// <summary>One whose stream holds this aggregate.</summary>
/// <param name="decide">Pure: it may be called again on newer state.</param>
/// <param name="answer">The receipt, of the state after it.</param>
internal sealed class WaitingCommand<T>(
    Cause cause, string stream, string receipt, Func<T?, Decision> decide, Func<T?, CommandReceipt> answer, CancellationToken givenUp)
    : WaitingCommand(cause, [stream], receipt, givenUp)
    where T : class, IAggregate<T>
{
    public override void Open(CommandGroup group) => group.Open<T>(stream);

    public override Outcome Decide(CommandGroup group)
    {
        var open = group.Opened<T>(stream);
        return open.Decide(group.Session, decide, Cause, group.RecordedAt).Refusal is { } refusal ? new Outcome(Refusal: refusal) : new Outcome(answer(open.State));
    }
}

/// <summary>One about a stream that looks at another one, on which nobody decides meanwhile.</summary>
internal sealed class WaitingCommandBeside<T, TOther>(
    Cause cause,
    string stream,
    string other,
    string receipt,
    Func<T?, TOther?, Decision> decide,
    Func<T?, CommandReceipt> answer,
    CancellationToken givenUp)
    : WaitingCommand(cause, [other, stream], receipt, givenUp) // Many look at one: they wait in its line, for one turn.
    where T : class, IAggregate<T>
    where TOther : class, IAggregate<TOther>
{
    public override void Open(CommandGroup group)
    {
        group.Open<T>(stream);
        group.Open<TOther>(other);
    }

    public override Outcome Decide(CommandGroup group)
    {
        var (open, beside) = (group.Opened<T>(stream), group.Opened<TOther>(other));
        var decision = open.Decide(group.Session, state => decide(state, beside.State), Cause, group.RecordedAt);
        return decision.Refusal is { } refusal ? new Outcome(Refusal: refusal) : new Outcome(answer(open.State));
    }
}

/// <summary>One about several streams: a decision for each, of which all happen or none.</summary>
internal sealed class WaitingCommandOnAll<T>(
    Cause cause,
    IReadOnlyList<string> streams,
    string receipt,
    Func<IReadOnlyList<T?>, IReadOnlyList<Decision>> decide,
    Func<IReadOnlyList<T?>, CommandReceipt> answer,
    CancellationToken givenUp)
    : WaitingCommand(cause, streams, receipt, givenUp)
    where T : class, IAggregate<T>
{
    public override void Open(CommandGroup group)
    {
        foreach (var stream in Streams)
            group.Open<T>(stream);
    }

    public override Outcome Decide(CommandGroup group)
    {
        var open = Streams.Select(group.Opened<T>).ToList();
        var decisions = decide([.. open.Select(o => o.State)]);
        if (decisions.FirstOrDefault(d => d.Refusal is not null)?.Refusal is { } refusal)
            return new Outcome(Refusal: refusal);
        foreach (var (stream, decision) in open.Zip(decisions))
            stream.Foresee(decision);
        foreach (var (stream, decision) in open.Zip(decisions))
            stream.Decide(group.Session, _ => decision, Cause, group.RecordedAt);
        return new Outcome(answer([.. open.Select(o => o.State)]));
    }
}

/// <summary>One about a part of the aggregate, with which it answers.</summary>
internal sealed class WaitingCommand<T, TPart>(
    Cause cause, string stream, string part, string receipt, Func<T?, TPart?, Decision> decide, Func<TPart?, CommandReceipt> answer, CancellationToken givenUp)
    : WaitingCommand(cause, [stream], receipt, givenUp)
    where T : class, IAggregate<T>
    where TPart : class, IPart<TPart>
{
    public override void Open(CommandGroup group)
    {
        group.Open<T>(stream);
        group.OpenPart<TPart>(part);
    }

    public override Outcome Decide(CommandGroup group)
    {
        var (whole, open) = (group.Opened<T>(stream), group.OpenedPart<TPart>(part));
        var decision = whole.Decide(group.Session, state => decide(state, open.State), Cause, group.RecordedAt);
        if (decision.Refusal is { } refusal)
            return new Outcome(Refusal: refusal);
        open.Apply(group.Session, decision);
        return new Outcome(answer(open.State));
    }
}

/// <summary>One about two parts of the aggregate; it answers with the first.</summary>
internal sealed class WaitingCommand<T, TPart, TOther>(
    Cause cause,
    string stream,
    string part,
    string other,
    string receipt,
    Func<T?, TPart?, TOther?, Decision> decide,
    Func<TPart?, CommandReceipt> answer,
    CancellationToken givenUp)
    : WaitingCommand(cause, [stream], receipt, givenUp)
    where T : class, IAggregate<T>
    where TPart : class, IPart<TPart>
    where TOther : class, IPart<TOther>
{
    public override void Open(CommandGroup group)
    {
        group.Open<T>(stream);
        group.OpenPart<TPart>(part);
        group.OpenPart<TOther>(other);
    }

    public override Outcome Decide(CommandGroup group)
    {
        var (whole, open, beside) = (group.Opened<T>(stream), group.OpenedPart<TPart>(part), group.OpenedPart<TOther>(other));
        var decision = whole.Decide(group.Session, state => decide(state, open.State, beside.State), Cause, group.RecordedAt);
        if (decision.Refusal is { } refusal)
            return new Outcome(Refusal: refusal);
        open.Apply(group.Session, decision);
        beside.Apply(group.Session, decision);
        return new Outcome(answer(open.State));
    }
}

/// <summary>Commands in one transaction.</summary>
/// <param name="session">The transaction.</param>
/// <param name="query">Reads what they need.</param>
/// <param name="recordedAt">When its events are recorded: later than all that was recorded before.</param>
internal sealed class CommandGroup(IDocumentSession session, IBatchedQuery query, DateTimeOffset recordedAt)
{
    private readonly Dictionary<(Type Type, string Key), Task> _reading = [];
    private readonly Dictionary<Type, Parts.Read> _parts = [];
    private readonly Dictionary<(Type Type, string Key), object> _open = [];

    public IDocumentSession Session => session;

    public DateTimeOffset RecordedAt => recordedAt;

    public void Open<T>(string stream)
        where T : class, IAggregate<T>
    {
        if (!_reading.ContainsKey((typeof(T), stream)))
            _reading[(typeof(T), stream)] = query.Events.FetchForWriting<T>(stream);
    }

    public void OpenPart<TPart>(string key)
        where TPart : class, IPart<TPart>
    {
        if (!_parts.TryGetValue(typeof(TPart), out var parts))
            _parts[typeof(TPart)] = parts = new Parts.Read<TPart>();
        parts.Ask(key);
    }

    /// <summary>Reads all that was asked for, in one trip.</summary>
    public Task ReadAsync()
    {
        foreach (var parts in _parts.Values)
            parts.Send(query, session);
        return query.Execute();
    }

    public OpenStream<T> Opened<T>(string stream)
        where T : class, IAggregate<T> =>
        Once((typeof(T), stream), () => new OpenStream<T>(((Task<IEventStream<T>>)_reading[(typeof(T), stream)]).GetAwaiter().GetResult()));

    public OpenPart<TPart> OpenedPart<TPart>(string key)
        where TPart : class, IPart<TPart> =>
        Once((typeof(TPart), key), () => new OpenPart<TPart>(key, ((Parts.Read<TPart>)_parts[typeof(TPart)]).Found(key)));

    // It has been read with the whole group.
    private TOpen Once<TOpen>((Type Type, string Key) key, Func<TOpen> open)
        where TOpen : class
    {
        if (!_open.TryGetValue(key, out var known))
            _open[key] = known = open();
        return (TOpen)known;
    }
}

/// <summary>
/// Saves commands in groups: what comes while one transaction is on its way goes into the next one together. Each has
/// its own decision, events and receipt, in the order in which they came, and none is answered before its group is
/// durable. See docs/adr/0007-commands-in-groups.md.
/// </summary>
internal sealed class CommandGroups(IDocumentStore store, TimeProvider time, DatabaseSettings database, ILogger<CommandGroups> log) : IDisposable
{
    private const int MostAside = 1000;
    private const int MaxAttempts = 12;
    private readonly CommandQueue _queue = new();

    // Each waits in the database with a connection of its own: they must leave most of the pool to the others.
    private readonly SemaphoreSlim _aside = new(Math.Clamp(database.PoolSize / 4, 1, 8));
    private int _streamsAside;

    /// <summary>How many wait for a group.</summary>
    public int Waiting => _queue.Count;

    /// <summary>Waits until a command is durable, or was refused.</summary>
    /// <exception cref="BusyException">It could not be taken in time.</exception>
    public Task<Outcome> SaveAsync(WaitingCommand command)
    {
        if (!_queue.Add(command))
            throw new BusyException();
        StartWorker();
        return command.Outcome.Task;
    }

    public void Dispose() => _aside.Dispose();

    private void StartWorker()
    {
        if (!_queue.WantsWorker())
            return;
        using (ExecutionContext.SuppressFlow())
            _ = Task.Run(WorkAsync);
    }

    private async Task WorkAsync()
    {
        while (_queue.Take() is { } group)
        {
            StartWorker();
            await SaveAsync(group);
            // Where many write, those who were just answered come again at once: the first of them is not saved alone.
            if (group.Count > 1)
                await Task.Delay(1);
        }
    }

    private async Task SaveAsync(List<WaitingCommand> group)
    {
        var kept = await SaveAsync(group, waits: false);
        var aside = kept.GroupBy(c => (c.Cause.Region, Stream: c.Streams[0])).Select(stream => stream.ToList()).ToList();
        var streams = aside.Select(stream => (stream[0].Cause.Region, stream[0].Streams[0])).ToHashSet();
        foreach (var commands in aside)
            SetAside(commands);
        foreach (var (region, stream) in group.Select(c => (c.Cause.Region, c.Streams[0])).Distinct().Where(s => !streams.Contains(s)))
            _queue.Release(region, stream);
    }

    // A stream that somebody keeps delays its own commands and no others: it waits by itself, in the database's own
    // queue, which is fair also where it is another replica that writes to it.
    private void SetAside(List<WaitingCommand> commands)
    {
        if (Interlocked.Increment(ref _streamsAside) > MostAside)
        {
            foreach (var command in commands)
                command.Outcome.TrySetException(new BusyException());
            IsAsideNoMore(commands[0]);
            return;
        }

        using (ExecutionContext.SuppressFlow())
            _ = Task.Run(() => SaveAsideAsync(commands));
    }

    private async Task SaveAsideAsync(List<WaitingCommand> commands)
    {
        var isMine = await _aside.WaitAsync(CommandQueue.Patience);
        try
        {
            await SaveAsync(isMine ? [.. commands.Where(c => c.Waited < CommandQueue.Patience)] : [], waits: true);
        }
        finally
        {
            // Those that have no answer now had no turn in time.
            foreach (var command in commands)
                command.Outcome.TrySetException(new BusyException());
            if (isMine)
                _aside.Release();
            IsAsideNoMore(commands[0]);
            StartWorker();
        }
    }

    private void IsAsideNoMore(WaitingCommand command)
    {
        Interlocked.Decrement(ref _streamsAside);
        _queue.Release(command.Cause.Region, command.Streams[0]);
    }

    /// <returns>Those whose stream somebody keeps: nothing has become of them yet.</returns>
    private async Task<List<WaitingCommand>> SaveAsync(List<WaitingCommand> group, bool waits)
    {
        if (group.Count == 0)
            return [];
        try
        {
            return group.Count == 1
                ? await Faults.DecidingAnew(() => SaveTogetherAsync(group, waits), MaxAttempts, () => { }, CancellationToken.None)
                : await SaveTogetherAsync(group, waits);
        }
        catch (Exception e) when (Apart(group, e) is { Count: > 1 } parts)
        {
            log.LogDebug(e, "A group of {Commands} commands is saved in {Parts} parts", group.Count, parts.Count);
            var kept = new List<WaitingCommand>();
            // Nor does a later command of a stream overtake one that was kept.
            foreach (var part in parts)
                kept.AddRange(kept.Exists(k => k.Streams[0] == part[0].Streams[0]) ? part : await SaveAsync(part, waits));
            return kept;
        }
        catch (Exception e) when (Faults.IsLocked(e))
        {
            return group;
        }
        catch (Exception e)
        {
            foreach (var command in group)
                command.Outcome.TrySetException(e);
            return [];
        }
    }

    // Splits a failed group, so that one bad command or one long-held lock does not fail the others.
    private static List<List<WaitingCommand>> Apart(List<WaitingCommand> group, Exception e) =>
        Faults.IsLocked(e) ? [.. group.GroupBy(c => c.Streams[0]).Select(stream => stream.ToList())]
        : Faults.IsOutage(e) ? []
        : [.. group.Select(command => (List<WaitingCommand>)[command])];

    /// <returns>Those whose stream somebody keeps.</returns>
    private async Task<List<WaitingCommand>> SaveTogetherAsync(List<WaitingCommand> asked, bool waits)
    {
        using var activity = MeshTelemetry.Group(asked);
        await using var session = store.LightweightSession(asked[0].Cause.Region);
        var turns = await session.TakeTurnsToWriteAsync([.. asked.SelectMany(c => c.Streams)], waits, time, CancellationToken.None);
        // All of a stream or nothing: a later command does not overtake an earlier one.
        var missed = asked.Where(c => c.Streams.Any(turns.Missed.Contains)).Select(c => c.Streams[0]).ToHashSet();
        var (kept, commands) = (asked.Where(c => missed.Contains(c.Streams[0])).ToList(), asked.Where(c => !missed.Contains(c.Streams[0])).ToList());
        if (commands.Count == 0)
            return kept;
        var group = new CommandGroup(session, session.CreateBatchQuery(), turns.RecordedAt);
        foreach (var command in commands)
            command.Open(group);
        await group.ReadAsync();
        var receipts = await session.ReadReceiptsAsync([.. commands.Select(c => c.Receipt)]);
        var outcomes = new List<Outcome>();
        foreach (var command in commands)
        {
            outcomes.Add(Decide(command, group, receipts));
            if (outcomes[^1].Receipt is { } receipt)
                receipts[receipt.Id] = receipt;
        }

        session.SaveReceipts([.. outcomes.Where(o => !o.IsReplayed).Select(o => o.Receipt).OfType<CommandReceipt>()]);
        try
        {
            await session.SaveChangesAsync();
        }
        catch (DocumentAlreadyExistsException e) when (commands.Count == 1)
        {
            // Another stream has what there is only once. No newer state of this
            // one changes that: it is not decided anew.
            outcomes = [new Outcome(Fault: e)];
        }

        foreach (var (command, outcome) in commands.Zip(outcomes))
            command.End(outcome);
        return kept;
    }

    // What fails in deciding is its command's own matter.
    private static Outcome Decide(WaitingCommand command, CommandGroup group, Dictionary<string, CommandReceipt> receipts)
    {
        if (receipts.TryGetValue(command.Receipt, out var before))
            return new Outcome(before, IsReplayed: true);
        try
        {
            return command.Decide(group);
        }
        catch (Exception e)
        {
            return new Outcome(Fault: e);
        }
    }
}

/// <summary>A command could not be taken in time; it changed nothing, and may be sent again.</summary>
internal sealed class BusyException() : Exception("Too much is waiting to be saved.");
