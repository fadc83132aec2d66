using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KkiMesh.ServiceDefaults;

/// <summary>RFC 9457 problems: one clear sentence, and the field at fault.</summary>
public static class Problems
{
    /// <summary>The problem of a refusal.</summary>
    public static IResult Of(Refusal refusal) => Of(refusal.Status, refusal.Reason, refusal.Field);

    /// <summary>A problem.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="sentence">What is wrong, for people.</param>
    /// <param name="field">The field, header or parameter at fault.</param>
    public static IResult Of(int status, string sentence, string? field = null) =>
        field is null
            ? Results.Problem(sentence, statusCode: status)
            : Results.ValidationProblem(
                new Dictionary<string, string[]> { [field] = [sentence] }, sentence, statusCode: status, title: null);

    /// <summary>What an exception is answered as; null where nobody foresaw it.</summary>
    internal static Refusal? Foreseen(Exception exception) => exception switch
    {
        RefusedException refused => refused.Refusal,
        _ when Faults.IsUnstorable(exception) => new Refusal(StatusCodes.Status400BadRequest, "The request has a character that cannot be stored: NUL."),
        BusyException => Busy("Too much is waiting to be saved"),
        _ when StoredFormat.ReasonOf(exception) is { } reason => Busy(reason),
        _ when Faults.IsOutage(exception) => Busy("The database is out of reach for the moment"),
        _ => null,
    };

    /// <summary>What nobody foresaw.</summary>
    internal static Refusal Unforeseen { get; } =
        new(StatusCodes.Status500InternalServerError, "Something went wrong that nobody foresaw; the trace id leads the operator to it.");

    /// <summary>
    /// Whatever fails where the data are of a newer version is no wonder; anything else that nobody foresaw is.
    /// </summary>
    internal static Refusal OfFailure(HttpContext http) =>
        http.RequestServices.GetService<StoredFormat>()?.WhyNot is { } reason ? Busy(reason) : Unforeseen;

    private static Refusal Busy(string reason) => new(StatusCodes.Status503ServiceUnavailable, $"{reason}; try again with the same key.");
}

/// <summary>A refusal from where no decision can be returned; it is answered as one.</summary>
public sealed class RefusedException(Refusal refusal) : Exception(refusal.Reason)
{
    /// <summary>Why not.</summary>
    public Refusal Refusal => refusal;
}

