using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace KkiMesh.Demo;

/// <summary>Bank accounts that are made up: their check digits are right, and no bank has their bank code.</summary>
internal static class Accounts
{
    // S and I as numbers, and no check digits yet.
    private const string Slovenia = "281800";
    private const int MaxHolder = 70;

    /// <summary>Somebody's account for agreements: each holder has their own, at each telling the same.</summary>
    public static object Of(string holder) =>
        new { iban = Iban(holder), holder = holder[..Math.Min(holder.Length, MaxHolder)] };

    /// <summary>An IBAN (ISO 13616) of a name.</summary>
    public static string Iban(string name)
    {
        var number = BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
        var account = string.Create(CultureInfo.InvariantCulture, $"99999{number:0000000000}");
        var check = 98 - (int)(BigInteger.Parse(account + Slovenia, CultureInfo.InvariantCulture) % 97);
        return string.Create(CultureInfo.InvariantCulture, $"SI{check:00}{account}");
    }
}
