using System.Net;
using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.ServiceDiscovery;
using Yarp.ReverseProxy.Transforms;

namespace KkiMesh.Gateway;

/// <summary>
/// The only public door: <c>/{region}/{service}/…</c> goes to the service as it is, and so do calls of gRPC.
/// </summary>
public static class GatewayApp
{
    internal const string Identity = "identity";

    // Which service answers which calls of gRPC.
    private static readonly (string Service, string Calls)[] Grpc = [("funding", "kki.funding.v1.Ledger")];

    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    /// <summary>
    /// Reads <c>Gateway:Services</c> (names), <c>services:&lt;name&gt;:http:&lt;n&gt;</c> (addresses, or
    /// whatever else service discovery is set to), <c>services:&lt;name&gt;:grpc:&lt;n&gt;</c> (addresses that
    /// speak HTTP/2; where none are set at the start, its calls of gRPC are not taken),
    /// <c>Gateway:TimeoutSeconds</c> (without any progress, 30), <c>Gateway:ConnectTimeoutSeconds</c> (2) and
    /// <c>Gateway:MaxBodyBytes</c> (1 MiB); and what <see cref="Https"/>, <see cref="Proxies"/>, <see
    /// cref="RateLimits"/>, <see cref="Origins"/> and <see cref="CheckTokens"/> name.
    /// </summary>
    /// <param name="args">Settings.</param>
    /// <param name="time">By default the machine's.</param>
    /// <exception cref="InvalidOperationException">A setting is wrong; the sentence says which.</exception>
    public static WebApplication Build(string[] args, TimeProvider? time = null)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder.AddWebDefaults("gateway");
        builder.AddHttps();
        builder.AddOrigins();
        builder.AddRateLimits();
        builder.AddTokenCheck();
        var settings = builder.Configuration.GetSection("Gateway");
        var services = settings.GetSection("Services").Get<string[]>() ?? [];
        builder.AddForwarding(services, settings);
        var maxBody = settings.GetValue("MaxBodyBytes", 1024L * 1024);

