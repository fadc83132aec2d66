using System.Security.Claims;
using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Net.Http.Headers;
using OpenIddict.Abstractions;
using OpenIddict.Validation.AspNetCore;

namespace KkiMesh.Identity;

/// <summary>What the endpoints for other programs have in common.</summary>
internal static class Api
{
    private const int MaxBody = 64 * 1024;

    /// <summary>
    /// The group <c>/{region}/identity</c>. Only a token of this server counts, never a browser's cookie; one that
    /// reads events alone is not enough. Every call with a token is written down.
    /// </summary>
    public static RouteGroupBuilder MapApi(this WebApplication app) => app.MapGroup("/{region:region}/identity")
        .ChecksQueries()
        .RequireAuthorization(policy => policy
            .AddAuthenticationSchemes(OpenIddictValidationAspNetCoreDefaults.AuthenticationScheme)
            .RequireAuthenticatedUser()
            .RequireAssertion(context => context.User.HasScope(OpenIdServer.MeshScope)))
        .WithMetadata(new LogAccess.Mark(), new RequestSizeLimitAttribute(MaxBody))
        .AddEndpointFilter(Answer)
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status401Unauthorized)
        .ProducesProblem(StatusCodes.Status403Forbidden)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    /// <summary>Who calls: the id of an account, or of a client.</summary>
    public static string Actor(this HttpContext http) => http.User.FindFirstValue(OpenIddictConstants.Claims.Subject)!;

    /// <summary>Reads one page.</summary>
    public static async Task<Page<T>> OfAsync<T>(this Paging paging, IQueryable<T> query, CancellationToken ct)
    {
        var (number, size) = paging.Bounded();
        return new Page<T>(await query.Skip((number - 1) * size).Take(size).ToListAsync(ct), number, size, await query.LongCountAsync(ct));
    }

    // Answers tell of people, and some show a secret.
    private static async ValueTask<object?> Answer(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        context.HttpContext.Response.Headers[HeaderNames.CacheControl] = "no-store";
        try
        {
            return await next(context);
        }
        catch (Exception e) when (Faults.IsConflict(e))
        {
            return Problems.Of(Refusal.Conflict("Somebody changed the same at this moment; try again."));
        }
    }
}
