using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace KkiMesh.Gateway;

/// <summary>
/// Tokens that were found good, for a short time: to check a signature at each request takes a third of what the
/// gateway does for it. A key or an issuer that is not trusted any more is noticed by the end of that time, and by
/// services at once, since they check each token themselves.
/// </summary>
internal sealed class RememberedTokens(TimeProvider time)
{
    /// <summary>How long a good token is not looked at again; never longer than it says to be good itself.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    // A few megabytes. Beyond that all are forgotten, and checked again.
    private const int Most = 20_000;
    private readonly ConcurrentDictionary<string, DateTimeOffset> _goodUntil = new(StringComparer.Ordinal);

    /// <summary>Whether just this header was found good, and still is.</summary>
    public bool IsGood(string authorization) =>
        _goodUntil.TryGetValue(Hash(authorization), out var until) && time.GetUtcNow() < until;

    /// <summary>This header was found good.</summary>
    /// <param name="authorization">All of it.</param>
    /// <param name="expires">When its token expires; one that never does is not remembered.</param>
    public void Remember(string authorization, DateTimeOffset? expires)
    {
        var now = time.GetUtcNow();
        if (expires is not { } end || end <= now)
            return;
        if (_goodUntil.Count >= Most)
            _goodUntil.Clear();
        _goodUntil[Hash(authorization)] = end < now + Longest ? end : now + Longest;
    }

    // No secret lies about in memory.
    private static string Hash(string authorization) =>
        Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(authorization)));
}