        // Nothing here blocks a thread, so a request goes on where its bytes came in: each
        // hand-over to another thread costs a wake-up.
        builder.WebHost.UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = maxBody;
            kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        });

        var app = builder.Build();
        app.UseAnswerHeaders();
        app.UseWebDefaults();
        app.UseHttps();
        app.UseCors();
        app.UseRateLimiter();
        app.Use((http, next) => RefuseTooLarge(http, next, maxBody));
        app.MapServiceHealth();
        app.MapServiceDocuments();
        app.MapReverseProxy(proxy =>
        {
            proxy.Use((http, next) => ForwardingProblems.Answer(http, next, maxBody));
            proxy.Use(DropForgedHeaders);
            proxy.Use(CheckTokens.AtTheDoor);
            proxy.Use(AnotherReplica.Try);
            proxy.UseLoadBalancing();
            proxy.UsePassiveHealthChecks();
        });
        app.MapFallback("{**path}", (HttpContext http) => Problems.Of(
            StatusCodes.Status404NotFound,
            $"There is nothing at {http.Request.Path}. Addresses are /{{region}}/{{service}}/…, a region in lower case; the services are {string.Join(", ", services)}."));
        return app;
    }

    private static void AddForwarding(this WebApplicationBuilder builder, string[] services, IConfigurationSection settings)
    {
        var grpc = Grpc.Where(g => builder.Configuration.GetSection($"services:{g.Service}:grpc").GetChildren().Any()).ToList();
        var timeout = TimeSpan.FromSeconds(settings.GetValue("TimeoutSeconds", 30));
        var connectTimeout = TimeSpan.FromSeconds(settings.GetValue("ConnectTimeoutSeconds", 2));
        builder.Services.AddServiceDiscovery();
        builder.Services.AddSingleton<IDestinationResolver, DiscoveredDestinations>();
        builder.Services.AddSingleton<IPassiveHealthCheckPolicy, LeaveOutUnreachable>();
        builder.Services.AddSingleton(new Upstreams(services));
        builder.Services.AddReverseProxy()
            .LoadFromMemory(
                [.. services.Select(Route), .. services.Where(s => s == Identity).SelectMany(IssuerRoutes), .. grpc.Select(g => CallRoute(g.Service, g.Calls))],
                [.. services.Select(s => Cluster(s, timeout)), .. grpc.Select(g => CallCluster(g.Service, timeout))])
            .ConfigureHttpClient((_, handler) => handler.ConnectTimeout = connectTimeout)
            .AddTransforms(context => context.AddXForwarded(ForwardedTransformActions.Set).AddRequestTransform(KeepAddress));
    }

    private static RouteConfig Route(string service) => new()
    {
        RouteId = service,
        ClusterId = service,
        Match = new RouteMatch { Path = $"/{{region:region}}/{service}/{{**rest}}" },
    };

    private static RouteConfig CallRoute(string service, string calls) => new()
    {
        RouteId = $"{service} gRPC",
        ClusterId = $"{service} gRPC",
        Match = new RouteMatch { Path = $"/{calls}/{{{CheckTokens.Call}}}" },
    };

    // What OpenID Connect and its pages need at the gateway's own address; they
    // make addresses of the host that was asked.
    private static IEnumerable<RouteConfig> IssuerRoutes(string service) => ((string[])[".well-known", "connect", "account"]).Select(part => new RouteConfig
    {
        RouteId = $"{service} {part}",
        ClusterId = service,
        Match = new RouteMatch { Path = $"/{part}/{{**rest}}" },
    }.WithTransformUseOriginalHostHeader());

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
            Passive = new PassiveHealthCheckConfig { Enabled = true, Policy = LeaveOutUnreachable.PolicyName },
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

    // As the service's own, but for the endpoint that is named grpc and speaks HTTP/2 alone.
    private static ClusterConfig CallCluster(string service, TimeSpan timeout) => Cluster(service, timeout) with
    {
        ClusterId = $"{service} gRPC",
        Destinations = new Dictionary<string, DestinationConfig> { [service] = new() { Address = $"http://_grpc.{service}" } },
        HttpRequest = new ForwarderRequestConfig { ActivityTimeout = timeout, Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact },
    };

    // Refused before a service hears of it. What the client still sends is read for a few seconds by Kestrel and thrown
    // away: closing at once would often take the answer with it.
    private static Task RefuseTooLarge(HttpContext http, RequestDelegate next, long maxBody)
    {
        if (http.Request.ContentLength is not { } length || length <= maxBody)
            return next(http);
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
        return ForwardingProblems.TooLarge(maxBody).ExecuteAsync(http);
    }

    // Byte by byte: decoded and encoded again, a/b%2Fc would come out as a/b%252Fc. The service's Kestrel reads the
    // same bytes as this one did, so it sees the same region and service in them.
    private static ValueTask KeepAddress(RequestTransformContext context)
    {
        if (context.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget is ['/', ..] target)
            context.ProxyRequest.RequestUri = new Uri(context.DestinationPrefix.TrimEnd('/') + target, Verbatim);
        return ValueTask.CompletedTask;
    }

    // Only the gateway says where a request came from.
    private static Task DropForgedHeaders(HttpContext http, RequestDelegate next)
    {
        foreach (var name in http.Request.Headers.Keys.Where(IsForged).ToList())
            http.Request.Headers.Remove(name);
        return next(http);
    }

    private static bool IsForged(string header) =>
        header.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase)
        || header.StartsWith("X-Original-", StringComparison.OrdinalIgnoreCase)
        || header.Equals("X-Real-IP", StringComparison.OrdinalIgnoreCase)
        || header.Equals("Forwarded", StringComparison.OrdinalIgnoreCase);
}
