using System.Runtime.CompilerServices;
using Marten;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// What is gathered in a session and written when it is saved, all of it in one statement; a listener of the store.
/// </summary>
/// <param name="write">Queues the statement.</param>
public sealed class Gathered<T>(Action<IDocumentSession, IReadOnlyList<T>> write) : DocumentSessionListenerBase
{
    private readonly ConditionalWeakTable<IDocumentOperations, List<T>> _waiting = [];

    /// <summary>Has these written with the session, after those before them.</summary>
    public void Add(IDocumentOperations session, params IEnumerable<T> items) => _waiting.GetOrCreateValue(session).AddRange(items);

    /// <inheritdoc />
    public override Task BeforeSaveChangesAsync(IDocumentSession session, CancellationToken token)
    {
        if (_waiting.TryGetValue(session, out var items))
            write(session, items);
        _waiting.Remove(session);
        return Task.CompletedTask;
    }
}
