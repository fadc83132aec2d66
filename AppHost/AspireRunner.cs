using System.Globalization;
#if ASPIRE
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KkiMesh.AppHost;

/// <summary>How the mesh is run the Aspire way.</summary>
/// <param name="Servers">Given servers, or the machine's own; null where a container engine is to run them.</param>
/// <param name="Port">The gateway's port.</param>
/// <param name="GrpcPort">The gateway's port for gRPC.</param>
/// <param name="Secret">What services show to get tokens.</param>
/// <param name="Replicas">How many processes of a service, by name; 1 where nothing is said.</param>
internal sealed record AspireOptions(Servers? Servers, int Port, int GrpcPort, string Secret, IReadOnlyDictionary<string, int> Replicas);

/// <summary>The same topology, the Aspire way: with its dashboard.</summary>
internal static class AspireRunner
{
    private const int LastLines = 20;
    private const string GrpcEndpoint = "grpc";

    /// <param name="options">How.</param>
    /// <param name="ready">Is called when everything is healthy, with the servers that run.</param>
    /// <param name="ct">Stops it.</param>
    public static async Task RunAsync(AspireOptions options, Func<Servers, Task> ready, CancellationToken ct)
    {
        ListenOnFreePorts();
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { AllowUnsecuredTransport = true });
        builder.Services.AddLogging(logging => logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Aspire.Hosting.Dcp", LogLevel.Error));
#if ASPIRE_DOCKER
        builder.AddDockerComposeEnvironment("compose");
#endif
        var (connect, servers) = options.Servers is { } given ? (Given(given, ct), () => Task.FromResult(given)) : Containers(builder);
        var gateway = Project(builder, Topology.Gateway)
            .WithHttpEndpoint(port: options.Port, isProxied: false)
            .WithHttpEndpoint(port: options.GrpcPort, name: GrpcEndpoint, isProxied: false)
            .WithHttpHealthCheck("/health")
            .WithExternalHttpEndpoints();
        var projects = Topology.Services.ToDictionary(s => s, s => Project(builder, s)
            // Aspire's proxy stands before several replicas; without it, a service that is down refuses at once.
            .WithHttpEndpoint(port: Replicas(s) > 1 ? null : Ports.Free(), isProxied: Replicas(s) > 1)
            .WithHttpHealthCheck("/health")
            .WithReplicas(Replicas(s)));
        WithGrpc(gateway);
        foreach (var (service, project) in projects)
        {
            if (service.HasGrpc)
                WithGrpc(project.WithHttpEndpoint(port: Replicas(service) > 1 ? null : Ports.Free(), name: GrpcEndpoint, isProxied: Replicas(service) > 1));
            await connect(project, service);
            foreach (var (name, value) in Topology.Settings(service, new Uri(PublicAddress()), options.Secret))
                project.WithEnvironment(name, value);
            // To read each other's history; none waits for another one.
            foreach (var other in projects.Values)
                project.WithReference(other.GetEndpoint("http"));
        }

        foreach (var (name, value) in Topology.Settings(Topology.Gateway, new Uri(PublicAddress()), options.Secret))
            gateway.WithEnvironment(name, value);
        foreach (var (index, service) in Topology.Services.Index())
        {
            if (service.HasGrpc)
                gateway.WithReference(projects[service].GetEndpoint(GrpcEndpoint));
            gateway.WithReference(projects[service].GetEndpoint("http")).WaitFor(projects[service])
                .WithEnvironment($"Gateway__Services__{index}", service.Name);
        }

        await using var app = builder.Build();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var reports = ReportEndsAsync(app, end.Token);
        await app.StartAsync(ct);
        await app.ResourceNotifications.WaitForResourceHealthyAsync(Topology.Gateway.Name, ct);
        await ready(await servers());
        await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await end.CancelAsync();
        await reports;
        await StopAsync(app);

        string PublicAddress() => string.Create(CultureInfo.InvariantCulture, $"http://localhost:{options.Port}/");

        int Replicas(Service service) => options.Replicas.GetValueOrDefault(service.Name, 1);
    }

    // What Aspire's launch profiles would say, for HTTP alone. What the operator has set stays.
    private static void ListenOnFreePorts()
    {
        foreach (var address in (string[])["ASPNETCORE_URLS", "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"])
        {
            if (Environment.GetEnvironmentVariable(address) is null)
                Environment.SetEnvironmentVariable(address, $"http://localhost:{Ports.Free()}");
        }
    }

