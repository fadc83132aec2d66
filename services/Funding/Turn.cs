using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>
/// A turn at what spans several streams, and must not change between reading and deciding: a beneficiary's aid over all
/// rows, which payments are ordered or settled. Each stream's own turn is inside it, so nobody waits in a circle.
/// </summary>
internal sealed class Turn : IDisposable
{
    // Those who want the same turn here; there is none where nobody does.
    private static readonly Dictionary<string, Queue> Queues = [];

    // Who has a turn has a connection, and needs a second one for its command: if all had one, nobody would go on.
    private static readonly SemaphoreSlim Places = new(3);
    private readonly string _what;

    private Turn(string what) => _what = what;

    /// <summary>
    /// Waits until nobody else has this turn in the region, here or in another replica; it
    /// lasts until it is disposed, and then the session.
    /// </summary>
    /// <exception cref="NpgsqlException">Somebody keeps it for more than ten seconds: 503.</exception>
    public static async Task<Turn> TakeAsync(IDocumentSession session, string what, CancellationToken ct)
    {
        var of = $"{session.TenantId}/{what}";
        // One at a time of each replica waits for it in the database: those that
        // wait must not take all of its connections.
        await EnterAsync(of, ct);
        try
        {
            await Places.WaitAsync(ct);
        }
        catch
        {
            Leave(of, hadTurn: true);
            throw;
        }

        try
        {
            await session.BeginTransactionAsync(ct);
            await using var take = new NpgsqlCommand("select pg_advisory_xact_lock(hashtextextended($1, 0))") { CommandTimeout = 10 };
            take.Parameters.AddWithValue(of);
            await session.ExecuteAsync(take, ct);
            return new Turn(of);
        }
        catch
        {
            End(of);
            throw;
        }
    }

    public void Dispose() => End(_what);

    private static void End(string of)
    {
        Places.Release();
        Leave(of, hadTurn: true);
    }

    private static async Task EnterAsync(string of, CancellationToken ct)
    {
        Queue queue;
        lock (Queues)
        {
            queue = Queues.TryGetValue(of, out var known) ? known : Queues[of] = new Queue();
            queue.Length++;
        }

        try
        {
            await queue.Head.WaitAsync(ct);
        }
        catch
        {
            Leave(of, hadTurn: false);
            throw;
        }
    }

    private static void Leave(string of, bool hadTurn)
    {
        lock (Queues)
        {
            var queue = Queues[of];
            if (hadTurn)
                queue.Head.Release();
            if (--queue.Length == 0)
                Queues.Remove(of);
        }
    }

    private sealed class Queue
    {
        public SemaphoreSlim Head { get; } = new(1);

        public int Length { get; set; }
    }
}
