using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using KkiMesh.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// The write path of one HTTP command: the same <c>Idempotency-Key</c> with the same request has one effect
/// and one answer, however often and however concurrently it comes; events, snapshot and answer are saved in
/// one transaction. An endpoint marked with <see cref="CommandEndpoints.AsCommand"/> takes it as a
/// parameter; a call of gRPC makes one, see <see cref="Calls"/>.
/// </summary>
public sealed class Command
{
    private readonly HttpContext _http;
    private readonly CommandGroups _groups;
    private readonly string _service;
    private readonly string _operation;
    private readonly string _role;
    private readonly string _receipt;
    private readonly string _fingerprint;
    private bool _isAsked;

    internal Command(HttpContext http, string idempotencyKey, string fingerprint)
    {
        _http = http;
        _groups = http.RequestServices.GetRequiredService<CommandGroups>();
        Now = http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        _service = http.RequestServices.GetRequiredService<MeshService>().Name;
        _operation = http.GetEndpoint()?.DisplayName ?? http.Request.Path;
        _role = Needs.Of(http)?.Found(http)?.Name ?? "";
        _receipt = CommandEndpoints.Hash($"{Region}\n{Actor}\n{_operation}\n{idempotencyKey}");
        _fingerprint = fingerprint;
    }

    /// <summary>The region of the path, or of the call's message.</summary>
    public string Region => (string)_http.Request.RouteValues["region"]!;

    /// <summary>The subject of the token.</summary>
    public string Actor => _http.User.FindFirstValue("sub") ?? "";

    /// <summary>
    /// When the command came, UTC. It stays the same however long the command waits for its group, so that what is
    /// decided never counts for a day after the one on which it is recorded.
    /// </summary>
    public DateTimeOffset Now { get; }

    /// <summary>The day, in Europe/Ljubljana.</summary>
    public DateOnly Today => BusinessDate.Of(Now);

    /// <summary>A new UUIDv7.</summary>
    public Guid NewId() => Guid.CreateVersion7(Now);

    /// <summary>The command, which may decide on somebody, decides on nobody this time.</summary>
    public void ConcernsNobody() => _isAsked = true;

    /// <summary>
    /// Why the caller does not decide on what concerns these: 403 with the rule (<see cref="Conflicts"/>); null where no
    /// rule is against it. Ask it before what else may be against it, on the state that is decided on.
    /// </summary>
    public Refusal? WhyNotBy(Concerned whom)
    {
        _isAsked = true;
        return Conflicts.WhyNot(new Decider(Actor, subject => _http.HasJust(Roles.Member, subject.ToString())), whom);
    }

    /// <summary>Minimal APIs call this for a parameter of this type.</summary>
    public static ValueTask<Command> BindAsync(HttpContext http) =>
        ValueTask.FromResult(http.Features.GetRequiredFeature<Command>());

    /// <summary>Begins a stream: 201, or 409 where there is one of this key.</summary>
    /// <param name="stream">Its new key.</param>
    /// <param name="decision">What happens first, or why not.</param>
    /// <param name="location">The address of what was created, below the service's own.</param>
    /// <param name="view">What of the new state the caller may see, where that is not all of it.</param>
    public Task<IResult> Start<T>(object stream, Decision decision, string location, Func<T, T>? view = null)
        where T : class, IAggregate<T> =>
        Decide(
            stream.ToString()!,
            (T? state) => state is null ? decision : IsThere<T>(stream),
            $"/{Region}/{_service}/{location}",
            thread: null,
            view);

    /// <summary>Begins several streams in one transaction: 201, or 409 and none of them where one is there.</summary>
    /// <param name="streams">Their new keys, each once.</param>
    /// <param name="decisions">What happens first on each, or why not.</param>
    /// <param name="location">The address of the first, below the service's own.</param>
    /// <param name="view">The answer.</param>
    public Task<IResult> StartAll<T>(
        IReadOnlyList<string> streams,
        IReadOnlyList<Decision> decisions,
        string location,
        Func<IReadOnlyList<T>, object> view)
        where T : class, IAggregate<T> =>
        Save(new WaitingCommandOnAll<T>(
            Cause(thread: null),
            streams,
            _receipt,
            states => decisions.All(d => d.Refusal is null)
                && streams.Zip(states).FirstOrDefault(s => s.Second is not null).First is { } known
                ? [IsThere<T>(known)]
                : decisions,
            states => Receipt(view([.. states.OfType<T>()]), $"/{Region}/{_service}/{location}"),
            _http.RequestAborted));

