using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using KkiMesh.TestKit;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

[assembly: AssemblyFixture(typeof(TestServers))]

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>A public event of the tests, in its newest contract.</summary>
[PublicEvent("kki.counter.counted.v2")]
public sealed record Counted(string Counter, int Number, string Label);

/// <summary>The contract before it.</summary>
[PublicEvent("kki.counter.counted.v1")]
public sealed record CountedBefore(string Counter, int Number);

/// <summary>A public event that only its own assembly sees.</summary>
[PublicEvent("kki.counter.weighed.v1")]
internal sealed record Weighed(string Counter, int Number);

/// <summary>A private fact.</summary>
public sealed record Noted(string Note);

/// <summary>Somebody else's event.</summary>
[PublicEvent("kki.foreign.heard.v1")]
public sealed record Heard(string Ear, int Number);

/// <summary>What the service answers to it, which it publishes.</summary>
[PublicEvent("kki.counter.echoed.v1")]
public sealed record Echoed(string Ear, int Number);

/// <summary>Counts.</summary>
public sealed record Counter(string Id, int Count) : IAggregate<Counter>
{
    public static Counter? Apply(Counter? state, string id, object e) => e switch
    {
        Counted => new Counter(id, (state?.Count ?? 0) + 1),
        _ => state,
    };

    public Decision Add(string label) => label switch
    {
        "never" => Refusal.Invalid("label", "Never is not counted."),
        "fault" => throw new InvalidOperationException("A fault of the decision."),
        "hang" => Hang(),
        "measured" => [new Measured(Id, 1), new Weighed(Id, 2)],
        _ => [new Noted("private"), new Counted(Id, Count + 1, label)],
    };

    /// <summary>Lets a decision that hangs go on; as if its program had been stopped meanwhile.</summary>
    public static ManualResetEventSlim Goes { get; } = new();

    private static Decision Hang()
    {
        Goes.Wait(TimeSpan.FromMinutes(2));
        return [new Counted("hang", 1, "hang")];
    }
}

/// <summary>What was heard, in order.</summary>
public sealed record Ear(string Id, IReadOnlyList<int> Numbers) : IAggregate<Ear>
{
    public static Ear? Apply(Ear? state, string id, object e) => e is Echoed echoed ? new Ear(id, [.. state?.Numbers ?? [], echoed.Number]) : state;
}

/// <summary>What to count.</summary>
public sealed record CountRequest([Required, StringLength(50)] string Label);

/// <summary>Replicas of a small service on the shared parts, in this process, with a clock that tests set.</summary>
internal sealed class CounterService : IAsyncDisposable
{
    private readonly Place _place;
    private readonly List<WebApplication> _replicas = [];

