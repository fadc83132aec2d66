using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.ServiceDefaults;
using Microsoft.Extensions.Primitives;
using Microsoft.Extensions.ServiceDiscovery;
using Scalar.AspNetCore;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace KkiMesh.Gateway;

/// <summary>Finds a cluster's destinations by service discovery, and again when these change.</summary>
internal sealed class DiscoveredDestinations(ServiceEndpointResolver resolver) : IDestinationResolver
{
    public async ValueTask<ResolvedDestinationCollection> ResolveDestinationsAsync(
        IReadOnlyDictionary<string, DestinationConfig> destinations, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, DestinationConfig>();
        var changes = new List<IChangeToken>();
        foreach (var (name, destination) in destinations)
        {
            var endpoints = await resolver.GetEndpointsAsync(destination.Address, cancellationToken);
            foreach (var (index, endpoint) in endpoints.Endpoints.Index())
                found[$"{name}-{index}"] = destination with { Address = Address(endpoint) };
            changes.Add(endpoints.ChangeToken);
        }

        return new ResolvedDestinationCollection(found, changes.Count == 0 ? null : new CompositeChangeToken(changes));
    }

    internal static string Address(ServiceEndpoint endpoint) => endpoint.EndPoint is UriEndPoint uri ? uri.Uri.ToString() : $"http://{endpoint}";
}

/// <summary>The services behind the gateway.</summary>
/// <param name="Names">Their names.</param>
internal sealed record Upstreams(IReadOnlyList<string> Names);

/// <summary>What the gateway itself asks services for.</summary>
internal static class UpstreamEndpoints
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private const int LargestDocument = 4 * 1024 * 1024;

    private static readonly HttpClient Http = new(new SocketsHttpHandler { ConnectTimeout = Patience, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
    {
        Timeout = Patience,
        MaxResponseContentBufferSize = LargestDocument,
    };

    /// <summary>Whether each service is ready: 200 when each has a replica that is, else 503.</summary>
    public static void MapServiceHealth(this WebApplication app) => app.MapGet("/health", async (Upstreams upstreams, ServiceEndpointResolver resolver, CancellationToken ct) =>
    {
        var states = await Task.WhenAll(upstreams.Names.Select(async name => (Name: name, Replicas: await ReplicasAsync(name, resolver, ct))));
        var ready = states.All(s => s.Replicas.Contains("ready"));
        return Results.Json(
            new
            {
                status = ready ? "ready" : "degraded",
                services = states.ToDictionary(s => s.Name, s => new
                {
                    status = s.Replicas.Contains("ready") ? "ready" : s.Replicas.Contains("unready") ? "unready" : "down",
                    replicas = s.Replicas,
                }),
            },
            statusCode: ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }).ExcludeFromDescription();

    /// <summary>The API of every service: its document, and one page that shows them all.</summary>
    public static void MapServiceDocuments(this WebApplication app)
    {
        app.MapGet("/openapi/{service}.json", async (string service, Upstreams upstreams, ServiceEndpointResolver resolver, CancellationToken ct) =>
            !upstreams.Names.Contains(service)
                ? Problems.Of(StatusCodes.Status404NotFound, $"There is no service {service}; the services are {string.Join(", ", upstreams.Names)}.")
                : await DocumentAsync(service, resolver, ct) is { } document
                    ? Results.Text(document, "application/json")
                    : Problems.Of(StatusCodes.Status503ServiceUnavailable, $"The service {service} is out of reach for the moment."))
            .ExcludeFromDescription();
        app.MapScalarApiReference("/docs", (options, http) =>
        {
            options.WithTitle("KkiMesh").WithOpenApiRoutePattern("/openapi/{documentName}.json").DisableDefaultFonts().DisableAgent().DisableTelemetry();
            foreach (var name in http.RequestServices.GetRequiredService<Upstreams>().Names)
                options.AddDocument(name);
        });
        app.MapGet("/", () => Results.Redirect("/docs")).ExcludeFromDescription();
    }

    private static async Task<List<string>> ReplicasAsync(string service, ServiceEndpointResolver resolver, CancellationToken ct)
    {
        var endpoints = await resolver.GetEndpointsAsync($"http://{service}", ct);
        return [.. await Task.WhenAll(endpoints.Endpoints.Select(e => StateAsync(DiscoveredDestinations.Address(e), ct)))];
    }

    private static async Task<string> StateAsync(string address, CancellationToken ct)
    {
        try
        {
            using var answer = await Http.GetAsync(new Uri(new Uri(address), "/health"), ct);
            return answer.StatusCode == HttpStatusCode.OK ? "ready" : "unready";
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return "down";
        }
    }

    private static async Task<string?> DocumentAsync(string service, ServiceEndpointResolver resolver, CancellationToken ct)
    {
        foreach (var endpoint in (await resolver.GetEndpointsAsync($"http://{service}", ct)).Endpoints)
        {
            try
            {
                var document = JsonNode.Parse(await Http.GetStringAsync(new Uri(new Uri(DiscoveredDestinations.Address(endpoint)), "/openapi/v1.json"), ct))!;
                document["servers"] = new JsonArray(new JsonObject { ["url"] = "/" });
                return document.ToJsonString();
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // The next replica may answer.
            }
        }

        return null;
    }
}
