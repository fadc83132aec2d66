namespace KkiMesh.Gateway;

/// <summary>Which other sites' pages may call the mesh from a browser.</summary>
internal static class Origins
{
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Those in <c>Gateway:Cors:Origins</c> (<c>https://app.example.org</c>, exactly), by
    /// default none. Cookies stay at home: a page shows a token.
    /// </summary>
    /// <exception cref="InvalidOperationException">An entry is no origin; * is none.</exception>
    public static void AddOrigins(this WebApplicationBuilder builder)
    {
        var origins = builder.Configuration.GetSection("Gateway:Cors:Origins").Get<string[]>() ?? [];
        if (Array.Find(origins, o => !IsOrigin(o)) is { } wrong)
            throw new InvalidOperationException(
                $"Gateway:Cors:Origins has {wrong}, which is not an origin such as https://app.example.org, without a path and without *.");
        builder.Services.AddCors(cors => cors.AddDefaultPolicy(policy => policy
            .WithOrigins(origins)
            .WithMethods(HttpMethods.Get, HttpMethods.Head, HttpMethods.Post, HttpMethods.Put, HttpMethods.Patch, HttpMethods.Delete)
            .WithHeaders("Authorization", "Content-Type", "Accept-Language", "Idempotency-Key", "traceparent", "tracestate")
            .WithExposedHeaders("Location", "Retry-After", "WWW-Authenticate", "Idempotency-Replayed")
            .SetPreflightMaxAge(Remembered)));
    }

    // As browsers write it: lower case, and no port that goes without saying.
    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http"
        && uri.GetLeftPart(UriPartial.Authority) == text && !text.Contains('*', StringComparison.Ordinal);
}
