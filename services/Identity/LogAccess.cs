using OpenIddict.Abstractions;

namespace KkiMesh.Identity;

/// <summary>
/// Writes down who called the API about whom, whatever the answer: before the
/// answer goes out, so that none is forgotten.
/// </summary>
internal static class LogAccess
{
    private const string Subject = "access is about";

    /// <summary>On endpoints whose calls are written down.</summary>
    internal sealed record Mark;

    /// <summary>Says whose data a call is about.</summary>
    public static void IsAbout(this HttpContext http, string subject) => http.Items[Subject] = subject;

    public static Task WhenAnswered(HttpContext http, RequestDelegate next)
    {
        // A failure makes the request forget its endpoint.
        if (http.GetEndpoint() is RouteEndpoint endpoint && endpoint.Metadata.GetMetadata<Mark>() is not null)
        {
            var region = (string)http.Request.RouteValues["region"]!;
            // The form of the path: what stands in its place may be anything.
            var what = $"{http.Request.Method} {endpoint.RoutePattern.RawText!.Split('/', 4)[^1].Replace(":guid", "", StringComparison.Ordinal)}";
            http.Response.OnStarting(() => WriteAsync(http, region, what));
        }

        return next(http);
    }

    private static async Task WriteAsync(HttpContext http, string region, string what)
    {
        if (http.User.GetClaim(OpenIddictConstants.Claims.Subject) is not { } caller)
            return;
        var claims = http.User.GetClaims(TokenRoles.ClaimType).Select(role => role.Split('/'));
        var roles = string.Join(' ', claims.Where(role => role[0] == region).Select(role => role[1]).Distinct());
        await using var scope = http.RequestServices.GetRequiredService<IServiceScopeFactory>().CreateAsyncScope();
        var store = scope.ServiceProvider.GetRequiredService<IdentityStore>();
        var now = scope.ServiceProvider.GetRequiredService<TimeProvider>().GetUtcNow();
        store.AccessLog.Add(new AccessRecord
        {
            Id = Guid.CreateVersion7(now),
            Region = region,
            At = now,
            Subject = caller,
            Roles = roles[..Math.Min(roles.Length, AccessRecord.LongestRoles)],
            What = what,
            About = http.Items[Subject] as string,
            Status = http.Response.StatusCode,
        });
        try
        {
            // Also where the caller has hung up: what was changed is changed.
            await store.SaveChangesAsync(CancellationToken.None);
        }
        catch (Exception e) when (http.Response.StatusCode >= StatusCodes.Status500InternalServerError)
        {
            // Nothing was read or changed; why it failed says more than that this failed, too.
            scope.ServiceProvider.GetRequiredService<ILogger<IdentityStore>>().LogWarning("A call could not be written down: {Reason}", e.Message);
        }
    }
}
