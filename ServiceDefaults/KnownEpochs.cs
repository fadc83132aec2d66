using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;
using Marten;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// An event names an epoch of its publisher that is not known here yet: it waits until that has been asked.
/// </summary>
internal sealed class UnknownEpochException(string publisher)
    : PictureIsBuiltException($"The database of {publisher} seems to have been restored; it is asked.");

/// <summary>
/// Tells events of a publisher's present history from those that a restore of its database took back. An event of an
/// epoch that has ended is not taken from the queue: where it is history still, it is taken from there.
/// </summary>
internal sealed class KnownEpochs
{
    private const int MaxUnknown = 1000;
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(2);
    private readonly ConcurrentDictionary<(string Region, string Publisher), Known> _known = [];
    private readonly ConcurrentDictionary<(string Region, string Publisher, string Epoch), long> _unknown = [];
    private readonly ConcurrentDictionary<(string Region, string Publisher), long> _asked = [];
    private readonly ConcurrentDictionary<string, Guid> _builds = [];

    private readonly Channel<bool> _asks =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>
    /// Whether an event is history still. It reads in the event's own transaction: who has a connection and asks for a
    /// second one waits for ever where all do.
    /// </summary>
    /// <exception cref="UnknownEpochException">The publisher has to be asked first; it is.</exception>
    /// <exception cref="ReactionRefusedException">The publisher was asked, and
    /// does not know the event's epoch.</exception>
    public async Task<bool> HoldsAsync(IQuerySession session, CloudEvent e, string publisher, CancellationToken ct)
    {
        if (!Position.TryParse(e.Position, out var position)
            || await KnownAsync(session, e.Region!, publisher, ct) is not { Epoch.Length: > 0 } known)
            return true;
        if (position.Epoch == known.Epoch || position.IsBeginning)
            return true;
        if (known.Ended.Contains(position.Epoch))
            return false;
        Forget(e.Region!, publisher);
        Wonder((e.Region!, publisher, position.Epoch));
        throw new UnknownEpochException(publisher);
    }

    /// <summary>The publisher has answered: what was not known before that, it does not know either.</summary>
    public void Asked(string region, string publisher) => _asked[(region, publisher)] = Stopwatch.GetTimestamp();

    /// <summary>What is known has changed.</summary>
    public void Forget(string region, string publisher) => _known.TryRemove((region, publisher), out _);

    /// <summary>Another building of the read model may be of another epoch.</summary>
    public void SeeBuild(string region, Guid build)
    {
        if (_builds.TryGetValue(region, out var seen) && seen == build)
            return;
        _builds[region] = build;
        foreach (var key in _known.Keys.Where(k => k.Region == region))
            _known.TryRemove(key, out _);
    }

    /// <summary>Ends when an event has asked for its publisher to be asked.</summary>
    public Task AskedAsync(CancellationToken ct) => _asks.Reader.ReadAsync(ct).AsTask();

    private void Wonder((string Region, string Publisher, string Epoch) about)
    {
        if (_unknown.Count > MaxUnknown)
            _unknown.Clear();
        var since = _unknown.GetOrAdd(about, Stopwatch.GetTimestamp());
        if (_asked.TryGetValue((about.Region, about.Publisher), out var at) && at > since)
            throw new ReactionRefusedException($"Its epoch {about.Epoch} is none of {about.Publisher}'s.");
        _asks.Writer.TryWrite(true);
    }

    private async Task<VerifiedPosition?> KnownAsync(
        IQuerySession session, string region, string publisher, CancellationToken ct)
    {
        if (_known.TryGetValue((region, publisher), out var kept) && Stopwatch.GetElapsedTime(kept.At) < Kept)
            return kept.Position;
        var position = await session.LoadAsync<VerifiedPosition>(publisher, ct);
        _known[(region, publisher)] = new Known(position, Stopwatch.GetTimestamp());
        return position;
    }

    private sealed record Known(VerifiedPosition? Position, long At);
}
