using JasperFx.Events;
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

    /// <summary>The thread that its events belong to, unless a command says otherwise: its own, or what it is part of.</summary>
    string Thread => Id;

    /// <summary>The state after an event. Pure; an event that is not known leaves the state as it is.</summary>
    /// <param name="state">The state before; null before the first event.</param>
    /// <param name="id">The stream's key.</param>
    /// <param name="e">The event.</param>
    static abstract TSelf? Apply(TSelf? state, string id, object e);
}

/// <summary>Keeps an aggregate's newest state as a document.</summary>
internal sealed class Snapshot<T> : SingleStreamProjection<T, string>
    where T : class, IAggregate<T>
{
    public override T? Evolve(T? snapshot, string id, IEvent e) => T.Apply(snapshot, id, e.Data);
}
