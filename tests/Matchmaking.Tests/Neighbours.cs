using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Matchmaking.V1;
using KkiMesh.ServiceDefaults;
using KkiMesh.TestKit;
using Marten;
using Microsoft.Extensions.DependencyInjection;

[assembly: AssemblyFixture(typeof(TestServers))]

namespace KkiMesh.Matchmaking.Tests;

/// <summary>
/// The services that Matchmaking learns from, cut down to their events: they store and publish whatever a test tells
/// them, and serve their history. Matchmaking itself is the whole one, in this process and on the real servers.
/// </summary>
internal sealed class Neighbours : IAsyncDisposable
{
    private readonly Place _place;
    private readonly List<Publisher> _publishers = [];
    private readonly List<RunningService<Proposals>> _matchmaking = [];

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
            neighbours._publishers.Add(await Publisher.StartAsync(place, name));
        return neighbours;
    }

    public async Task StartMatchmakingAsync() =>
        _matchmaking.Add(await RunningService.StartAsync<Proposals>(_place, "matchmaking", _publishers));

    public Client Client(int replica = 0) => _matchmaking[replica].Client();

    /// <summary>Matchmaking's documents.</summary>
    public IQuerySession Session() => _matchmaking[0].Services.GetRequiredService<IDocumentStore>().QuerySession("gorenjska");

    /// <summary>A neighbour stores events of one stream, and publishes them.</summary>
    /// <returns>The newest one's id.</returns>
    public Task<Guid> TellAsync(string stream, params object[] events) =>
        _publishers.Single(p => p.Name == PublicEvents.TypeOf(events[0].GetType())!.Split('.')[1]).TellAsync(stream, events);

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
        foreach (var running in _matchmaking.Concat<IAsyncDisposable>(_publishers))
            await running.DisposeAsync();
        await Listener.DisposeAsync();
        await _place.DisposeAsync();
    }
}
