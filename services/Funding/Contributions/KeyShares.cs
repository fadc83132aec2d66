using System.Numerics;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;

namespace KkiMesh.Funding;

/// <summary>A municipality's share of a total, and how it came about.</summary>
/// <param name="Municipality">Its code.</param>
/// <param name="Amount">Its share.</param>
/// <param name="WholeCents">Its exact quota without the fraction of a cent.</param>
/// <param name="Remainder">The fraction of a cent that its quota has besides, e.g. 2/3.</param>
/// <param name="HasExtraCent">Whether it got one of the cents that the whole quotas leave over.</param>
public sealed record KeyShare(string Municipality, Money Amount, Money WholeCents, string Remainder, bool HasExtraCent);

/// <summary>
/// Divides a total to the cent, by largest remainder: each municipality has the whole cents of its exact quota; the
/// cents that are left go, one each, to the largest fractions of a cent, and of equal ones to the lower code.
/// </summary>
public static class KeyShares
{
    /// <summary>The shares under a key's rule, ordered by code; they sum to the total.</summary>
    /// <param name="total">What is divided: cents, not negative.</param>
    /// <param name="municipalities">Who takes part.</param>
    /// <param name="parts">The rule; each part's figures have a sum above zero.</param>
    public static IReadOnlyList<KeyShare> Of(long total, IReadOnlyList<string> municipalities, IReadOnlyList<KeyPart> parts)
    {
        var weights = Weights(municipalities, parts);
        var sum = weights.Values.Aggregate(BigInteger.Add);
        var quotas = weights.OrderBy(w => w.Key, StringComparer.Ordinal).Select(w =>
        {
            var whole = BigInteger.DivRem(total * w.Value, sum, out var remainder);
            return (Municipality: w.Key, Whole: (long)whole, Remainder: remainder);
        }).ToList();
        var left = (int)(total - quotas.Sum(q => q.Whole));
        var extra = quotas.OrderByDescending(q => q.Remainder).ThenBy(q => q.Municipality, StringComparer.Ordinal).Take(left).Select(q => q.Municipality).ToHashSet();
        return [.. quotas.Select(q => Share(q.Municipality, q.Whole, Fraction(q.Remainder, sum), extra.Contains(q.Municipality)))];
    }

    // Over one common denominator a mix of parts is a single table of whole numbers:
    // nothing is ever rounded but the last cents.
    private static Dictionary<string, BigInteger> Weights(IReadOnlyList<string> municipalities, IReadOnlyList<KeyPart> parts)
    {
        var tables = parts.Select(part => part.Figures?.ToDictionary(f => f.Municipality, f => f.Value) ?? municipalities.ToDictionary(m => m, _ => 1L)).ToList();
        var sums = tables.Select(table => table.Values.Aggregate(BigInteger.Zero, (sum, value) => sum + value)).ToList();
        var product = sums.Aggregate(BigInteger.Multiply);
        return municipalities.ToDictionary(
            m => m, m => parts.Index().Aggregate(BigInteger.Zero, (sum, p) => sum + (p.Item.Weight * tables[p.Index][m] * (product / sums[p.Index]))));
    }

    private static KeyShare Share(string municipality, long whole, string remainder, bool hasExtra) =>
        new(municipality, Money.Eur(whole + (hasExtra ? 1 : 0)), Money.Eur(whole), remainder, hasExtra);

    private static string Fraction(BigInteger part, BigInteger of)
    {
        var common = BigInteger.GreatestCommonDivisor(part, of);
        return part.IsZero ? "0" : $"{part / common}/{of / common}";
    }
}
