using KkiMesh.ServiceDefaults;
using Marten;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace KkiMesh.TestKit;

/// <summary>
/// Another service of the mesh, as far as the one under test sees it: it stores and publishes
/// whatever a test tells it, and lets its history be read.
/// </summary>
public sealed class Publisher : IAsyncDisposable
{
    private readonly WebApplication _app;
    private volatile bool _mute;

    private Publisher(WebApplication app, string name) => (_app, Name) = (app, name);

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Where it listens.</summary>
    public string Address => _app.Urls.First();

    /// <summary>Whether it refuses to tell its history; it publishes all the same.</summary>
    public bool IsMute
    {
        get => _mute;
        set => _mute = value;
    }

    /// <summary>Starts it.</summary>
    /// <param name="place">The servers.</param>
    /// <param name="name">Its name.</param>
    /// <param name="configure">What it has besides, e.g. events of a test's own.</param>
    public static async Task<Publisher> StartAsync(Place place, string name, Action<MeshService>? configure = null)
    {
        var builder = await place.BuilderAsync(name);
        builder.AddMeshService(name, configure ?? (_ => { }));
        var app = builder.Build();
        var publisher = new Publisher(app, name);
        app.Use((http, next) => publisher.IsMute && http.Request.Path.Value!.EndsWith("/events", StringComparison.Ordinal)
            ? Results.StatusCode(StatusCodes.Status503ServiceUnavailable).ExecuteAsync(http)
            : next(http));
        app.UseMeshService();
        await app.StartAsync();
        return publisher;
    }

    /// <summary>Stores events of one stream, and publishes them.</summary>
    /// <returns>The newest one's id.</returns>
    public async Task<Guid> TellAsync(object stream, params object[] events)
    {
        await using var session = _app.Services.GetRequiredService<IDocumentStore>().LightweightSession("gorenjska");
        session.CorrelationId = stream.ToString();
        var envelopes = events.Select(e => session.Events.BuildEvent(e)).ToList();
        foreach (var envelope in envelopes)
            envelope.Id = Guid.CreateVersion7();
        session.Events.Append(stream.ToString()!, envelopes);
        await session.SaveChangesAsync();
        return envelopes[^1].Id;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
