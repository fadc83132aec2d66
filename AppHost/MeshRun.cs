using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace KkiMesh.AppHost;

/// <summary>How a mesh is run.</summary>
/// <param name="Servers">PostgreSQL and RabbitMQ.</param>
/// <param name="Secret">What services show to get tokens.</param>
/// <param name="Log">Takes each line: the service's name and the line.</param>
public sealed record MeshOptions(Servers Servers, string Secret, Action<string, string> Log)
{
    /// <summary>The gateway's port; 0 chooses a free one.</summary>
    public int Port { get; init; }

    /// <summary>The gateway's port for gRPC; 0 chooses a free one.</summary>
    public int GrpcPort { get; init; }

    /// <summary>How many processes of a service, by name; 1 where nothing is said, 0 where it does not run.</summary>
    public IReadOnlyDictionary<string, int> Replicas { get; init; } = new Dictionary<string, int>();

    /// <summary>Distinguishes databases where several meshes share a server.</summary>
    public string DatabasePrefix { get; init; } = "";

    /// <summary>The virtual host's address; by default the server's own.</summary>
    public Uri? RabbitMq { get; init; }

    /// <summary>Configuration of every service besides.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>What a service is told of the mesh, in the place of what it is told in Development.</summary>
    public Func<Service, IReadOnlyDictionary<string, string?>>? Settings { get; init; }
}

/// <summary>A replica that runs.</summary>
/// <param name="Service">The service's name.</param>
/// <param name="Replica">Its number, from 0.</param>
/// <param name="ProcessId">Its process.</param>
/// <param name="StartedIn">From the start of the process until it was healthy.</param>
public sealed record RunningReplica(string Service, int Replica, int ProcessId, TimeSpan StartedIn);

