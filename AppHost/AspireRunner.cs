#if ASPIRE
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace KkiMesh.AppHost;

/// <summary>The same topology, the Aspire way: with its dashboard, and published as Docker Compose.</summary>
internal static class AspireRunner
{
    /// <param name="servers">Given servers, or the machine's own; null where a container engine is to run them.</param>
    /// <param name="port">The gateway's port.</param>
    /// <param name="key">Signs tokens in Development.</param>
    /// <param name="ready">Is called when everything is healthy.</param>
    /// <param name="ct">Stops it.</param>
    public static async Task RunAsync(Servers? servers, int port, string key, Func<Task> ready, CancellationToken ct)
    {
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { AllowUnsecuredTransport = true });
        builder.AddDockerComposeEnvironment("compose");
        var connect = servers is null ? Containers(builder) : Given(servers, ct);
        var gateway = builder.AddProject(Topology.Gateway.Name, ProjectOf(Topology.Gateway))
            .WithHttpEndpoint(port: port, isProxied: false)
            .WithExternalHttpEndpoints()
            .WithHttpHealthCheck("/health");
        foreach (var (index, service) in Topology.Services.Index())
        {
            var project = builder.AddProject(service.Name, ProjectOf(service))
                .WithHttpEndpoint()
                .WithHttpHealthCheck("/health")
                .WithEnvironment("Authentication__DevelopmentKey", key);
            await connect(project, service);
            gateway.WithReference(project.GetEndpoint("http")).WaitFor(project)
                .WithEnvironment($"Gateway__Services__{index}", service.Name);
        }

        await using var app = builder.Build();
        await app.StartAsync(ct);
        await app.ResourceNotifications.WaitForResourceHealthyAsync(Topology.Gateway.Name, ct);
        await ready();
        await app.WaitForShutdownAsync(ct);
    }

    private static Func<IResourceBuilder<ProjectResource>, Service, Task> Given(Servers servers, CancellationToken ct) =>
        async (project, service) => project
            .WithEnvironment($"ConnectionStrings__{service.Name}", await servers.CreateDatabaseAsync(service.Name, ct))
            .WithEnvironment("ConnectionStrings__rabbitmq", servers.RabbitMq.ToString());

    private static Func<IResourceBuilder<ProjectResource>, Service, Task> Containers(IDistributedApplicationBuilder builder)
    {
        var postgres = builder.AddPostgres("postgres").WithDataVolume();
        var rabbit = builder.AddRabbitMQ("rabbitmq").WithManagementPlugin().WithDataVolume();
        return (project, service) =>
        {
            var database = postgres.AddDatabase($"{service.Name}-database", service.Name);
            project.WithReference(database, service.Name).WaitFor(database).WithReference(rabbit).WaitFor(rabbit);
            return Task.CompletedTask;
        };
    }

    private static string ProjectOf(Service service) =>
        Directory.GetFiles(Path.Combine(Checkout.Root, service.Project), "*.csproj").Single();
}
#endif
