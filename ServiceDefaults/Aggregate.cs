using JasperFx.Events;
using JasperFx.Events.Projections;
using Marten;
using Marten.Events.Aggregation;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// The state of one stream: an immutable record folded from its events. The event store keeps its newest state as a
/// document in the transaction of the events, so lists read and filter it in the database.
/// </summary>
/// <typeparam name="TSelf">The record itself.</typeparam>
public interface IAggregate<TSelf>
    where TSelf : class, IAggregate<TSelf>
{
    /// <summary>The stream's key.</summary>
    string Id { get; }

    /// <summary>
    /// The thread that its events belong to, unless a command says otherwise: its own, or what it is part of.
    /// </summary>
    string Thread => Id;

    /// <summary>The state after an event. Pure; an event that is not known leaves the state as it is.</summary>
    /// <param name="state">The state before; null before the first event.</param>
    /// <param name="id">The stream's key.</param>
    /// <param name="e">The event.</param>
    static abstract TSelf? Apply(TSelf? state, string id, object e);
}

/// <summary>
/// A part of an aggregate that it has many of: a document of its own, folded from the same stream's events, so that
/// neither the aggregate nor what a command costs grows with their number.
/// </summary>
/// <typeparam name="TSelf">The record itself.</typeparam>
public interface IPart<TSelf>
    where TSelf : class, IPart<TSelf>
{
    /// <summary>The part's key, unlike any other's in the region.</summary>
    string Id { get; }

    /// <summary>Which part an event is about; null: none of this kind.</summary>
    static abstract string? KeyOf(object e);

    /// <summary>The state after an event that is about it. Pure.</summary>
    /// <param name="state">The state before; null before the first one.</param>
    /// <param name="e">The event.</param>
    static abstract TSelf? Apply(TSelf? state, object e);
}

/// <summary>
/// An aggregate that writes into a table of its own with each event, in the
/// event's transaction: what it once was, for reports.
/// </summary>
public interface IJournaled
{
    /// <summary>Puts what an event changed into the session. This is the state right after it.</summary>
    void Journal(IDocumentOperations session, IEvent e, long version);
}

/// <summary>Keeps an aggregate's newest state as a document.</summary>
internal sealed class Snapshot<T> : SingleStreamProjection<T, string>
    where T : class, IAggregate<T>
{
    public override T? Evolve(T? snapshot, string id, IEvent e) => Chain.Headed(T.Apply(snapshot, id, e.Data), e);

    protected override IInlineProjection<IDocumentOperations> buildForInline() => new OfOwnStreams(base.buildForInline());

    // Else every kind of aggregate would be looked for in every stream that is
    // written to, one question to the database each.
    private sealed class OfOwnStreams(IInlineProjection<IDocumentOperations> snapshot) : IInlineProjection<IDocumentOperations>
    {
        public Task ApplyAsync(IDocumentOperations operations, IEnumerable<StreamAction> streams, CancellationToken cancellation) =>
            snapshot.ApplyAsync(operations, streams.Where(s => s.AggregateType is null || s.AggregateType == typeof(T)), cancellation);
    }
}