/// <summary>Turns what an endpoint throws into a problem; only what nobody foresaw is a 500.</summary>
internal sealed partial class ProblemOfException(ILogger<ProblemOfException> log) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext http, Exception exception, CancellationToken ct)
    {
        if (http.RequestAborted.IsCancellationRequested)
            return true;

        var result = exception switch
        {
            BadHttpRequestException { InnerException: TextException text } => Problems.Of(
                StatusCodes.Status400BadRequest, text.Message, Field(text)),
            BadHttpRequestException { InnerException: JsonException json } => Problems.Of(
                StatusCodes.Status400BadRequest, "The body is not the JSON that this takes: " + Sentence(json), Field(json)),
            BadHttpRequestException bad when Parameter().Match(bad.Message) is { Success: true } match => Problems.Of(
                bad.StatusCode, $"The value of {match.Groups["name"].Value} does not fit, or is missing.", match.Groups["name"].Value),
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => Problems.Of(413, "The body is too large."),
            BadHttpRequestException bad => Problems.Of(bad.StatusCode, "The request could not be read: its body or content type does not fit."),
            _ => Problems.Of(Problems.Foreseen(exception) ?? Problems.OfFailure(http)),
        };
        if (StoredFormat.ReasonOf(exception) is { } reason)
            log.LogDebug("{Method} {Path} is refused: {Reason}", http.Request.Method, http.Request.Path, reason);
        else if (Faults.IsOutage(exception))
            log.LogWarning(exception, "The database is out of reach");
        else if (exception is not (BadHttpRequestException or RefusedException or BusyException) && !Faults.IsUnstorable(exception))
            log.LogError(exception, "Unforeseen failure of {Method} {Path}, trace {TraceId}", http.Request.Method, http.Request.Path, Trace.Id(http));
        if (result is IStatusCodeHttpResult { StatusCode: StatusCodes.Status503ServiceUnavailable })
            http.Response.Headers.RetryAfter = "2";
        await result.ExecuteAsync(http);
        return true;
    }

    // What ASP.NET says of a parameter that does not bind: '... parameter "Type name" from ...'.
    [GeneratedRegex("""parameter "[^"]* (?<name>\w+)" """, RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Parameter();

    private static string Field(JsonException json) =>
        Named(json) is { } name ? name
        : json.Path is { Length: > 2 } path ? path[2..]
        : "body";

    // The serializer's own text names .NET types, which are nobody's business.
    private static string Sentence(JsonException json) =>
        json.Message.Contains("could not be mapped", StringComparison.Ordinal) ? $"it has no field {Named(json)}."
        : IsTwice(json) ? $"{Named(json) ?? "a member"} is there twice."
        : Named(json) is { } missing ? $"{missing} is missing."
        : json.Message.Contains("null", StringComparison.Ordinal) ? "a required value is null."
        : json.Path is { Length: > 2 } path ? $"the value at {path} does not fit."
        : "it cannot be read as JSON of this form.";

    private static bool IsTwice(JsonException json) => json.Message.StartsWith("Duplicate propert", StringComparison.Ordinal);

    // What the serializer says of a property that is missing or too much: "…
    // including: 'title', …", "… property 'notes' …".
    private static string? Named(JsonException json) =>
        (IsTwice(json)
            || json.Message.Contains("missing required", StringComparison.Ordinal)
            || json.Message.Contains("could not be mapped", StringComparison.Ordinal))
        && Quoted().Match(json.Message) is { Success: true } match
            ? match.Groups["name"].Value
            : null;

    [GeneratedRegex("(including: |property )'(?<name>[^'.]{1,100})'", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Quoted();
}

internal static class Trace
{
    /// <summary>What a problem and the log both name.</summary>
    public static string Id(HttpContext http) => Activity.Current?.TraceId.ToString() ?? http.TraceIdentifier;
}

internal static class ProblemOptions
{
    public const string NoToken = "This needs a valid token: Authorization: Bearer ….";

    /// <summary>
    /// Every problem has a sentence, names fields as the request spells them, and says which trace to look for.
    /// </summary>
    public static void Customize(ProblemDetailsOptions options) => options.CustomizeProblemDetails = context =>
    {
        var problem = context.ProblemDetails;
        if (problem is HttpValidationProblemDetails invalid)
        {
            invalid.Errors = invalid.Errors.ToDictionary(
                e => Text.Cleaned(Spelled(e.Key)), e => e.Value.Select(Shown).ToArray());
            invalid.Detail ??= invalid.Errors.Values.SelectMany(e => e).FirstOrDefault();
        }

        problem.Detail ??= Sentence(problem.Status, context.HttpContext);
        // It may name what was asked for, which may be anything.
        problem.Detail = problem.Detail is { } detail ? Shown(detail) : null;
        problem.Extensions["traceId"] = Trace.Id(context.HttpContext);
    };

    private static string Shown(string sentence) => Text.Cleaned(sentence, hasLines: true);

    // A header's name stays as it is.
    private static string Spelled(string field) => field.Contains('-', StringComparison.Ordinal) ? field : string.Join('.', field.Split('.').Select(JsonNamingPolicy.CamelCase.ConvertName));

    // What the framework refuses by itself, without a word.
    private static string? Sentence(int? status, HttpContext http) => status switch
    {
        StatusCodes.Status401Unauthorized => NoToken,
        StatusCodes.Status403Forbidden => "The token's role, or its region, does not allow this.",
        StatusCodes.Status404NotFound => "There is nothing at this address.",
        StatusCodes.Status405MethodNotAllowed => "This address does not know this method; the header Allow names those that it knows.",
        StatusCodes.Status413PayloadTooLarge => "The body is too large.",
        StatusCodes.Status415UnsupportedMediaType => $"The body's Content-Type is not what this takes: {Accepted(http)}.",
        _ => null,
    };

    // Routing has put an endpoint of its own in the place of the one that was meant: that one is looked for anew.
    private static string Accepted(HttpContext http)
    {
        var meant = http.RequestServices.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains(http.Request.Method) == true
                && new TemplateMatcher(new RouteTemplate(e.RoutePattern), []).TryMatch(http.Request.Path, []))
            .OrderBy(e => e.RoutePattern.InboundPrecedence);
        return string.Join(" or ", meant.Select(e => e.Metadata.GetMetadata<IAcceptsMetadata>()?.ContentTypes).FirstOrDefault(t => t is not null) ?? ["application/json"]);
    }
}
