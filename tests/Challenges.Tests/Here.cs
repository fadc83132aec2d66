using System.Net;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.TestKit;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace KkiMesh.Challenges.Tests;

/// <summary>Challenges as it runs, beside a registry and a Funding that say what tests tell them.</summary>
internal sealed class Here : IAsyncDisposable
{
    private readonly Place _place;
    private readonly Publisher _registry;
    private readonly Publisher _funding;
    private RunningService<Challenge>? _challenges;

    private Here(Place place, Publisher registry, Publisher funding) => (_place, _registry, _funding) = (place, registry, funding);

    /// <summary>Whom to write to about an idea.</summary>
    public const string Address = "ana@example.org";

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UtcNow);

    public static async Task<Here> StartAsync(TestServers servers)
    {
        var place = await servers.NewPlaceAsync();
        var here = new Here(place, await Publisher.StartAsync(place, "registry"), await Publisher.StartAsync(place, "funding"));
        await here._registry.TellAsync("052", new MunicipalityListed("052", "Kranj", "Kranj", 46.2, 14.3));
        here._challenges = await RunningService.StartAsync<Challenge>(place, "challenges", here.Time, here._registry, here._funding);
        return here;
    }

    public Client Client() => _challenges!.Client();

    /// <summary>A challenge that takes ideas; its address.</summary>
    public async Task<string> OpenAsync()
    {
        using var client = Client();
        var draft = await client.PostAsync("/gorenjska/challenges", "coordinator", new
        {
            title = "Izziv",
            description = "Opis",
            organiser = "RAS",
            row = "U3-P4",
            fiscalYear = 2022,
            pool = new { amount = 1000, currency = "EUR" },
            maxAwards = 5,
            deadline = Time.GetUtcNow().AddHours(1),
        });
        var id = Guid.Parse((string)draft.Body!["id"]!);
        await client.PostAsync($"/gorenjska/challenges/{id}/publish", "coordinator");
        await _funding.TellAsync("U3-P4", new FundsReserved(new ReservationId(id), "U3-P4", 2022, Money.Eur(1000), [], new DateOnly(2022, 6, 1), new ChallengeId(id)));
        await Eventually.Is(() => client.GetAsync($"/gorenjska/challenges/{id}", "coordinator"), a => (string?)a.Body?["status"] == "open");
        return $"/gorenjska/challenges/{id}";
    }

    public async Task<string> EnterAsync(string call, string member, string title, string? subjectId = null)
    {
        using var client = Client();
        var idea = new { title, summary = "Povzetek\nv dveh vrsticah", applicant = "Ana", contactEmail = Address, municipality = "052", subjectId };
        var entered = await Eventually.Is(() => client.PostAsync($"{call}/entries", member, idea), a => a.Status == HttpStatusCode.Created);
        return (string)entered.Body!["id"]!;
    }

    /// <summary>Waits until no challenge takes ideas any more.</summary>
    public void PassDeadline() => Time.Advance(TimeSpan.FromMinutes(61));

    /// <summary>The registry says this; it is soon known.</summary>
    public Task RegistrySaysAsync(string subject, object e) => _registry.TellAsync(subject, e);

    public async Task ConcludeAsync(string call)
    {
        PassDeadline();
        using var client = Client();
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{call}/conclude", "coordinator")).Status);
    }

    public async Task DoAsync(string sql)
    {
        await using var database = NpgsqlDataSource.Create(await _place.DatabaseAsync("challenges"));
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<long> NumberAsync(string sql)
    {
        await using var database = NpgsqlDataSource.Create(await _place.DatabaseAsync("challenges"));
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_challenges is not null)
            await _challenges.DisposeAsync();
        await _registry.DisposeAsync();
        await _funding.DisposeAsync();
        await _place.DisposeAsync();
    }
}
