using Microsoft.Extensions.Primitives;

namespace KkiMesh.Gateway;

/// <summary>
/// What every answer tells a browser not to do. What a service says itself
/// stays, where there is anything stricter to say.
/// </summary>
internal static class AnswerHeaders
{
    // No form-action: browsers hold it against the redirect that follows a post, and after
    // sign-in and consent that goes to a client's own address.
    private const string Page = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";
    private const string Data = "default-src 'none'; frame-ancestors 'none'";

    // The whole script of the page that answers a client which asked for response_mode=form_post.
    private const string PostsItself = "'sha256-j7OoGArf6XW6YY4cAyS3riSSvrJRqpSi1fOF9vQ5SrI='";

    public static void UseAnswerHeaders(this WebApplication app) => app.Use((http, next) =>
    {
        // At the last moment, when it is known what the answer is, and after everybody else.
        http.Response.OnStarting(() =>
        {
            Complete(http);
            return Task.CompletedTask;
        });
        return next(http);
    });

    private static void Complete(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers.TryAdd("Referrer-Policy", "no-referrer");
        headers.TryAdd("Cross-Origin-Opener-Policy", "same-origin");
        headers.TryAdd("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()");
        headers.TryAdd("Content-Security-Policy", Policy(http));
        if (!StringValues.IsNullOrEmpty(http.Request.Headers.Authorization))
            headers.TryAdd("Cache-Control", "no-store");
    }

    private static string Policy(HttpContext http) =>
        http.Response.ContentType?.StartsWith("text/html", StringComparison.OrdinalIgnoreCase) != true ? Data
        : http.Request.Path.StartsWithSegments("/connect/authorize", StringComparison.OrdinalIgnoreCase) ? $"{Page}; script-src {PostsItself}"
        : Page;
}
