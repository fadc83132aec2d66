using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace KkiMesh.AppHost;

/// <summary>Tokens for development, signed with the checkout's own key.</summary>
public static class Tokens
{
    /// <summary>What a token can let somebody do.</summary>
    public static readonly IReadOnlyList<string> Roles =
        ["member", "officer", "juror", "mentor", "treasurer", "auditor", "coordinator", "operator", "integrator", "partner"];

    private static readonly TimeSpan Life = TimeSpan.FromHours(8);

    /// <summary>A new signing key: base64 of 32 bytes.</summary>
    public static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    /// <summary>A signed token (JWT, HS256).</summary>
    /// <param name="key">The signing key, base64.</param>
    /// <param name="subject">Who it is for.</param>
    /// <param name="region">The region that it is good in.</param>
    /// <param name="now">When it begins.</param>
    /// <param name="roles">What it lets them do.</param>
    public static string Create(string key, string subject, string region, DateTimeOffset now, params string[] roles)
    {
        var head = Part(new { alg = "HS256", typ = "JWT" });
        var body = Part(new
        {
            iss = "kkimesh-development",
            aud = "kkimesh",
            sub = subject,
            region,
            role = roles,
            iat = now.ToUnixTimeSeconds(),
            nbf = now.ToUnixTimeSeconds(),
            exp = (now + Life).ToUnixTimeSeconds(),
        });
        var signature = HMACSHA256.HashData(Convert.FromBase64String(key), Encoding.ASCII.GetBytes($"{head}.{body}"));
        return $"{head}.{body}.{Base64Url(signature)}";
    }

    private static string Part<T>(T value) => Base64Url(JsonSerializer.SerializeToUtf8Bytes(value));

    private static string Base64Url(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);
}
