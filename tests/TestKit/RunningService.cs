using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
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
    public static Task<RunningService<T>> StartAsync<T>(Place place, string name, params IEnumerable<Publisher> neighbours)
        where T : class => StartAsync<T>(place, name, TimeProvider.System, neighbours);

    /// <summary>The same with a clock of the test's.</summary>
    public static async Task<RunningService<T>> StartAsync<T>(Place place, string name, TimeProvider time, params IEnumerable<Publisher> neighbours)
        where T : class
    {
        var settings = await place.SettingsAsync(name);
        var program = new WebApplicationFactory<T>().WithWebHostBuilder(web =>
        {
            web.UseEnvironment("Development").UseContentRoot(AppContext.BaseDirectory).ConfigureLogging(logging => logging.ClearProviders());
            web.ConfigureServices(services => services.AddSingleton(time));
            foreach (var (setting, value) in settings)
                web.UseSetting(setting, value);
            foreach (var (setting, value) in TwoEndpoints)
                web.UseSetting(setting, value);
            foreach (var neighbour in neighbours)
                web.UseSetting($"services:{neighbour.Name}:http:0", neighbour.Address);
        });
        program.UseKestrel();
        var service = new RunningService<T>(program, place.Issuer);
        await Task.Run(program.StartServer);
        using var client = service.Client();
        await Eventually.Is(() => client.GetAsync("/health"), a => a.IsStarted, 60);
        return service;
    }

    // HTTP/2 without TLS needs an endpoint of its own. Kestrel takes them in the order of their names.
    private static Dictionary<string, string> TwoEndpoints => new()
    {
        ["Kestrel:Endpoints:Http:Url"] = "http://127.0.0.1:0",
        ["Kestrel:Endpoints:Http2:Url"] = "http://127.0.0.1:0",
        ["Kestrel:Endpoints:Http2:Protocols"] = "Http2",
    };
}

/// <summary>A whole service as it runs, in this process, on a place's servers and a port of its own.</summary>
/// <typeparam name="T">Any type of the service's program.</typeparam>
public sealed class RunningService<T> : IAsyncDisposable
    where T : class
{
    private readonly WebApplicationFactory<T> _program;
    private readonly Issuer _issuer;

    internal RunningService(WebApplicationFactory<T> program, Issuer issuer) => (_program, _issuer) = (program, issuer);

    /// <summary>Its parts.</summary>
    public IServiceProvider Services => _program.Services;

    /// <summary>A client of it, with tokens for any role.</summary>
    public Client Client() => new(new Uri(Addresses.First()), _issuer);

    /// <summary>Where it speaks HTTP/2 without TLS, for gRPC.</summary>
    public Uri Http2 => new(Addresses.Last());

    private ICollection<string> Addresses => Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _program.DisposeAsync();
}