/// <summary>
/// The mesh as plain processes of this machine: the services side by side, then the gateway, each until it is healthy.
/// Nothing is restarted behind anybody's back: a service that dies is reported with its last lines.
/// </summary>
public sealed class MeshRun : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private readonly MeshOptions _options;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly Dictionary<(string Service, int Replica), (int Port, ChildProcess? Process)> _running = [];
    private readonly Dictionary<(string Service, int Replica), int> _grpcPorts = [];
    private readonly ConcurrentDictionary<(string Service, int Replica), RunningReplica> _healthy = [];
    private readonly ConcurrentDictionary<ChildProcess, bool> _ending = [];
    private readonly ConcurrentDictionary<(string Service, int Replica, string Setting), string> _own = [];
    private bool _stopping;

    private MeshRun(MeshOptions options)
    {
        _options = options;
        foreach (var service in Topology.Services)
        {
            for (var replica = 0; replica < options.Replicas.GetValueOrDefault(service.Name, 1); replica++)
            {
                _running[(service.Name, replica)] = (Ports.Free(), null);
                if (service.HasGrpc)
                    _grpcPorts[(service.Name, replica)] = Ports.Free();
            }
        }

        _running[(Topology.Gateway.Name, 0)] = (options.Port == 0 ? Ports.Free() : options.Port, null);
        _grpcPorts[(Topology.Gateway.Name, 0)] = options.GrpcPort == 0 ? Ports.Free() : options.GrpcPort;
    }

    /// <summary>The gateway's address.</summary>
    public Uri Gateway => new($"http://localhost:{_running[(Topology.Gateway.Name, 0)].Port}");

    /// <summary>
    /// The gateway's address for gRPC, over HTTP/2 without TLS; where settings
    /// name other addresses, it is not listened to.
    /// </summary>
    public Uri Grpc => new($"http://localhost:{_grpcPorts[(Topology.Gateway.Name, 0)]}");

    /// <summary>What runs, as it was last started.</summary>
    public IReadOnlyList<RunningReplica> Replicas => [.. _healthy.Values.OrderBy(r => r.Service, StringComparer.Ordinal).ThenBy(r => r.Replica)];

    /// <summary>Starts everything and returns when everything is healthy.</summary>
    public static async Task<MeshRun> StartAsync(MeshOptions options, CancellationToken ct)
    {
        var run = new MeshRun(options);
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(ct);
        try
        {
            await Task.WhenAll(run._running.Keys.Where(k => k.Service != Topology.Gateway.Name).ToList()
                .Select(k => run.StartWithOthersAsync(k.Service, k.Replica, failed)));
            await run.StartReplicaAsync(Topology.Gateway.Name, 0, ct);
            return run;
        }
        catch
        {
            await run.DisposeAsync();
            throw;
        }
    }

    /// <summary>One replica's own address.</summary>
    public Uri Url(string service, int replica = 0) => new($"http://127.0.0.1:{_running[(service, replica)].Port}");

    /// <summary>Starts a replica, on the port that it always has, and returns when it is healthy.</summary>
    public async Task StartReplicaAsync(string name, int replica, CancellationToken ct = default)
    {
        var service = name == Topology.Gateway.Name ? Topology.Gateway : Topology.Services.First(s => s.Name == name);
        var label = _options.Replicas.GetValueOrDefault(name, 1) > 1 ? $"{name}-{replica}" : name;
        var environment = await EnvironmentAsync(service, replica, ct);
        var started = Stopwatch.GetTimestamp();
        var process = await ChildProcess.StartAsync(
            label,
            ["dotnet", Checkout.Program(service)],
            environment,
            line => _options.Log(label, line),
            Path.GetDirectoryName(Checkout.Program(service)));
        _running[(name, replica)] = (_running[(name, replica)].Port, process);
        _ = ReportEndAsync(label, process);
        await Wait.Until(label, c => IsReadyAsync(Url(name, replica), c), process, Patience, ct);
        _healthy[(name, replica)] = new RunningReplica(name, replica, process.Id, Stopwatch.GetElapsedTime(started));
    }

    /// <summary>Lets a replica finish what it has in hand, and starts it anew.</summary>
    public async Task RestartReplicaAsync(string service, int replica, CancellationToken ct = default)
    {
        if (_running[(service, replica)].Process is { } process)
        {
            _ending.TryAdd(process, true);
            await process.DisposeAsync();
        }

        await StartReplicaAsync(service, replica, ct);
    }

    /// <summary>Tells one replica something besides, from its next start on; null takes it back.</summary>
    public void Set(string service, int replica, string setting, string? value)
    {
        if (value is null)
            _own.TryRemove((service, replica, setting), out _);
        else
            _own[(service, replica, setting)] = value;
    }

    /// <summary>Stops a replica without ending it: its connections stay, and nobody answers.</summary>
    public void Pause(string service, int replica = 0) => _running[(service, replica)].Process?.Pause();

    /// <summary>Lets it go on.</summary>
    public void Resume(string service, int replica = 0) => _running[(service, replica)].Process?.Resume();

    /// <summary>Ends a replica as a crash would.</summary>
    public Task KillAsync(string service, int replica = 0) => _running[(service, replica)].Process?.KillAsync() ?? Task.CompletedTask;

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        if (_running[(Topology.Gateway.Name, 0)].Process is { } gateway)
            await gateway.DisposeAsync();
        await Task.WhenAll(_running.Where(r => r.Key.Service != Topology.Gateway.Name && r.Value.Process is not null)
            .Select(r => r.Value.Process!.DisposeAsync().AsTask()));
        _http.Dispose();
    }

    // The others may wait for one that cannot start: its reason is told at once, and not when their patience ends.
    private async Task StartWithOthersAsync(string service, int replica, CancellationTokenSource failed)
    {
        try
        {
            await StartReplicaAsync(service, replica, failed.Token);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            await failed.CancelAsync();
            throw;
        }
    }

    private async Task<Dictionary<string, string?>> EnvironmentAsync(Service service, int replica, CancellationToken ct)
    {
        var environment = new Dictionary<string, string?>(_options.Environment) { ["OTEL_SERVICE_NAME"] = service.Name, ["DOTNET_gcServer"] = "0" };
        foreach (var ((_, _, setting), value) in _own.Where(o => o.Key.Service == service.Name && o.Key.Replica == replica))
            environment[setting] = value;
        foreach (var (name, value) in _options.Settings?.Invoke(service) ?? Topology.Settings(service, Gateway, _options.Secret))
            environment.TryAdd(name, value);
        if (!environment.ContainsKey("ASPNETCORE_URLS"))
            Listen(environment, service, replica);
        environment.TryAdd("ASPNETCORE_ENVIRONMENT", System.Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") ?? "Development");
        // Identity asks nobody.
        foreach (var ((name, number), (otherPort, _)) in _running.Where(r => r.Key.Service != Topology.Gateway.Name && service != Topology.Identity))
            environment[string.Create(CultureInfo.InvariantCulture, $"services__{name}__http__{number}")] = $"http://127.0.0.1:{otherPort}";
        if (service.HasDatabase)
            environment[$"ConnectionStrings__{service.Name}"] = await _options.Servers.CreateDatabaseAsync(_options.DatabasePrefix + service.Name, ct);
        if (service.HasStore)
            environment["ConnectionStrings__rabbitmq"] = (_options.RabbitMq ?? _options.Servers.RabbitMq).ToString();
        if (service.HasStore && _options.Servers.Management is { } management)
            environment.TryAdd("ConnectionStrings__rabbitmqmanagement", management.ToString());
        if (service != Topology.Gateway)
            return environment;
        foreach (var ((name, number), otherPort) in _grpcPorts.Where(r => r.Key.Service != Topology.Gateway.Name))
            environment[string.Create(CultureInfo.InvariantCulture, $"services__{name}__grpc__{number}")] = $"http://127.0.0.1:{otherPort}";
        foreach (var (index, other) in Topology.Services.Where(s => _running.ContainsKey((s.Name, 0))).Index())
            environment[$"Gateway__Services__{index}"] = other.Name;
        return environment;
    }

    private void Listen(Dictionary<string, string?> environment, Service service, int replica)
    {
        var (host, port) = (service == Topology.Gateway ? "localhost" : "127.0.0.1", _running[(service.Name, replica)].Port);
        if (!service.HasGrpc)
        {
            environment["ASPNETCORE_URLS"] = $"http://{host}:{port}";
            return;
        }

        foreach (var (name, value) in Topology.Endpoints(host, port, _grpcPorts[(service.Name, replica)]))
            environment[name] = value;
    }

    // One that is only degraded answers 200 as well.
    private async Task<bool> IsReadyAsync(Uri url, CancellationToken ct)
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri(url, "/health"), ct);
            return answer.StatusCode == HttpStatusCode.OK
                && JsonNode.Parse(await answer.Content.ReadAsStringAsync(ct)) is JsonObject health && (string?)health["status"] == "ready";
        }
        catch (Exception e) when (e is HttpRequestException or JsonException || (e is TaskCanceledException && !ct.IsCancellationRequested))
        {
            return false;
        }
    }

    private async Task ReportEndAsync(string label, ChildProcess process)
    {
        await process.WaitAsync(CancellationToken.None);
        if (_stopping || _ending.ContainsKey(process))
            return;
        _options.Log(label, $"*** {label} ended with exit code {process.ExitCode}. Its last lines:");
        foreach (var line in process.LastLines)
            _options.Log(label, $"*** {line}");
    }
}
