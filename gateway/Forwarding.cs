using KkiMesh.ServiceDefaults;
using Microsoft.Extensions.Primitives;
using Microsoft.Extensions.ServiceDiscovery;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;
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

            // Named by address: what is known of a replica's health never passes to another one.
            foreach (var address in endpoints.Endpoints.Select(Address))
                found[$"{name} {address}"] = destination with { Address = address };
            changes.Add(endpoints.ChangeToken);
        }

        return new ResolvedDestinationCollection(found, changes.Count == 0 ? null : new CompositeChangeToken(changes));
    }

    internal static string Address(ServiceEndpoint endpoint) => endpoint.EndPoint is UriEndPoint uri ? uri.Uri.ToString() : $"http://{endpoint}";
}

/// <summary>
/// Leaves a replica out from the first request that did not reach it; by the end of that time the active check knows.
/// </summary>
internal sealed class LeaveOutUnreachable(IDestinationHealthUpdater health) : IPassiveHealthCheckPolicy
{
    public const string PolicyName = "LeaveOutUnreachable";

    private static readonly TimeSpan LeftOut = TimeSpan.FromSeconds(5);

    public string Name => PolicyName;

    public void RequestProxied(HttpContext context, ClusterState cluster, DestinationState destination)
    {
        if (context.GetForwarderErrorFeature() is { } error && ForwardingProblems.IsUnreachable(error))
            health.SetPassive(cluster, destination, DestinationHealth.Unhealthy, LeftOut);
    }
}

/// <summary>
/// A request that did not get to its replica goes to another one, once: a client hears nothing of one that died.
/// </summary>
internal static class AnotherReplica
{
    public static async Task Try(HttpContext http, RequestDelegate next)
    {
        await next(http);
        if (http.GetForwarderErrorFeature() is not { } error || http.Response.HasStarted || !IsSafe(http, error))
            return;
        var proxy = http.GetReverseProxyFeature();
        var others = proxy.AllDestinations
            .Where(d => d != proxy.ProxiedDestination && d.Health.Active != DestinationHealth.Unhealthy && d.Health.Passive != DestinationHealth.Unhealthy).ToList();
        if (others.Count == 0)
            return;
        http.Features.Set<IForwarderErrorFeature>(null);
        http.Response.Clear();
        proxy.AvailableDestinations = others;
        await next(http);
    }

    // Nothing was sent, or nothing can come of sending it twice.
    private static bool IsSafe(HttpContext http, IForwarderErrorFeature error) =>
        ForwardingProblems.IsUnreachable(error)
        && (error.Exception is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } || HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method));
}

/// <summary>What a client hears when a request could not be forwarded.</summary>
internal static class ForwardingProblems
{
    /// <summary>Forwards, and answers with a problem where that failed before the service's answer began.</summary>
    public static async Task Answer(HttpContext http, RequestDelegate next, long maxBody)
    {
        await next(http);
        if (http.GetForwarderErrorFeature() is not { } error || http.Response.HasStarted || http.RequestAborted.IsCancellationRequested)
            return;

        var status = http.Response.StatusCode;
        http.Response.Clear();
        await Problem(http, error, status, maxBody).ExecuteAsync(http);
    }

    /// <summary>Whether the request never got to the replica, or the replica vanished under it.</summary>
    public static bool IsUnreachable(IForwarderErrorFeature error) =>
        error.Error is ForwarderError.Request || (error.Error is ForwarderError.RequestTimedOut && IsConnectTimeout(error.Exception));

    /// <summary>503, and when to try again.</summary>
    public static IResult OutOfReach(HttpContext http, string service) =>
        TryLater(http, StatusCodes.Status503ServiceUnavailable, $"The service {service} is out of reach for the moment.");

    /// <summary>413.</summary>
    public static IResult TooLarge(long maxBody) =>
        Problems.Of(StatusCodes.Status413PayloadTooLarge, $"The body is larger than {maxBody} bytes.");

    private static IResult Problem(HttpContext http, IForwarderErrorFeature error, int status, long maxBody)
    {
        var service = http.GetReverseProxyFeature().Route.Config.RouteId;
        return error.Error switch
        {
            ForwarderError.RequestTimedOut when !IsConnectTimeout(error.Exception) =>
                TryLater(http, StatusCodes.Status504GatewayTimeout, $"The service {service} did not answer in time."),
            ForwarderError.RequestBodyClient when status == StatusCodes.Status413PayloadTooLarge => TooLarge(maxBody),
            ForwarderError.RequestBodyClient when status == StatusCodes.Status408RequestTimeout =>
                Problems.Of(StatusCodes.Status408RequestTimeout, "The request's body came too slowly."),
            ForwarderError.RequestBodyClient => Problems.Of(StatusCodes.Status400BadRequest, "The request's body could not be read."),
            _ => OutOfReach(http, service),
        };
    }

    // SocketsHttpHandler's own mark; the other time-outs carry none.
    private static bool IsConnectTimeout(Exception? e) => e is OperationCanceledException { InnerException: TimeoutException };

    private static IResult TryLater(HttpContext http, int status, string sentence)
    {
        http.Response.Headers.RetryAfter = "2";
        return Problems.Of(status, sentence);
    }
}
