using System.Text.Json.Serialization;

namespace KkiMesh.Contracts;

/// <summary>An amount of money: whole minor units (cents), never a floating number.</summary>
/// <param name="Amount">Minor units; may be negative in a posting.</param>
/// <param name="Currency">ISO 4217 code, three capital letters.</param>
[method: JsonConstructor]
public readonly record struct Money(long Amount, string Currency)
{
    /// <summary>An amount in euro cents.</summary>
    public static Money Eur(long cents) => new(cents, "EUR");

    /// <summary>The sum of two amounts of one currency.</summary>
    /// <exception cref="OverflowException">It is too large.</exception>
    /// <exception cref="InvalidOperationException">They are in different currencies.</exception>
    public Money Plus(Money other) => Currency == other.Currency
        ? new Money(checked(Amount + other.Amount), Currency)
        : throw new InvalidOperationException($"{Currency} and {other.Currency} have no sum.");
}
