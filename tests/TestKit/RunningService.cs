using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Logging;

namespace KkiMesh.TestKit;

/// <summary>Runs whole services.</summary>
public static class RunningService
{
    /// <summary>Starts it and waits until it is healthy.</summary>
    /// <typeparam name="T">Any type of the service's program.</typeparam>
    /// <param name="place">The servers.</param>
    /// <param name="name">The service's name.</param>
    /// <param name="neighbours">The other services that it asks for their history.</param>
    public static async Task<RunningService<T>> StartAsync<T>(Place place, string name, params IEnumerable<Publisher> neighbours)
        where T : class
    {
        var database = await place.DatabaseAsync(name);
        var program = new WebApplicationFactory<T>().WithWebHostBuilder(web =>
        {
            web.UseEnvironment("Development")
                .UseSetting($"ConnectionStrings:{name}", database)
                .UseSetting("ConnectionStrings:rabbitmq", place.RabbitMq.ToString())
                .UseSetting("Authentication:DevelopmentKey", place.Key)
                .UseSetting("Mesh:Regions:0", "gorenjska")
                .UseSetting("urls", "http://127.0.0.1:0")
                .ConfigureLogging(logging => logging.ClearProviders());
            foreach (var neighbour in neighbours)
                web.UseSetting($"services:{neighbour.Name}:http:0", neighbour.Address);
        });
        program.UseKestrel();
        var service = new RunningService<T>(program, place.Key);
        await Task.Run(program.StartServer);
        using var client = service.Client();
        await Eventually.Is(() => client.GetAsync("/health"), a => a.Status == HttpStatusCode.OK, 60);
        return service;
    }
}

/// <summary>A whole service as it runs, in this process, on a place's servers and a port of its own.</summary>
/// <typeparam name="T">Any type of the service's program.</typeparam>
public sealed class RunningService<T> : IAsyncDisposable
    where T : class
{
    private readonly WebApplicationFactory<T> _program;
    private readonly string _key;

    internal RunningService(WebApplicationFactory<T> program, string key) => (_program, _key) = (program, key);

    /// <summary>Its parts.</summary>
    public IServiceProvider Services => _program.Services;

    /// <summary>A client of it, with tokens for any role.</summary>
    public Client Client() => new(_program.ClientOptions.BaseAddress, _key);

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _program.DisposeAsync();
}
