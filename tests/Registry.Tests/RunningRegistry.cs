using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;

[assembly: AssemblyFixture(typeof(TestServers))]

namespace KkiMesh.Registry.Tests;

/// <summary>Tests that share one running service.</summary>
[CollectionDefinition(Name)]
public sealed class WithRegistry : ICollectionFixture<RunningRegistry>
{
    public const string Name = "registry";
}

/// <summary>The service itself, two replicas in this process that start at once, on a database of their own.</summary>
public sealed class RunningRegistry(TestServers servers) : IAsyncLifetime
{
    private RunningService<Subject>[] _replicas = [];
    private TestKit.Place? _place;

    public IServiceProvider Services => _replicas[0].Services;

    public async ValueTask InitializeAsync()
    {
        _place = await servers.NewPlaceAsync();
        _replicas = await Task.WhenAll(
            RunningService.StartAsync<Subject>(_place, "registry"), RunningService.StartAsync<Subject>(_place, "registry"));
    }

    public Client Client() => _replicas[0].Client();

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas)
            await replica.DisposeAsync();
        if (_place is not null)
            await _place.DisposeAsync();
    }
}

internal static class Subjects
{
    public const string Path = "/gorenjska/registry/subjects";

    public static JsonObject Profile(string name, string description = "Opis", string[]? competences = null, string[]? offers = null, string[]? looksFor = null) => new()
    {
        ["name"] = name,
        ["kind"] = "creator-or-ngo",
        ["legalForm"] = "self-employed-in-culture",
        ["fields"] = new JsonArray(3),
        ["competences"] = new JsonArray([.. (competences ?? []).Select(c => JsonValue.Create(c))]),
        ["municipality"] = "052",
        ["offers"] = new JsonArray([.. (offers ?? []).Select(c => JsonValue.Create(c))]),
        ["looksFor"] = new JsonArray([.. (looksFor ?? []).Select(c => JsonValue.Create(c))]),
        ["contactEmail"] = "naslov@example.org",
        ["description"] = description,
    };

    /// <summary>Registers, consents and publishes.</summary>
    /// <returns>Its address.</returns>
    public static async Task<string> PublishAsync(this Client client, JsonObject profile, string role = "member-1")
    {
        var registered = await client.PostAsync(Path, role, profile);
        Assert.Equal(HttpStatusCode.Created, registered.Status);
        var subject = registered.Headers.Location!.ToString();
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{subject}/consent", role, new { textVersion = "1" })).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{subject}/publish", role)).Status);
        return subject;
    }

    /// <summary>The names that a list has, in its order.</summary>
    public static async Task<string[]> Names(this Client client, string query)
    {
        var list = await client.GetAsync($"{Path}?{query}");
        Assert.Equal(HttpStatusCode.OK, list.Status);
        return [.. list.Body!["items"]!.AsArray().Select(s => (string)s!["profile"]!["name"]!)];
    }
}
