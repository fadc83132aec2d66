using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Caching.Memory;

namespace KkiMesh.Identity;

/// <summary>
/// Slows down whoever guesses passwords and codes. The answer to the second wrong one for an e-mail address
/// within 15 minutes is held back for 1 s, to the third for 2 s, to each later one for 4 s, whether the
/// address has an account or not. What is right is never held back. Each process counts for itself, for at
/// most 10,000 addresses, and holds back at most 100 answers at once.
/// </summary>
internal sealed class Guesses(TimeProvider time) : IDisposable
{
    private const int MostAddresses = 10_000;
    private const int MostHeldBack = 100;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan[] Waits = [TimeSpan.Zero, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4)];

    // Of each address, when the last wrong ones came. Where it is full it makes
    // room by itself, and does not count that once.
    private readonly MemoryCache _wrong = new(new MemoryCacheOptions { SizeLimit = MostAddresses });
    private readonly SemaphoreSlim _places = new(MostHeldBack);

    // Addresses are few enough to be tried out against a hash without a key.
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);

    /// <summary>
    /// Waits after a wrong one as long as it is to be held back. False, at once, where too many wait already.
    /// </summary>
    public async Task<bool> HoldBackAsync(string email, CancellationToken ct)
    {
        // Counted before the wait, so that guesses that come at the same moment do not all count as the first.
        var wait = Waits[Count(email) - 1];
        if (wait == TimeSpan.Zero)
            return true;
        if (!await _places.WaitAsync(TimeSpan.Zero, ct))
            return false;
        try
        {
            await Task.Delay(wait, time, ct);
            return true;
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>Forgets the wrong ones of an address: its holder is here.</summary>
    public void Forget(string email) => _wrong.Remove(Key(email));

    public void Dispose()
    {
        _wrong.Dispose();
        _places.Dispose();
    }

    // Which one it is in the window; beyond the longest wait it does not matter.
    private int Count(string email)
    {
        var (key, now) = (Key(email), time.GetUtcNow());
        lock (_wrong)
        {
            var before = _wrong.Get<DateTimeOffset[]>(key) ?? [];
            DateTimeOffset[] all = [.. before.Where(at => now - at < Window).TakeLast(Waits.Length - 1), now];
            _wrong.Set(key, all, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = Window });
            return all.Length;
        }
    }

    // The address as ASP.NET Core Identity compares it.
    private string Key(string email) => Convert.ToHexString(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(email.Normalize().ToUpperInvariant())));
}