    /// <summary>Decides on a stream that may still have to begin: 200 in any case.</summary>
    /// <param name="stream">Its key.</param>
    /// <param name="decide">What happens, or why not; null: nothing has happened yet.
    /// Pure: it may be called again on newer state.</param>
    public Task<IResult> Begin<T>(string stream, Func<T?, Decision> decide)
        where T : class, IAggregate<T> =>
        Decide(stream, decide, location: null, thread: null, view: null);

    /// <summary>Decides on the state of a stream: 200, or 404 where there is no such stream.</summary>
    /// <param name="stream">Its key.</param>
    /// <param name="decide">What happens, or why not. Pure: it may be called again on newer state.</param>
    /// <param name="thread">The thread that it belongs to, where that is not the aggregate's own.</param>
    /// <param name="view">What of the new state the caller may see, where that is not all of it.</param>
    public Task<IResult> On<T>(object stream, Func<T, Decision> decide, string? thread = null, Func<T, T>? view = null)
        where T : class, IAggregate<T> =>
        Decide(
            stream.ToString()!,
            (T? state) => state is null ? Refusal.NotFound<T>(stream, Region) : decide(state),
            location: null,
            thread,
            view);

    /// <summary>
    /// Decides on a stream by what another one says, on which nobody decides meanwhile; answers with the first: 200, or
    /// 201 where it begins.
    /// </summary>
    /// <param name="stream">The key of the stream that is decided on.</param>
    /// <param name="other">The key of the other one.</param>
    /// <param name="decide">What happens, or why not; null where a stream is not there. Pure: it may be called again on
    /// newer state.</param>
    /// <param name="location">The address of a stream that begins, below the service's own; null where none does.</param>
    /// <param name="view">What of the new state the caller may see, where that is not all of it.</param>
    public Task<IResult> OnBeside<T, TOther>(
        object stream, object other, Func<T?, TOther?, Decision> decide, string? location = null, Func<T, T>? view = null)
        where T : class, IAggregate<T>
        where TOther : class, IAggregate<TOther> =>
        Save(new WaitingCommandBeside<T, TOther>(
            Cause(thread: null),
            stream.ToString()!,
            other.ToString()!,
            _receipt,
            decide,
            state => Receipt(view is null ? state : view(state!), location is null ? null : $"/{Region}/{_service}/{location}"),
            _http.RequestAborted));

    /// <summary>
    /// Decides on the state of a stream and a part of it, and answers with the part: 201 where it
    /// is new, else 200; 404 where there is no such stream.
    /// </summary>
    /// <param name="stream">The stream's key.</param>
    /// <param name="part">The part's key.</param>
    /// <param name="decide">What happens, or why not; the part is null where there is none yet.
    /// Pure: it may be called again on newer state.</param>
    /// <param name="location">The address of a part that is created, below the
    /// service's own; null where none is.</param>
    public Task<IResult> On<T, TPart>(object stream, object part, Func<T, TPart?, Decision> decide, string? location = null)
        where T : class, IAggregate<T>
        where TPart : class, IPart<TPart> =>
        Save(new WaitingCommand<T, TPart>(
            // What happens to a part is a thread of its own, not that of all its siblings.
            Cause(part.ToString()),
            stream.ToString()!,
            part.ToString()!,
            _receipt,
            (state, of) => state is null ? Refusal.NotFound<T>(stream, Region) : decide(state, of),
            state => Receipt(state, location is null ? null : $"/{Region}/{_service}/{location}"),
            _http.RequestAborted));

