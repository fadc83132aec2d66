using System.Net;
using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Matchmaking.V1;
using KkiMesh.ServiceDefaults;
using KkiMesh.TestKit;
using Marten;

[assembly: AssemblyFixture(typeof(TestServers))]

namespace KkiMesh.Matchmaking.Tests;

/// <summary>
/// The services that Matchmaking learns from, cut down to their events: they store and publish whatever a test tells them, and
/// serve their history. Matchmaking itself is the whole one, in this process and on the real servers.
/// </summary>
internal sealed class Neighbours : IAsyncDisposable
{
    private readonly Place _place;
    private readonly Dictionary<string, WebApplication> _publishers = [];
    private readonly List<WebApplication> _matchmaking = [];

    private Neighbours(Place place, Integrator listener) => (_place, Listener) = (place, listener);

    /// <summary>Hears everything that Matchmaking publishes.</summary>
    public Integrator Listener { get; }

    /// <summary>What Matchmaking published, in order.</summary>
    public IReadOnlyList<CloudEvent> Published => [.. Listener.Messages.Select(m => CloudEvent.Parse(m.Body))];

    public static async Task<Neighbours> StartAsync(TestServers servers)
    {
        var place = await servers.NewPlaceAsync();
        var neighbours = new Neighbours(place, await Integrator.ListenAsync(place.RabbitMq, "gorenjska.matchmaking.#"));
        foreach (var name in (string[])["registry", "challenges"])
        {
            var builder = await neighbours.BuilderAsync(name);
            builder.AddMeshService(name, _ => { });
            var app = builder.Build();
            app.UseMeshService();
            neighbours._publishers[name] = app;
            await neighbours.RunAsync(app);
        }

        return neighbours;
    }

    public async Task StartMatchmakingAsync()
    {
        var builder = await BuilderAsync("matchmaking");
        builder.Configuration["Mesh:Regions:0"] = "gorenjska";
        foreach (var (name, app) in _publishers)
            builder.Configuration[$"services:{name}:http:0"] = app.Urls.First();
        var matchmaking = MatchmakingApp.Build(builder);
        _matchmaking.Add(matchmaking);
        await RunAsync(matchmaking);
    }

    public Client Client(int replica = 0) => new(new Uri(_matchmaking[replica].Urls.First()), _place.Key);

    /// <summary>Matchmaking's documents.</summary>
    public IQuerySession Session() => _matchmaking[0].Services.GetRequiredService<IDocumentStore>().QuerySession("gorenjska");

    /// <summary>A neighbour stores events of one stream, and publishes them.</summary>
    /// <returns>The newest one's id.</returns>
    public async Task<Guid> TellAsync(string stream, params object[] events)
    {
        var publisher = PublicEvents.TypeOf(events[0].GetType())!.Split('.')[1];
        await using var session = _publishers[publisher].Services.GetRequiredService<IDocumentStore>().LightweightSession("gorenjska");
        session.CorrelationId = stream;
        var envelopes = events.Select(e => session.Events.BuildEvent(e)).ToList();
        foreach (var envelope in envelopes)
            envelope.Id = Guid.CreateVersion7();
        session.Events.Append(stream, envelopes);
        await session.SaveChangesAsync();
        return envelopes[^1].Id;
    }

    /// <summary>A foreign program says the same as a neighbour would, with any place in the stream.</summary>
    public async Task TellLateAsync(string stream, int sequence, object e)
    {
        var type = PublicEvents.TypeOf(e.GetType())!;
        var late = new CloudEvent
        {
            Id = Guid.CreateVersion7().ToString(),
            Source = $"/gorenjska/{type.Split('.')[1]}",
            Type = type,
            Subject = stream,
            Sequence = $"{sequence:D10}",
            Region = "gorenjska",
            Time = DateTimeOffset.UtcNow,
            Data = JsonSerializer.SerializeToElement(e, e.GetType(), ContractJson.Options),
        };
        await Listener.PublishAsync($"gorenjska.{type["kki.".Length..]}", JsonSerializer.SerializeToUtf8Bytes(late));
    }

    /// <summary>Who is proposed for a challenge by the events alone, with the newest score.</summary>
    public Dictionary<SubjectId, int> ProposedByEvents(ChallengeId challenge)
    {
        var proposed = new Dictionary<SubjectId, int>();
        foreach (var e in Published.Where(e => e.Subject == challenge.ToString()))
        {
            if (e.Type == PublicEvents.TypeOf(typeof(MatchProposed)))
            {
                var match = e.Data.Deserialize<MatchProposed>(ContractJson.Options)!;
                proposed[match.SubjectId] = match.Score;
            }
            else
            {
                proposed.Remove(e.Data.Deserialize<MatchWithdrawn>(ContractJson.Options)!.SubjectId);
            }
        }

        return proposed;
    }

    /// <summary>What was published of a challenge, in order: scores, and reasons of withdrawals.</summary>
    public IReadOnlyList<string> Told(ChallengeId challenge) =>
    [
        .. Published.Where(e => e.Subject == challenge.ToString()).Select(e => e.Type == PublicEvents.TypeOf(typeof(MatchProposed))
            ? e.Data.GetProperty("score").ToString()
            : $"{e.Data.Deserialize<MatchWithdrawn>(ContractJson.Options)!.Because}"),
    ];

    public async ValueTask DisposeAsync()
    {
        foreach (var app in _matchmaking.Concat(_publishers.Values))
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }

        await Listener.DisposeAsync();
        await _place.DisposeAsync();
    }

    private async Task<WebApplicationBuilder> BuilderAsync(string name)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Development" });
        builder.Configuration[$"ConnectionStrings:{name}"] = await _place.DatabaseAsync(name);
        builder.Configuration["ConnectionStrings:rabbitmq"] = _place.RabbitMq.ToString();
        builder.Configuration["Authentication:DevelopmentKey"] = _place.Key;
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration["Logging:Console:LogLevel:Default"] = "None";
        return builder;
    }

    private async Task RunAsync(WebApplication app)
    {
        await app.StartAsync();
        using var client = new Client(new Uri(app.Urls.First()), _place.Key);
        await Eventually.Is(() => client.GetAsync("/health"), a => a.Status == HttpStatusCode.OK, 60);
    }
}
