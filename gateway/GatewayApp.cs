using System.Net;
using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.HttpOverrides;
using Scalar.AspNetCore;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.ServiceDiscovery;
using Yarp.ReverseProxy.Transforms;

namespace KkiMesh.Gateway;

/// <summary>The only public door: <c>/{region}/{service}/…</c> goes to the service as it is.</summary>
public static class GatewayApp
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Reads <c>Gateway:Services</c> (names), <c>services:&lt;name&gt;:http:&lt;n&gt;</c> (addresses, or whatever else service
    /// discovery is set to), and <c>Gateway:TimeoutSeconds</c> (30).
    /// </summary>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.AddWebDefaults("gateway");
        var services = builder.Configuration.GetSection("Gateway:Services").Get<string[]>() ?? [];
        var timeout = TimeSpan.FromSeconds(builder.Configuration.GetValue("Gateway:TimeoutSeconds", 30));

        builder.Services.AddServiceDiscovery();
        builder.Services.AddSingleton<IDestinationResolver, DiscoveredDestinations>();
        builder.Services.AddSingleton(new Upstreams(services));
        builder.Services.AddReverseProxy()
            .LoadFromMemory(services.Select(Route).ToList(), services.Select(s => Cluster(s, timeout)).ToList())
            .ConfigureHttpClient((_, handler) => handler.ConnectTimeout = ConnectTimeout)
            .AddTransforms(context => context.AddXForwarded(ForwardedTransformActions.Set));

        var app = builder.Build();
        app.UseWebDefaults();
        app.MapServiceHealth();
        app.MapServiceDocuments();
        app.MapReverseProxy(proxy => proxy.Use(ProblemWhenUnreachable));
        app.MapFallback((HttpContext http) => Problems.Of(
            StatusCodes.Status404NotFound,
            $"There is nothing at {http.Request.Path}. Addresses are /{{region}}/{{service}}/…; the services are {string.Join(", ", services)}."));
        return app;
    }

    private static RouteConfig Route(string service) => new()
    {
        RouteId = service,
        ClusterId = service,
        Match = new RouteMatch { Path = $"/{{region:region}}/{service}/{{**rest}}" },
    };

    private static ClusterConfig Cluster(string service, TimeSpan timeout) => new()
    {
        ClusterId = service,
        LoadBalancingPolicy = "RoundRobin",
        Destinations = new Dictionary<string, DestinationConfig> { [service] = new() { Address = $"http://{service}" } },
        HttpRequest = new ForwarderRequestConfig { ActivityTimeout = timeout },
        HealthCheck = new HealthCheckConfig
        {
            // A replica that vanished is left out until it answers again; when none is left, all are tried.
            AvailableDestinationsPolicy = "HealthyOrPanic",
            Active = new ActiveHealthCheckConfig
            {
                Enabled = true,
                Path = "/alive",
                Interval = TimeSpan.FromSeconds(2),
                Timeout = TimeSpan.FromSeconds(2),
                Policy = "ConsecutiveFailures",
            },
        },
    };

    private static async Task ProblemWhenUnreachable(HttpContext http, RequestDelegate next)
    {
        await next(http);
        if (http.GetForwarderErrorFeature() is not { } error || http.Response.HasStarted || http.RequestAborted.IsCancellationRequested)
            return;

        var service = http.GetReverseProxyFeature().Route.Config.RouteId;
        var result = error.Error switch
        {
            ForwarderError.RequestTimedOut => Problems.Of(StatusCodes.Status504GatewayTimeout, $"The service {service} did not answer in time."),
            ForwarderError.RequestBodyClient when http.Response.StatusCode == StatusCodes.Status413PayloadTooLarge =>
                Problems.Of(StatusCodes.Status413PayloadTooLarge, "The body is larger than 1 MiB."),
            ForwarderError.RequestBodyClient => Problems.Of(StatusCodes.Status400BadRequest, "The request's body could not be read."),
            _ => Problems.Of(StatusCodes.Status503ServiceUnavailable, $"The service {service} is out of reach for the moment."),
        };
        http.Response.Clear();
        http.Response.Headers.RetryAfter = "2";
        await result.ExecuteAsync(http);
    }
}