    private static IResourceBuilder<ProjectResource> Project(IDistributedApplicationBuilder builder, Service service) => builder
        .AddProject(service.Name, Directory.GetFiles(Path.Combine(Checkout.Root, service.Project), "*.csproj").Single())
        .WithEnvironment("ASPNETCORE_ENVIRONMENT", Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") ?? "Development");

    // Without TLS, HTTP/2 shares no endpoint with HTTP/1.1. These stand in the
    // place of the addresses that Aspire names.
    private static void WithGrpc(IResourceBuilder<ProjectResource> project) => project
        .WithEnvironment("Kestrel__Endpoints__Http__Url", Url(project, "http"))
        .WithEnvironment("Kestrel__Endpoints__Http2__Url", Url(project, GrpcEndpoint))
        .WithEnvironment("Kestrel__Endpoints__Http2__Protocols", "Http2");

    private static ReferenceExpression Url(IResourceBuilder<ProjectResource> project, string endpoint) =>
        ReferenceExpression.Create($"http://localhost:{project.GetEndpoint(endpoint).Property(EndpointProperty.TargetPort)}");

    private static Func<IResourceBuilder<ProjectResource>, Service, Task> Given(Servers servers, CancellationToken ct) =>
        async (project, service) => project
            .WithEnvironment($"ConnectionStrings__{service.Name}", await servers.CreateDatabaseAsync(service.Name, ct))
            .WithEnvironment("ConnectionStrings__rabbitmq", servers.RabbitMq.ToString());

    private static (Func<IResourceBuilder<ProjectResource>, Service, Task> Connect, Func<Task<Servers>> Servers) Containers(IDistributedApplicationBuilder builder)
    {
        var postgres = builder.AddPostgres("postgres").WithDataVolume();
        var rabbit = builder.AddRabbitMQ("rabbitmq").WithManagementPlugin().WithDataVolume();
        return (Connect, ServersAsync);

        Task Connect(IResourceBuilder<ProjectResource> project, Service service)
        {
            var database = postgres.AddDatabase($"{service.Name}-database", service.Name);
            project.WithReference(database, service.Name).WaitFor(database).WithReference(rabbit).WaitFor(rabbit);
            return Task.CompletedTask;
        }

        async Task<Servers> ServersAsync()
        {
            var amqp = new UriBuilder((await rabbit.Resource.ConnectionStringExpression.GetValueAsync(default))!);
            var management = new UriBuilder(rabbit.GetEndpoint("management").Url) { UserName = amqp.UserName, Password = amqp.Password };
            return Servers.Given((await postgres.Resource.ConnectionStringExpression.GetValueAsync(default))!, amqp.Uri, management.Uri);
        }
    }

    // Aspire's own stop does not wait until processes have ended; the database
    // must outlive those who finish their work in it.
    private static async Task StopAsync(DistributedApplication app)
    {
        await Task.WhenAll(app.Services.GetRequiredService<DistributedApplicationModel>().GetProjectResources()
            .Select(p => app.ResourceCommands.ExecuteCommandAsync(p, KnownResourceCommands.StopCommand)));
        await app.StopAsync();
    }

    // Aspire shows an end in its dashboard; who looks at the terminal sees it there, with the last lines.
    private static async Task ReportEndsAsync(DistributedApplication app, CancellationToken ct)
    {
        var logs = app.Services.GetRequiredService<ResourceLoggerService>();
        var reported = new HashSet<string>();
        try
        {
            await foreach (var change in app.ResourceNotifications.WatchAsync(ct))
            {
                if (!KnownResourceStates.TerminalStates.Contains(change.Snapshot.State?.Text) || !reported.Add(change.ResourceId))
                    continue;
                Console.WriteLine($"*** {change.Resource.Name} ended with exit code {change.Snapshot.ExitCode}. Its last lines:");
                await foreach (var lines in logs.GetAllAsync(change.ResourceId).WithCancellation(ct))
                {
                    foreach (var line in lines.TakeLast(LastLines))
                        Console.WriteLine($"*** {line.Content}");
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The mesh is stopped, and everything ends as it should.
        }
    }
}
#endif