    /// <summary>
    /// Decides on several streams at once, and answers with what became of them: 200, or 404 where one is not there.
    /// </summary>
    /// <param name="streams">Their keys, each once.</param>
    /// <param name="decide">What happens on each, or why not; a refusal refuses all of it.
    /// Pure: it may be called again on newer state.</param>
    /// <param name="view">The answer; null: the states.</param>
    /// <param name="thread">The thread that all of it belongs to.</param>
    public Task<IResult> OnAll<T>(
        IReadOnlyList<string> streams, Func<IReadOnlyList<T>, IReadOnlyList<Decision>> decide, Func<IReadOnlyList<T>, object>? view = null, string? thread = null)
        where T : class, IAggregate<T> =>
        Save(new WaitingCommandOnAll<T>(
            Cause(thread),
            streams,
            _receipt,
            states => streams.Zip(states).Where(s => s.Second is null).Select(s => (Decision)Refusal.NotFound<T>(s.First, Region)).FirstOrDefault() is { } missing
                ? [missing]
                : decide(states!),
            states => Receipt(view is null ? (object)states : view(states!), location: null),
            _http.RequestAborted));

    /// <summary>The same on two parts of different kinds; it answers with the first.</summary>
    /// <param name="stream">The stream's key.</param>
    /// <param name="part">The part's key.</param>
    /// <param name="other">The other part's key.</param>
    /// <param name="decide">What happens, or why not; a part is null where there is none yet.
    /// Pure: it may be called again on newer state.</param>
    /// <param name="thread">The thread that it belongs to, where that is not the first part's own.</param>
    /// <param name="view">What of the new state the caller may see, where that is not all of it.</param>
    public Task<IResult> On<T, TPart, TOther>(
        object stream, object part, object other, Func<T, TPart?, TOther?, Decision> decide, string? thread = null, Func<TPart, TPart>? view = null)
        where T : class, IAggregate<T>
        where TPart : class, IPart<TPart>
        where TOther : class, IPart<TOther> =>
        Save(new WaitingCommand<T, TPart, TOther>(
            Cause(thread ?? part.ToString()),
            stream.ToString()!,
            part.ToString()!,
            other.ToString()!,
            _receipt,
            (state, of, beside) => state is null ? Refusal.NotFound<T>(stream, Region) : decide(state, of, beside),
            state => Receipt(state is null || view is null ? state : view(state), location: null),
            _http.RequestAborted));

    private Refusal IsThere<T>(object stream) => Refusal.Conflict(
        $"There is a {typeof(T).Name.ToLowerInvariant()} {stream} in {Region} already.");

    private Task<IResult> Decide<T>(string stream, Func<T?, Decision> decide, string? location, string? thread, Func<T, T>? view)
        where T : class, IAggregate<T> =>
        Save(new WaitingCommand<T>(
            Cause(thread), stream, _receipt, decide, state => Receipt(view is null ? state : view(state!), location), _http.RequestAborted));

    private Cause Cause(string? thread) => new(Region, Actor, _role, NewId().ToString(), thread);

    // It is not left before its group is done: what it decides with belongs to this request.
    private async Task<IResult> Save(WaitingCommand command) => await _groups.SaveAsync(command) switch
    {
        { Refusal: { } refusal } => Refused(refusal),
        { IsReplayed: true } outcome => AnswerAgain(outcome.Receipt!),
        _ when HasForgottenWhom() => throw new InvalidOperationException($"{_operation} decides on somebody and has not asked whether its caller may."),
        var outcome => AnswerNow(outcome.Receipt!),
    };

    // A bug that each test of the endpoint finds.
    private bool HasForgottenWhom() => !_isAsked && Conflicts.Whom.Of(_http.GetEndpoint()?.Metadata ?? []) is { IsAsked: true };

    private CommandReceipt Receipt<TAnswer>(TAnswer state, string? location) => new(
        _receipt,
        _fingerprint,
        location is null ? StatusCodes.Status200OK : StatusCodes.Status201Created,
        location,
        JsonSerializer.Serialize(state, AnswerJson.Options));

    private IResult AnswerNow(CommandReceipt receipt)
    {
        MeshTelemetry.Command(_operation, "done");
        return Answer(receipt);
    }

    private IResult Refused(Refusal refusal)
    {
        MeshTelemetry.Command(_operation, "refused");
        return Problems.Of(refusal);
    }

    private IResult AnswerAgain(CommandReceipt receipt)
    {
        MeshTelemetry.Command(_operation, "replayed");
        if (receipt.Fingerprint != _fingerprint)
            return Problems.Of(Refusal.Invalid(CommandEndpoints.KeyHeader, "This key was used before for a different request."));
        _http.Response.Headers["Idempotency-Replayed"] = "true";
        return Answer(receipt);
    }

