using System.Security.Claims;
using Marten;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace KkiMesh.ServiceDefaults;

/// <summary>Somebody read or changed money or personal data, or tried to.</summary>
/// <param name="Id">Its id.</param>
/// <param name="At">When; UTC.</param>
/// <param name="Account">Who: the subject of the token.</param>
/// <param name="Role">As what; null where no role of theirs allowed it.</param>
/// <param name="Method">The HTTP method.</param>
/// <param name="Path">What, without the question: a question may hold names.</param>
/// <param name="Status">The answer's status.</param>
/// <param name="TraceId">Leads to the rest.</param>
public sealed record AccessRecord(Guid Id, DateTimeOffset At, string Account, string? Role, string Method, string Path, int Status, string TraceId);

/// <summary>Who has read or changed what, for an auditor.</summary>
public static class AccessLog
{
    /// <summary>How long a record is kept.</summary>
    internal static readonly TimeSpan Kept = TimeSpan.FromDays(2 * 365);

    internal const string AreaName = "access log";
    internal const string AreaDescription = "Who has read or changed money or personal data here.";

    private const int LongestText = 200;

    private sealed record Logged;

    /// <summary>Whoever shows a token here is recorded, also when they are refused.</summary>
    public static TBuilder LogsAccess<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new Logged());

    /// <summary>Before anything is answered: what cannot be recorded is not shown.</summary>
    internal static Task Write(HttpContext http, RequestDelegate next)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<Logged>() is not null && http.User.FindFirstValue("sub") is { } account)
            http.Response.OnStarting(() => http.Request.RouteValues["region"] is string region ? WriteAsync(http, region, account) : Task.CompletedTask);
        return next(http);
    }

    internal static void MapAccessLog(this RouteGroupBuilder service) => service
        .AreaOfEvery("", AreaName, AreaDescription)
        .MapGet("/access-log", List)
        .WithName("listAccess")
        .Explains("account", "Only what this account did: the subject of its tokens.")
        .WithSummary("Lists who has read or changed money or personal data here, the newest first")
        .Produces<Page<AccessRecord>>().ProducesProblem(400)
        .For(Roles.Auditor)
        .LogsAccess();

    private static async Task<IResult> List(
        string region,
        [Bounds(1, LongestText)] string? account,
        [AsParameters] Paging paging,
        IDocumentStore store,
        CancellationToken ct)
    {
        if (account is { Length: 0 or > LongestText })
            return Problems.Of(400, $"An account has 1 to {LongestText} characters.", "account");
        await using var session = store.QuerySession(region);
        IQueryable<AccessRecord> records = session.Query<AccessRecord>();
        if (account is not null)
            records = records.Where(r => r.Account == account);
        return Results.Ok(await paging.Of(records.OrderByDescending(r => r.Id), ct));
    }

    private static async Task WriteAsync(HttpContext http, string region, string account)
    {
        var call = http.Features.Get<Calls.Entered>();
        var now = http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        var role = Needs.Of(http)?.Found(http)?.Name;
        await using var session = http.RequestServices.GetRequiredService<IDocumentStore>().LightweightSession(region);
        session.Insert(new AccessRecord(
            Guid.CreateVersion7(now), now, Short(account), role, http.Request.Method, Short(http.Request.Path + call?.About), call?.Refusal?.Status ?? http.Response.StatusCode, Trace.Id(http)));
        await session.SaveChangesAsync(CancellationToken.None);
    }

    private static string Short(string text) => text.Length <= LongestText ? text : text[..LongestText];
}
