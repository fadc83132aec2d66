using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Threading.RateLimiting;
using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Primitives;

namespace KkiMesh.Gateway;

/// <summary>How often somebody may ask.</summary>
/// <param name="PerSecond">Requests per second in the long run; 0: as often as they like.</param>
/// <param name="Burst">How many at once.</param>
internal sealed record Limit(double PerSecond, int Burst)
{
    /// <summary>The limit of this name in <c>Gateway:RateLimits</c>.</summary>
    /// <exception cref="InvalidOperationException">It is not a limit.</exception>
    public static Limit Of(IConfiguration settings, string name, Limit usual)
    {
        var section = settings.GetSection($"Gateway:RateLimits:{name}");
        var limit = new Limit(section.GetValue("PerSecond", usual.PerSecond), section.GetValue("Burst", usual.Burst));
        return limit is { PerSecond: >= 0 and <= 1_000_000, Burst: >= 1 }
            ? limit
            : throw new InvalidOperationException($"{section.Path} takes PerSecond from 0 (no limit) to 1000000, and Burst from 1.");
    }

    /// <summary>The same as the library says it; it takes whole numbers only.</summary>
    public TokenBucketRateLimiterOptions Bucket()
    {
        var tokens = Math.Max(1, (int)PerSecond);
        return new() { TokenLimit = Burst, TokensPerPeriod = tokens, ReplenishmentPeriod = TimeSpan.FromSeconds(tokens / PerSecond) };
    }
}

/// <summary>
/// Nobody takes the mesh from the others. A replica of the gateway counts for itself; the library forgets who has not
/// asked for some seconds, so its memory is bounded by the limit for addresses.
/// </summary>
internal static class RateLimits
{
    /// <summary>
    /// <c>Gateway:RateLimits</c>: <c>PerAddress</c>, <c>PerToken</c> and <c>SignIn</c> (per
    /// address, where secrets could be guessed), each with <c>PerSecond</c> and <c>Burst</c>. In
    /// Development nothing is limited, unless it is set.
    /// </summary>
    public static void AddRateLimits(this WebApplicationBuilder builder)
    {
        // Chained: whom the address stops leaves no trace in the limits after it.
        var limiters = new[]
        {
            Limiter(builder, "PerAddress", new Limit(200, 400), Address),
            Limiter(builder, "SignIn", new Limit(10, 30), http => IsSignIn(http.Request) ? Address(http) : null),
            Limiter(builder, "PerToken", new Limit(100, 200), http => Token(http.Request)),
        }.OfType<PartitionedRateLimiter<HttpContext>>().ToArray();
        builder.Services.AddRateLimiter(options =>
        {
            options.GlobalLimiter = limiters.Length == 0 ? null : PartitionedRateLimiter.CreateChained(limiters);
            options.OnRejected = async (context, _) => await TryLater(context).ExecuteAsync(context.HttpContext);
        });
    }

    private static PartitionedRateLimiter<HttpContext>? Limiter(
        WebApplicationBuilder builder, string name, Limit usual, Func<HttpContext, string?> who)
    {
        var limit = Limit.Of(builder.Configuration, name, builder.Environment.IsDevelopment() ? usual with { PerSecond = 0 } : usual);
        return limit.PerSecond == 0 ? null : PartitionedRateLimiter.Create<HttpContext, string>(http =>
            !http.AsksForHealth() && who(http) is { } one
                ? RateLimitPartition.GetTokenBucketLimiter(one, _ => limit.Bucket())
                : RateLimitPartition.GetNoLimiter(""));
    }

    // Where passwords, codes and clients' secrets are taken.
    private static bool IsSignIn(HttpRequest request) =>
        IsUnder(request, "/connect/authorize") || (HttpMethods.IsPost(request.Method) && (IsUnder(request, "/connect") || IsUnder(request, "/account")));

    private static bool IsUnder(HttpRequest request, string path) => request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase);

    // With IPv6 a household has 2^64 addresses.
    private static string Address(HttpContext http) => http.Connection.RemoteIpAddress switch
    {
        null => "unknown",
        { IsIPv4MappedToIPv6: true } mapped => mapped.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } address => Convert.ToHexString(address.GetAddressBytes(), 0, 8),
        var address => address.ToString(),
    };

    // Whoever has one, from wherever they ask; a hash, as no secret lies about in memory. Nothing is verified here.
    private static string? Token(HttpRequest request)
    {
        if (StringValues.IsNullOrEmpty(request.Headers.Authorization))
            return null;
        var header = request.Headers.Authorization.ToString().AsSpan();
        var secret = header[(header.IndexOf(' ') + 1)..].Trim().ToString();
        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
    }

    private static IResult TryLater(OnRejectedContext context)
    {
        var wait = context.Lease.TryGetMetadata(MetadataName.RetryAfter, out var time) ? Math.Max(1, (long)Math.Ceiling(time.TotalSeconds)) : 1;
        context.HttpContext.Response.Headers.RetryAfter = wait.ToString(CultureInfo.InvariantCulture);
        return Problems.Of(StatusCodes.Status429TooManyRequests, $"That was too often: try again in {wait} seconds.");
    }
}
