using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using KkiMesh.ServiceDefaults;
using Microsoft.Extensions.ServiceDiscovery;
using Scalar.AspNetCore;

namespace KkiMesh.Gateway;

/// <summary>The services behind the gateway.</summary>
/// <param name="Names">Their names.</param>
internal sealed record Upstreams(IReadOnlyList<string> Names);

/// <summary>What waits to be relayed by a service.</summary>
/// <param name="Events">How many events.</param>
/// <param name="WaitedSeconds">For how long the oldest has waited.</param>
internal sealed record Backlog(long Events, long WaitedSeconds);

/// <summary>What a replica says of itself.</summary>
/// <param name="Status">ready, degraded, unready, or down where it says nothing.</param>
/// <param name="Checks">Each of its checks: ready, degraded or unready.</param>
/// <param name="Relay">What its service has to relay; null where it says nothing of that.</param>
internal sealed record Replica(string Status, IReadOnlyDictionary<string, string> Checks, Backlog? Relay = null)
{
    public const string IsDown = "down";

    public static readonly Replica Down = new(IsDown, new Dictionary<string, string>());
}

/// <summary>What the gateway itself asks services for.</summary>
internal static class UpstreamEndpoints
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private const int LargestDocument = 4 * 1024 * 1024;
    private const string SignedIn = "/docs/signed-in";

    // From the best to the worst.
    private static readonly string[] Words = [Health.Ready, Health.Degraded, Health.Unready, Replica.IsDown];

    // As the services' documents call it.
    private const string OAuthScheme = "sign-in";

    // A service writes its document when it is asked, which takes a large one seconds the first time.
    private static readonly TimeSpan PatienceForDocument = TimeSpan.FromSeconds(30);

    private static readonly HttpClient Http = To(Patience);
    private static readonly HttpClient Documents = To(PatienceForDocument);

    // Straight to the replica: through no proxy of the machine's, and nowhere that it might point to.
    private static HttpClient To(TimeSpan patience) => new(new SocketsHttpHandler
    {
        ConnectTimeout = Patience,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        UseProxy = false,
        AllowAutoRedirect = false,
    })
    {
        Timeout = patience,
        MaxResponseContentBufferSize = LargestDocument,
    };

    /// <summary>Whether this asks only how the gateway or the services are.</summary>
    public static bool AsksForHealth(this HttpContext http) => http.Request.Path.Value is "/alive" or "/health";

    /// <summary>
    /// How each service is, by its best replica: ready, degraded, unready or down. All of the mesh is ready, degraded
    /// (200: each service takes commands), or unready (503: some service takes none).
    /// </summary>
    public static void MapServiceHealth(this WebApplication app) => app.MapGet("/health", async (Upstreams upstreams, ServiceEndpointResolver resolver, CancellationToken ct) =>
    {
        var states = await Task.WhenAll(upstreams.Names.Select(async name => (Name: name, Replicas: await ReplicasAsync(name, resolver, ct))));
        var services = states.ToDictionary(s => s.Name, s => new { status = Best(s.Replicas), replicas = s.Replicas });
        var worst = Words.Last(word => word == Health.Ready || services.Values.Any(s => s.status == word));
        var status = worst == Replica.IsDown ? Health.Unready : worst;
        return Results.Json(
            new { status, services },
            statusCode: status == Health.Unready ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK);
    }).ExcludeFromDescription();

    /// <summary>The API of every service: its document, and one page that shows them all.</summary>
    public static void MapServiceDocuments(this WebApplication app)
    {
        app.MapGet("/openapi/{service}.json", async (string service, HttpContext http, Upstreams upstreams, ServiceEndpointResolver resolver, CancellationToken ct) =>
            !upstreams.Names.Contains(service)
                ? Problems.Of(StatusCodes.Status404NotFound, $"There is no service {service}; the services are {string.Join(", ", upstreams.Names)}.")
                : await DocumentAsync(service, resolver, ct) is { } document
                    ? Results.Text(document, "application/json")
                    : ForwardingProblems.OutOfReach(http, service))
            .ExcludeFromDescription();
        // Where the page's sign-in comes back to: the page reads the address of this one and closes it.
        app.MapGet(SignedIn, () => Results.Text("Done. This window closes by itself.")).ExcludeFromDescription();
        app.MapScalarApiReference("/docs", (options, http) =>
        {
            StayHome(http);
            SignIn(options, http.Request);
            options.WithTitle("KkiMesh").WithOpenApiRoutePattern("/openapi/{documentName}.json").DisableDefaultFonts().DisableAgent().DisableMcp().DisableTelemetry().WithNonce();
            options.HideClientButton().HideDeveloperTools();
            // A reader looks for the policy first, and for accounts later.
            var names = http.RequestServices.GetRequiredService<Upstreams>().Names;
            foreach (var name in names.OrderBy(name => name == GatewayApp.Identity))
                options.AddDocument(name);
        });
        app.MapGet("/", () => Results.Redirect("/docs")).ExcludeFromDescription();
    }

    // Scalar's program knows addresses of its makers: the browser is told to go to none of them, whatever is clicked.
    // It writes its own styles, and its page has a script of its own, which is known by a word that is new each time.
    private static void StayHome(HttpContext http) => http.Response.OnStarting(() =>
    {
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.ContentSecurityPolicy =
            $"default-src 'none'; script-src 'self' 'nonce-{http.Items[ScalarOptions.NonceHttpContextItemKey]}'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
            + "img-src 'self' data: blob:; font-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
        return Task.CompletedTask;
    });

    private static void SignIn(ScalarOptions options, HttpRequest request) => options
        .AddPreferredSecuritySchemes(OAuthScheme)
        .AddAuthorizationCodeFlow(OAuthScheme, flow => flow
            .WithClientId("mesh")
            .WithPkce(Pkce.Sha256)
            .WithSelectedScopes("openid", "kkimesh")
            .WithRedirectUri($"{request.Scheme}://{request.Host}{SignedIn}"));

    private static string Best(List<Replica> replicas) =>
        Words.First(word => word == Replica.IsDown || replicas.Exists(r => r.Status == word));

    private static async Task<List<Replica>> ReplicasAsync(string service, ServiceEndpointResolver resolver, CancellationToken ct)
    {
        var endpoints = await resolver.GetEndpointsAsync($"http://{service}", ct);
        return [.. await Task.WhenAll(endpoints.Endpoints.Select(e => ReplicaAsync(e, ct)))];
    }

    private static async Task<Replica> ReplicaAsync(ServiceEndpoint endpoint, CancellationToken ct)
    {
        try
        {
            using var answer = await Http.GetAsync(At(endpoint, "/health"), ct);
            var body = Parse(await answer.Content.ReadAsStringAsync(ct));
            return new Replica(answer.StatusCode == HttpStatusCode.OK ? Word(body?["status"]) : Health.Unready, Checks(body), Waiting(body));
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return Replica.Down;
        }
    }

    // Three words and two numbers only, so that no detail of the inside gets out with a check.
    private static Dictionary<string, string> Checks(JsonObject? body) =>
        (body?["checks"] as JsonObject)?.ToDictionary(c => c.Key, c => Word(c.Value)) ?? [];

    private static string Word(JsonNode? said) =>
        said is JsonValue value && value.TryGetValue<string>(out var word) && word is Health.Ready or Health.Degraded
            ? word
            : Health.Unready;

    private static Backlog? Waiting(JsonObject? body) =>
        body?["relay"] is JsonObject relay && Number(relay["events"]) is { } events && Number(relay["waitedSeconds"]) is { } waited
            ? new Backlog(events, waited)
            : null;

    private static long? Number(JsonNode? said) => said is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;

    private static async Task<string?> DocumentAsync(string service, ServiceEndpointResolver resolver, CancellationToken ct)
    {
        foreach (var endpoint in (await resolver.GetEndpointsAsync($"http://{service}", ct)).Endpoints)
        {
            try
            {
                if (Parse(await Documents.GetStringAsync(At(endpoint, "/openapi/v1.json"), ct)) is { } document)
                {
                    document["servers"] = new JsonArray(new JsonObject { ["url"] = "/" });
                    return document.ToJsonString();
                }
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // The next replica may answer.
            }
        }

        return null;
    }

    private static Uri At(ServiceEndpoint endpoint, string path) => new(new Uri(DiscoveredDestinations.Address(endpoint)), path);

    private static JsonObject? Parse(string json)
    {
        try
        {
            return JsonNode.Parse(json) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
