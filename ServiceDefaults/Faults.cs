using JasperFx;
using Marten.Exceptions;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>Which faults pass by themselves, and how to wait for that.</summary>
internal static class Faults
{
    /// <summary>Another writer was first: deciding anew is right.</summary>
    public static bool IsConflict(Exception e) => e switch
    {
        ConcurrencyException or DocumentAlreadyExistsException or JasperFx.Events.ExistingStreamIdCollisionException or Marten.Exceptions.ExistingStreamIdCollisionException => true,
        PostgresException p => SqlStates.Of(p.SqlState) == SqlFault.Conflict,
        AggregateException many => many.InnerExceptions.Any(IsConflict),
        _ => e.InnerException is { } inner && IsConflict(inner),
    };

    /// <summary>
    /// The database is out of reach, read-only, restored, full, or refuses the role: waiting is right, and the same
    /// again succeeds when it is mended. A conflict is no outage, nor is what is the data's own fault (<see
    /// cref="SqlStates"/>), a fault that did not come from the driver, or what the caller cancelled.
    /// </summary>
    public static bool IsOutage(Exception e) => e is NewerFormatException || (!IsConflict(e) && IsOutageOfTheDriver(e));

    /// <summary>Somebody else keeps what is asked for longer than one waits.</summary>
    public static bool IsLocked(Exception e) => e switch
    {
        PostgresException p => SqlStates.Of(p.SqlState) == SqlFault.Locked,
        _ => e.InnerException is { } inner && IsLocked(inner),
    };

    /// <summary>A text has a character that the database cannot store (NUL).</summary>
    public static bool IsUnstorable(Exception e) => e switch
    {
        PostgresException { SqlState: PostgresErrorCodes.CharacterNotInRepertoire or PostgresErrorCodes.UntranslatableCharacter } => true,
        _ => e.InnerException is { } inner && IsUnstorable(inner),
    };

    /// <summary>Tries again, on newer state, as long as another writer was first.</summary>
    /// <param name="attempt">One whole transaction.</param>
    /// <param name="most">How often at the most; the last conflict is thrown.</param>
    /// <param name="lost">Called after each lost race.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<T> DecidingAnew<T>(Func<Task<T>> attempt, int most, Action lost, CancellationToken ct)
    {
        for (var losses = 1; ; losses++)
        {
            try
            {
                return await attempt();
            }
            catch (Exception e) when (IsConflict(e) && losses < most)
            {
                lost();
                await Task.Delay(Random.Shared.Next(1, Math.Min(10 * losses, 100)), ct);
            }
        }
    }

    private static bool IsOutageOfTheDriver(Exception e) => e switch
    {
        OperationCanceledException => false,
        PostgresException p => SqlStates.Of(p.SqlState) is SqlFault.Outage or SqlFault.Locked,
        NpgsqlException => true,
        AggregateException many => many.InnerExceptions.Any(IsOutageOfTheDriver),
        _ => e.InnerException is { } inner && IsOutageOfTheDriver(inner),
    };
}

/// <summary>Pauses that double, from a first to a longest one.</summary>
internal sealed class Backoff(TimeSpan first)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    /// <summary>How long the next wait is.</summary>
    public TimeSpan Pause { get; private set; } = first;

    public async Task WaitAsync(CancellationToken ct)
    {
        await Task.Delay(Pause, ct);
        Pause = Pause * 2 < Longest ? Pause * 2 : Longest;
    }
}
