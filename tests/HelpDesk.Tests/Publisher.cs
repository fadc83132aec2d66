using KkiMesh.ServiceDefaults;
using KkiMesh.TestKit;

namespace KkiMesh.HelpDesk.Tests;

/// <summary>A stream that has begun.</summary>
public sealed record Told(string Id) : IAggregate<Told>
{
    public static Told? Apply(Told? state, string id, object e) => state ?? new Told(id);
}

/// <summary>Another service of the mesh, as far as HelpDesk sees it: it publishes events and lets its history be read.</summary>
internal sealed class Publisher : IAsyncDisposable
{
    private readonly WebApplication _app;
    private volatile bool _mute;

    private Publisher(WebApplication app) => _app = app;

    public string Address => _app.Urls.First();

    /// <summary>Whether it refuses to tell its history; it publishes all the same.</summary>
    public bool IsMute
    {
        get => _mute;
        set => _mute = value;
    }

    public static async Task<Publisher> StartAsync(Place place, string name)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Development" });
        builder.Configuration[$"ConnectionStrings:{name}"] = await place.DatabaseAsync(name);
        builder.Configuration["ConnectionStrings:rabbitmq"] = place.RabbitMq.ToString();
        builder.Configuration["Authentication:DevelopmentKey"] = place.Key;
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.AddMeshService(name, mesh => mesh.Aggregate<Told>());
        var app = builder.Build();
        var publisher = new Publisher(app);
        app.Use((http, next) => publisher.IsMute && http.Request.Path.Value!.EndsWith("/events", StringComparison.Ordinal)
            ? Results.StatusCode(503).ExecuteAsync(http)
            : next(http));
        app.UseMeshService();
        await app.StartAsync();
        return publisher;
    }

    /// <summary>Begins a stream with an event, and publishes it.</summary>
    public Task TellAsync(object stream, object e) => _app.Services.GetRequiredService<Loader>().LoadAsync(
        "gorenjska", "test", load => load.Once<Told>(stream.ToString()!, () => [e]), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
