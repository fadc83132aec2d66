using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Calls whose region is in the message, not in the path, as gRPC has it. Who may is decided when the message has been
/// read; all else is as it is for other endpoints: roles, keys, receipts, the access log.
/// </summary>
public static class Calls
{
    /// <summary>What is known of a call once its message has been read.</summary>
    internal sealed class Entered(Needs? needs, string about)
    {
        public Needs? Needs => needs;

        /// <summary>What the path would name, for the access log.</summary>
        public string About => about;

        /// <summary>Why it was refused: its HTTP status does not say.</summary>
        public Refusal? Refusal { get; set; }
    }

    /// <summary>Takes a call into its region.</summary>
    /// <param name="http">The call.</param>
    /// <param name="region">The message's region.</param>
    /// <param name="about">What the call is about, without a person's name: row and reservation, say.</param>
    /// <param name="roles">One of these is needed in that region; with none, everybody may.</param>
    /// <exception cref="RefusedException">400 where it is no region's name, 404 where the service is not there for it,
    /// 401 without a good token, 403 without the role.</exception>
    public static void Enter(this HttpContext http, string region, string about, params Role[] roles)
    {
        if (!RegionConstraint.IsRegion(region))
            throw new RefusedException(new Refusal(StatusCodes.Status400BadRequest, "A region is 1 to 40 lower case letters, digits and dashes.", "region"));
        if (http.RequestServices.GetRequiredService<Regions>().WhyNot(region) is { } unknown)
            throw new RefusedException(unknown);
        // Everybody looks for it there.
        http.Request.RouteValues["region"] = region;
        var needs = roles.Length == 0 ? null : new Needs(roles);
        http.Features.Set(new Entered(needs, about));
        if (needs is null)
            return;
        if (http.User.Identity?.IsAuthenticated != true)
            throw new RefusedException(new Refusal(StatusCodes.Status401Unauthorized, ProblemOptions.NoToken));
        if (needs.Found(http) is null)
            throw new RefusedException(Refusal.Forbidden(needs.WhyNot(http)));
    }

    /// <summary>
    /// The command that an entered call is: the same key with the same message has one effect and one answer.
    /// </summary>
    /// <param name="http">The call; its header <c>Idempotency-Key</c> is the key.</param>
    /// <param name="message">The message's bytes.</param>
    /// <exception cref="RefusedException">400 where there is no such key.</exception>
    public static Command Command(this HttpContext http, ReadOnlySpan<byte> message)
    {
        var key = http.Request.Headers[CommandEndpoints.KeyHeader].ToString();
        return CommandEndpoints.IsKey(key)
            ? new Command(http, key, CommandEndpoints.Hash($"{http.Request.Path}\n{Convert.ToHexStringLower(SHA256.HashData(message))}"))
            : throw new RefusedException(new Refusal(StatusCodes.Status400BadRequest, CommandEndpoints.NoKey, CommandEndpoints.KeyHeader));
    }

    /// <summary>
    /// Why a call failed, as its caller may hear it. What nobody foresaw is a 500, and goes to the log.
    /// </summary>
    public static Refusal Refused(this HttpContext http, Exception exception)
    {
        var refusal = Problems.Foreseen(exception);
        if (refusal is null)
        {
            http.RequestServices.GetRequiredService<ILogger<ProblemOfException>>()
                .LogError(exception, "Unforeseen failure of {Path}, trace {TraceId}", http.Request.Path, Trace.Id(http));
        }

        refusal ??= Problems.OfFailure(http);
        if (http.Features.Get<Entered>() is { } entered)
            entered.Refusal = refusal;
        return refusal;
    }
}