    private CounterService(Place place) => _place = place;

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UtcNow);

    /// <summary>What the reaction does with a number that it does not like; tests change it.</summary>
    public Func<Heard, Exception?> Fault { get; set; } = _ => null;

    public Place Place => _place;

    /// <summary>What else the service is told.</summary>
    public Action<MeshService> Configure { get; private init; } = _ => { };

    /// <summary>The database as whom it connects to; by default as the administrator.</summary>
    public string? Database { get; private init; }

    /// <summary>Starts it.</summary>
    /// <param name="servers">The servers.</param>
    /// <param name="replicas">How many; each has the same clock.</param>
    /// <param name="settings">What each is told besides.</param>
    public static Task<CounterService> StartAsync(TestServers servers, int replicas = 1, params (string Name, string Value)[] settings) =>
        StartAsync(servers, place => place, replicas, settings);

    /// <summary>The same where the place is changed first.</summary>
    public static async Task<CounterService> StartAsync(
        TestServers servers, Func<Place, Place> change, int replicas, params (string Name, string Value)[] settings)
    {
        var place = change(await servers.NewPlaceAsync());
        foreach (var (name, value) in settings)
            place.Settings[name] = value;
        return await StartAsync(place, replicas);
    }

    /// <summary>The same with a service that is told something else.</summary>
    public static async Task<CounterService> StartAsync(TestServers servers, Action<MeshService> configure) =>
        await new CounterService(await servers.NewPlaceAsync()) { Configure = configure }.BeginAsync(1);

    /// <summary>The same after something was prepared, which gives the database as whom it connects to.</summary>
    public static async Task<CounterService> StartAsync(TestServers servers, Func<Place, Task<string?>> prepare)
    {
        var place = await servers.NewPlaceAsync();
        return await new CounterService(place) { Database = await prepare(place) }.BeginAsync(1);
    }

    /// <summary>The same at a place that is there.</summary>
    public static Task<CounterService> StartAsync(Place place, int replicas = 1) => new CounterService(place).BeginAsync(replicas);

    private async Task<CounterService> BeginAsync(int replicas)
    {
        for (var i = 0; i < replicas; i++)
            await AddReplicaAsync();
        return this;
    }

    public Client Client(int replica = 0) => new(new Uri(_replicas[replica].Urls.First()), _place.Issuer);

    public string Address => _replicas[0].Urls.First();

    public IServiceProvider Services(int replica = 0) => _replicas[replica].Services;

    /// <summary>Starts one more.</summary>
    /// <param name="address">Where it listens, e.g. where one before it did; by default a free port.</param>
    /// <param name="clock">Its clock; by default that of the others.</param>
    /// <param name="format">The format that its version knows.</param>
    public async Task AddReplicaAsync(string? address = null, TimeProvider? clock = null, int format = 1)
    {
        var builder = await _place.BuilderAsync("counter");
        if (address is not null)
            builder.WebHost.UseUrls(address);
        builder.Services.AddSingleton(clock ?? Time);
        if (Database is not null)
            builder.Configuration["ConnectionStrings:counter"] = Database;
        builder.AddMeshService("counter", mesh => Configure(mesh
            .Format(format)
            .Aggregate<Counter>()
            .Aggregate<Ear>()
            .AlsoPublish((Counted c) => new CountedBefore(c.Counter, c.Number))
            .On<Heard>(Hear)));
        builder.Services.AddValidation();
        var app = builder.Build();
        var group = app.UseMeshService();
        group.MapPost("/{id}", (string id, CountRequest request, Command command) =>
            command.Start<Counter>(id, [new Counted(id, 1, request.Label)], id)).AsCreation<Counter>("Begins", Roles.Member);
        group.MapPost("/{id}/count", (string id, CountRequest request, Command command) =>
            command.On<Counter>(id, c => c.Add(request.Label))).AsCommand<Counter>("Counts", Roles.Member);
        try
        {
            await app.StartAsync();
        }
        catch
        {
            // What had started already goes on otherwise.
            await app.StopAsync();
            await app.DisposeAsync();
            throw;
        }

        _replicas.Add(app);
        using var client = Client(_replicas.Count - 1);
        await Eventually.Is(() => client.GetAsync("/health"), a => a.Status == System.Net.HttpStatusCode.OK);
    }

    /// <summary>Keeps a stream until it is disposed.</summary>
    public async Task<NpgsqlConnection> TakeAsync(string stream)
    {
        var connection = new NpgsqlConnection($"{await _place.DatabaseAsync("counter")};Pooling=false");
        await connection.OpenAsync();
        await using var take = new NpgsqlCommand($"select pg_advisory_lock(hashtextextended('{stream}', 0))", connection);
        await take.ExecuteNonQueryAsync();
        return connection;
    }

    /// <summary>Waits until a group wants a stream that is kept.</summary>
    public Task IsTakenUpAsync(string stream) => Eventually.Is(
        () => NumberAsync($"select count(*) from pg_locks where locktype = 'advisory' and not granted and (classid::bigint << 32 | objid::bigint) = hashtextextended('{stream}', 0)"),
        waiting => waiting > 0);

    /// <summary>A number out of the database.</summary>
    public async Task<long> NumberAsync(string sql)
    {
        await using var database = NpgsqlDataSource.Create(await _place.DatabaseAsync("counter"));
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>A connection to the service's database that is the test's own.</summary>
    public async Task<NpgsqlConnection> ConnectAsync()
    {
        var connection = new NpgsqlConnection($"{await _place.DatabaseAsync("counter")};Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>A text out of the database.</summary>
    public async Task<string> TextAsync(string sql)
    {
        await using var database = NpgsqlDataSource.Create(await _place.DatabaseAsync("counter"));
        await using var command = database.CreateCommand(sql);
        return (string)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Changes the database behind the service's back.</summary>
    public async Task DoAsync(string sql)
    {
        await using var database = NpgsqlDataSource.Create($"{await _place.DatabaseAsync("counter")};Pooling=false");
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The numbers that an ear has heard, in order.</summary>
    public async Task<IReadOnlyList<int>> NumbersAsync(string ear)
    {
        await using var session = Services().GetRequiredService<Marten.IDocumentStore>().QuerySession("gorenjska");
        return (await session.LoadAsync<Ear>(ear))?.Numbers ?? [];
    }

    public async Task StopReplicaAsync(int replica)
    {
        await _replicas[replica].StopAsync();
        await _replicas[replica].DisposeAsync();
        _replicas.RemoveAt(replica);
    }

    public async ValueTask DisposeAsync()
    {
        while (_replicas.Count > 0)
            await StopReplicaAsync(0);
        await _place.DisposeAsync();
    }

    private Task Hear(Heard heard, Reaction reaction) =>
        Fault(heard) is { } fault
            ? Task.FromException(fault)
            : reaction.On<Ear>(heard.Ear, _ => [new Echoed(heard.Ear, heard.Number)], orElse: () => [new Echoed(heard.Ear, heard.Number)]);
}