    private IResult Answer(CommandReceipt receipt)
    {
        if (receipt.Location is not null)
            _http.Response.Headers.Location = receipt.Location;
        return Results.Text(receipt.Body, "application/json", Encoding.UTF8, receipt.Status);
    }
}

/// <summary>Marks endpoints as commands.</summary>
public static class CommandEndpoints
{
    internal const string KeyHeader = "Idempotency-Key";
    private const int MaxBody = 64 * 1024;
    private const int MaxKey = 200;

    private sealed record Metadata;

    private sealed record BodyLimit(int Bytes);

    /// <summary>
    /// The endpoint changes something: it needs an <c>Idempotency-Key</c> and one of these roles in the path's region;
    /// it answers with the new state, or with a problem.
    /// </summary>
    /// <typeparam name="T">The aggregate that it answers with.</typeparam>
    public static RouteHandlerBuilder AsCommand<T>(this RouteHandlerBuilder endpoint, string summary, params Role[] roles) =>
        endpoint.Answers<T>(StatusCodes.Status200OK, summary, roles);

    /// <summary>The same where it creates an aggregate: it answers 201 with the address of what is new.</summary>
    /// <typeparam name="T">The aggregate that it creates.</typeparam>
    public static RouteHandlerBuilder AsCreation<T>(this RouteHandlerBuilder endpoint, string summary, params Role[] roles) =>
        endpoint.Answers<T>(StatusCodes.Status201Created, summary, roles);

    /// <summary>The command's body may have this many bytes, where 64 KiB are too few.</summary>
    public static RouteHandlerBuilder WithBodyUpTo(this RouteHandlerBuilder endpoint, int bytes) => endpoint.WithMetadata(new BodyLimit(bytes));

    private static RouteHandlerBuilder Answers<T>(this RouteHandlerBuilder endpoint, int status, string summary, Role[] roles)
    {
        foreach (var problem in (int[])[400, 401, 403, 404, 409, 413, 422, 503])
            endpoint.ProducesProblem(problem);
        return endpoint.WithMetadata(new Metadata()).WithSummary(summary).Produces<T>(status).For(roles);
    }

    internal static bool IsCommand(IEnumerable<object> metadata) => metadata.OfType<Metadata>().Any();

    /// <summary>The key, as the service's OpenAPI document shows it.</summary>
    internal static OpenApiParameter KeyParameter => new()
    {
        Name = KeyHeader,
        In = ParameterLocation.Header,
        Required = true,
        Description = "Chosen by the client, new for each command. Sent again with the same request, it has no second effect and gets the first answer; kept 7 days.",
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = MaxKey },
    };

    /// <summary>Reads key and body of a command before the endpoint binds them.</summary>
    internal static async Task Prepare(HttpContext http, RequestDelegate next)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<Metadata>() is not null)
        {
            var key = http.Request.Headers[KeyHeader].ToString();
            if (!IsKey(key))
            {
                await Problems.Of(400, NoKey, KeyHeader).ExecuteAsync(http);
                return;
            }

            var most = http.GetEndpoint()?.Metadata.GetMetadata<BodyLimit>()?.Bytes ?? MaxBody;
            http.Request.EnableBuffering(most, most);
            try
            {
                http.Features.Set(new Command(http, key, await Fingerprint(http)));
            }
            catch (IOException)
            {
                await Problems.Of(413, $"This command's body has at most {most / 1024} KiB.").ExecuteAsync(http);
                return;
            }
        }

        await next(http);
    }

    internal static string NoKey => $"A command needs the header {KeyHeader}: 1 to {MaxKey} visible ASCII characters.";

    internal static bool IsKey(string key) => key.Length is > 0 and <= MaxKey && key.All(c => c is >= '!' and <= '~');

    internal static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static async Task<string> Fingerprint(HttpContext http)
    {
        var body = Convert.ToHexStringLower(await SHA256.HashDataAsync(http.Request.Body, http.RequestAborted));
        http.Request.Body.Position = 0;
        return Hash($"{http.Request.Method} {http.Request.Path}{http.Request.QueryString}\n{body}");
    }
}
