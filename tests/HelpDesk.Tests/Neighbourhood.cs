using System.Text.Json;
using System.Text.Json.Nodes;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.TestKit;

[assembly: AssemblyFixture(typeof(TestServers))]

namespace KkiMesh.HelpDesk.Tests;

/// <summary>HelpDesk as it runs, beside a registry that has listed Gorenjska, and Challenges.</summary>
internal sealed class Neighbourhood : IAsyncDisposable
{
    private RunningService<MentoringCase>? _helpdesk;

    private Neighbourhood(Place place, Publisher registry, Publisher challenges) => (Place, Registry, Challenges) = (place, registry, challenges);

    public Place Place { get; }

    public Publisher Registry { get; }

    public Publisher Challenges { get; }

    public Client Client() => _helpdesk!.Client();

    public static async Task<Neighbourhood> StartAsync(TestServers servers, bool withHelpDesk = true)
    {
        var place = await servers.NewPlaceAsync();
        var here = new Neighbourhood(place, await Publisher.StartAsync(place, "registry"), await Publisher.StartAsync(place, "challenges"));
        foreach (var municipality in Gorenjska.Listed)
            await here.Registry.TellAsync(municipality.Code, municipality);
        if (withHelpDesk)
            await here.StartHelpDeskAsync();
        return here;
    }

    public async Task StartHelpDeskAsync() =>
        _helpdesk = await RunningService.StartAsync<MentoringCase>(Place, "helpdesk", Registry, Challenges);

    public async Task StopHelpDeskAsync()
    {
        await _helpdesk!.DisposeAsync();
        _helpdesk = null;
    }

    /// <summary>An award for an idea that this member has entered.</summary>
    public static EntryAwarded Award(string? municipality, string member = "member")
    {
        var idea = new EntryId(Guid.CreateVersion7());
        return new(
            new ChallengeId(Guid.CreateVersion7()), idea, "Zamisel", "Ana", "U3-P4", Money.Eur(300_000), municipality, WinnerKey: AccountKey.Of(idea, member));
    }

    /// <summary>An award as a CloudEvent that somebody else wrote.</summary>
    public static byte[] Foreign(string id, EntryAwarded award) => JsonSerializer.SerializeToUtf8Bytes(new JsonObject
    {
        ["specversion"] = "1.0",
        ["id"] = id,
        ["source"] = "/gorenjska/challenges",
        ["type"] = "kki.challenges.entry-awarded.v1",
        ["subject"] = award.ChallengeId.ToString(),
        ["time"] = TimeProvider.System.GetUtcNow().ToString("O"),
        ["datacontenttype"] = "application/json",
        ["kkiregion"] = "gorenjska",
        ["correlationid"] = award.ChallengeId.ToString(),
        ["data"] = JsonSerializer.SerializeToNode(award, ContractJson.Options),
    });

    public Task TellAsync(EntryAwarded award) => Challenges.TellAsync(award.ChallengeId, award);

    /// <summary>The case of an award, when there is one.</summary>
    public async Task<JsonNode> CaseAsync(EntryAwarded award)
    {
        using var client = Client();
        var found = await Eventually.Is(
            () => client.GetAsync($"/gorenjska/helpdesk/cases?entryId={award.EntryId}", "member"), a => (int?)a.Body?["total"] > 0);
        return Assert.Single(found.Body!["items"]!.AsArray())!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_helpdesk is not null)
            await StopHelpDeskAsync();
        await Registry.DisposeAsync();
        await Challenges.DisposeAsync();
        await Place.DisposeAsync();
    }
}
