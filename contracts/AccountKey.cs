using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace KkiMesh.Contracts;

/// <summary>
/// Lets a service recognise who did something, without an event naming anybody: only who is shown an account can tell whether
/// the key is its own, and the same account has another key for each thing.
/// </summary>
public static class AccountKey
{
    private const int Bytes = 16;

    /// <summary>An account's key for a thing: 22 characters of base64url.</summary>
    /// <param name="thing">The thing's id, e.g. an idea's.</param>
    /// <param name="account">The subject of the account's tokens.</param>
    public static string Of(object thing, string account) =>
        Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes($"{thing}/{account}")).AsSpan(0, Bytes));
}
