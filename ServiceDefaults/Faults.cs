using System.Net.Sockets;
using JasperFx;
using JasperFx.Events;
using Marten.Exceptions;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>Which faults pass by themselves.</summary>
internal static class Faults
{
    /// <summary>Another writer was first: deciding anew is right.</summary>
    public static bool IsConflict(Exception e) => e switch
    {
        ConcurrencyException or DocumentAlreadyExistsException or JasperFx.Events.ExistingStreamIdCollisionException or Marten.Exceptions.ExistingStreamIdCollisionException => true,
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected } => true,
        AggregateException many => many.InnerExceptions.Any(IsConflict),
        _ => e.InnerException is { } inner && IsConflict(inner),
    };

    /// <summary>The database is restarting or out of reach: waiting is right.</summary>
    public static bool IsOutage(Exception e) => e switch
    {
        PostgresException p => p.IsTransient || p.SqlState.StartsWith("57P", StringComparison.Ordinal),
        NpgsqlException or SocketException or TimeoutException or EndOfStreamException => true,
        AggregateException many => many.InnerExceptions.Any(IsOutage),
        _ => e.InnerException is { } inner && IsOutage(inner),
    };
}
