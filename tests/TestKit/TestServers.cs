using KkiMesh.AppHost;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace KkiMesh.TestKit;

/// <summary>
/// PostgreSQL and RabbitMQ of a test project: those of ./mesh test, or its own where it is run alone.
/// </summary>
public sealed class TestServers : IAsyncLifetime
{
    private string? _folder;

    /// <summary>The servers.</summary>
    public Servers Servers { get; private set; } = null!;

    /// <summary>Whose tokens the services take.</summary>
    public Issuer Issuer { get; private set; } = null!;

    /// <inheritdoc />
    public async ValueTask InitializeAsync()
    {
        Issuer = await Issuer.StartAsync();
        _folder = Directory.CreateTempSubdirectory("kkimesh-").FullName;
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_000_001);
        Servers = await Servers.StartAsync(_folder, _ => { }, CancellationToken.None);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await Servers.DisposeAsync();
        await Issuer.DisposeAsync();
        Directory.Delete(_folder!, recursive: true);
    }

    /// <summary>A database and a virtual host that nobody else uses; both are gone when it is disposed.</summary>
    public async Task<Place> NewPlaceAsync()
    {
        var name = $"t{Guid.NewGuid():N}";
        return new Place(Servers, Issuer, name, await Servers.CreateVirtualHostAsync(name));
    }
}

/// <summary>A test's own part of the servers.</summary>
/// <param name="Servers">The servers.</param>
/// <param name="Issuer">Whose tokens its services take.</param>
/// <param name="Name">The virtual host's name, and the prefix of the databases'.</param>
/// <param name="RabbitMq">The virtual host's address.</param>
public sealed record Place(Servers Servers, Issuer Issuer, string Name, Uri RabbitMq) : IAsyncDisposable
{
    private readonly List<string> _databases = [];

    /// <summary>What its services are told besides.</summary>
    public Dictionary<string, string?> Settings { get; } = [];

    /// <summary>A database; the same again for the same name.</summary>
    public Task<string> DatabaseAsync(string name)
    {
        _databases.Add($"{Name}-{name}");
        return Servers.CreateDatabaseAsync($"{Name}-{name}");
    }

    /// <summary>What a service of this name is told, so that it runs here.</summary>
    public async Task<Dictionary<string, string?>> SettingsAsync(string service) => new(Settings)
    {
        [$"ConnectionStrings:{service}"] = await DatabaseAsync(service),
        ["ConnectionStrings:rabbitmq"] = RabbitMq.ToString(),
        ["Authentication:Authority"] = Issuer.Address.ToString(),
        ["Authentication:ClientSecret"] = "any",
        ["Mesh:Regions:0"] = "gorenjska",
        ["urls"] = "http://127.0.0.1:0",
    };

    /// <summary>A builder of a small service of this name, in this process.</summary>
    public async Task<WebApplicationBuilder> BuilderAsync(string service)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Development" });
        builder.Configuration.AddInMemoryCollection(await SettingsAsync(service));
        builder.WebHost.UseUrls(builder.Configuration["urls"]!);
        builder.Services.Configure<LoggerFilterOptions>(o => o.MinLevel = LogLevel.None);
        return builder;
    }

    /// <summary>A client of the broker's management API.</summary>
    public HttpClient Management()
    {
        var address = Servers.Management!;
        var http = new HttpClient { BaseAddress = new Uri($"{address.Scheme}://{address.Authority}"), Timeout = TimeSpan.FromSeconds(10) };
        http.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(Uri.UnescapeDataString(address.UserInfo))));
        return http;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (var database in _databases.Distinct())
            await Servers.DropDatabaseAsync(database);
        await Servers.DeleteVirtualHostAsync(Name);
    }
}
