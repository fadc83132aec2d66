using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>
/// A turn at what spans several streams, and must not change between reading and deciding: a beneficiary's aid over all rows,
/// which payments are ordered or settled. Each stream's own turn is inside it, so nobody waits in a circle.
/// </summary>
internal sealed class Turn : IDisposable
{
    private static readonly SemaphoreSlim Here = new(1);

    private Turn()
    {
    }

    /// <summary>Waits until nobody else has this turn in the region, here or in another replica; it lasts until it is disposed, and then the session.</summary>
    /// <exception cref="NpgsqlException">Somebody keeps it for more than ten seconds: 503.</exception>
    public static async Task<Turn> TakeAsync(IDocumentSession session, string what, CancellationToken ct)
    {
        // One at a time of each replica waits in the database: those that wait must not take all of its connections.
        await Here.WaitAsync(ct);
        try
        {
            await session.BeginTransactionAsync(ct);
            await using var take = new NpgsqlCommand("select pg_advisory_xact_lock(hashtextextended($1, 0))") { CommandTimeout = 10 };
            take.Parameters.AddWithValue($"{session.TenantId}/{what}");
            await session.ExecuteAsync(take, ct);
            return new Turn();
        }
        catch
        {
            Here.Release();
            throw;
        }
    }

    public void Dispose() => Here.Release();
}
