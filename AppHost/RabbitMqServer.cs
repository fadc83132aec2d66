using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;

namespace KkiMesh.AppHost;

/// <summary>A node's place in a cluster.</summary>
/// <param name="Name">The node's name, e.g. <c>mesh-1</c>.</param>
/// <param name="Members">The names of all nodes, this one's too.</param>
/// <param name="Epmd">The port mapper that they share; whoever started it ends it.</param>
public sealed record ClusterMember(string Name, IReadOnlyList<string> Members, Epmd Epmd);

/// <summary>RabbitMQ as a plain process on free loopback ports, with its data in a folder.</summary>
public sealed class RabbitMqServer : IAsyncDisposable
{
    private const string Programs = "/usr/lib/rabbitmq/bin";
    private const string Server = Programs + "/rabbitmq-server";
    private const string OnLoopback = "-kernel inet_dist_use_interface {127,0,0,1}";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly string _folder;
    private readonly string _secrets;
    private readonly string _password;
    private readonly Action<string> _log;
    private readonly ClusterMember? _member;
    private readonly Epmd _epmd;
    private readonly (int Amqp, int Management, int Distribution) _ports = (Ports.Free(), Ports.Free(), Ports.Free());
    private ChildProcess? _process;

    private RabbitMqServer(string folder, string secrets, string password, ClusterMember? member, Action<string> log) =>
        (_folder, _secrets, _password, _member, _log, _epmd) = (folder, secrets, password, member, log, member?.Epmd ?? new Epmd(log));

    /// <summary>Its administrator's address.</summary>
    public Uri Amqp => new($"amqp://mesh:{_password}@127.0.0.1:{_ports.Amqp}/");

    /// <summary>Its management API, with the administrator's credentials.</summary>
    public Uri Management => new($"http://mesh:{_password}@127.0.0.1:{_ports.Management}/");

    /// <summary>Whether the machine has it.</summary>
    public static bool IsInstalled => File.Exists(Server);

    /// <summary>Starts it; creates its data first where there are none.</summary>
    public static async Task<RabbitMqServer> StartAsync(string folder, Action<string> log, CancellationToken ct)
    {
        var server = await CreateAsync(folder, folder, null, log, ct);
        await server.StartAsync(ct);
        return server;
    }

    /// <summary>A node of a cluster, not started yet: nodes that start side by side find each other.</summary>
    /// <param name="folder">The cluster's folder: its secrets are there, and the
    /// node's data in a folder of its name.</param>
    /// <param name="member">Its place.</param>
    /// <param name="log">Takes its lines.</param>
    /// <param name="ct">Gives up.</param>
    public static Task<RabbitMqServer> CreateAsync(string folder, ClusterMember member, Action<string> log, CancellationToken ct) =>
        CreateAsync(Path.Combine(folder, member.Name), folder, member, log, ct);

    /// <summary>Starts it again on the same ports and data.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "rabbitmq.conf"), Configuration, ct);
        await File.WriteAllTextAsync(Path.Combine(_folder, "enabled_plugins"), "[rabbitmq_management].\n", ct);
        if (_member is null)
            await _epmd.StartAsync(ct);
        _process = await ChildProcess.StartAsync("rabbitmq", [Server], Environment, _log, _folder);
        await Wait.Until("RabbitMQ", AnswersAsync, _process, Patience, ct);
    }

    /// <summary>Ends it as a crash would.</summary>
    public async Task KillAsync()
    {
        await (_process?.KillAsync() ?? Task.CompletedTask);
        if (_member is null)
            await _epmd.KillAsync();
    }

    /// <summary>
    /// Takes all its data away, as a lost disk would; it must not run. Its own configuration creates its user anew.
    /// </summary>
    public void Wipe()
    {
        if (Directory.Exists(Data))
            Directory.Delete(Data, recursive: true);
    }

    /// <summary>Stops it without ending it: its connections stay, and nobody answers.</summary>
    public void Pause() => _process?.Pause();

    /// <summary>Lets it go on.</summary>
    public void Resume() => _process?.Resume();

    /// <summary>Runs <c>rabbitmqctl</c> against it.</summary>
    public Task ControlAsync(IReadOnlyList<string> arguments, CancellationToken ct) =>
        ChildProcess.RunAsync("rabbitmqctl", [Programs + "/rabbitmqctl", .. arguments], Environment, ct);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        if (_member is null)
            await _epmd.DisposeAsync();
    }

    private string Data => Path.Combine(_folder, "data");

    private string NodeName => $"{_member?.Name ?? "mesh"}@localhost";

    private string Configuration =>
        $"""
        listeners.tcp.1 = 127.0.0.1:{_ports.Amqp}
        management.tcp.ip = 127.0.0.1
        management.tcp.port = {_ports.Management}
        default_user = mesh
        default_pass = {_password}
        vm_memory_high_watermark.relative = 0.6
        disk_free_limit.absolute = 100MB
        log.console = true
        log.console.level = warning
        log.file = false

        """ + string.Concat(_member?.Members.Select((m, i) => $"cluster_formation.classic_config.nodes.{i + 1} = {m}@localhost\n") ?? []);

    private Dictionary<string, string?> Environment => new()
    {
        ["HOME"] = _secrets,
        // The start script then becomes the server instead of waiting for it:
        // one process, which ends with this program.
        ["RUNNING_UNDER_SYSTEMD"] = "true",
        ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
        ["RABBITMQ_NODENAME"] = NodeName,
        ["RABBITMQ_CONFIG_FILE"] = Path.Combine(_folder, "rabbitmq.conf"),
        ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(_folder, "enabled_plugins"),
        ["RABBITMQ_MNESIA_BASE"] = Data,
        ["RABBITMQ_LOG_BASE"] = Path.Combine(_folder, "log"),
        ["RABBITMQ_PID_FILE"] = Path.Combine(_folder, "pid"),
        ["RABBITMQ_DIST_PORT"] = Text(_ports.Distribution),
        // Otherwise the port of the nodes, and of the control program, is open to every interface.
        ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = OnLoopback,
        ["RABBITMQ_CTL_ERL_ARGS"] = OnLoopback,
        ["ERL_EPMD_PORT"] = Text(_epmd.Port),
        ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
    };

    private static async Task<RabbitMqServer> CreateAsync(
        string folder, string secrets, ClusterMember? member, Action<string> log, CancellationToken ct)
    {
        if (!IsInstalled)
            throw new InvalidOperationException("RabbitMQ is not installed; ./mesh doctor says what to do.");
        Directory.CreateDirectory(folder);
        var secret = Path.Combine(secrets, "password");
        if (!File.Exists(secret))
            await Secrets.WriteAsync(secret, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)), ct);
        var cookie = Path.Combine(secrets, ".erlang.cookie");
        if (!File.Exists(cookie))
        {
            await Secrets.WriteAsync(cookie, Convert.ToHexString(RandomNumberGenerator.GetBytes(16)), ct);
            File.SetUnixFileMode(cookie, UnixFileMode.UserRead);
        }

        return new RabbitMqServer(folder, secrets, (await File.ReadAllTextAsync(secret, ct)).Trim(), member, log);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private async Task<bool> AnswersAsync(CancellationToken ct)
    {
        using var management = new ManagementApi(Management);
        return await management.IsUpAsync(ct);
    }
}

/// <summary>The few calls of RabbitMQ's management API that the mesh needs.</summary>
public sealed class ManagementApi : IDisposable
{
    private readonly HttpClient _http;

    /// <summary>An address with credentials.</summary>
    public ManagementApi(Uri address)
    {
        _http = new HttpClient { BaseAddress = new Uri($"{address.Scheme}://{address.Authority}/"), Timeout = TimeSpan.FromSeconds(60) };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(address.UserInfo))));
    }

    /// <summary>Whether the node runs and answers.</summary>
    public async Task<bool> IsUpAsync(CancellationToken ct)
    {
        try
        {
            return (await _http.GetAsync("api/health/checks/virtual-hosts", ct)).IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>How many nodes of its cluster run, as this one sees it.</summary>
    public async Task<int> RunningNodesAsync(CancellationToken ct)
    {
        var nodes = await _http.GetFromJsonAsync<System.Text.Json.Nodes.JsonArray>("api/nodes", ct);
        return nodes!.Count(n => (bool?)n!["running"] == true);
    }

    /// <summary>Creates a virtual host.</summary>
    public async Task CreateVirtualHostAsync(string name, CancellationToken ct)
    {
        (await _http.PutAsync($"api/vhosts/{name}", Json("{}"), ct)).EnsureSuccessStatusCode();
        await PermitAsync(name, "mesh", ".*", ".*", ".*", ct);
    }

    /// <summary>Deletes a virtual host with all it has.</summary>
    public async Task DeleteVirtualHostAsync(string name, CancellationToken ct) => await _http.DeleteAsync($"api/vhosts/{name}", ct);

    /// <summary>
    /// An account that may only have queues of its own, <c>&lt;name&gt;.*</c>, and bind them to the mesh's events.
    /// </summary>
    public async Task CreateIntegratorAsync(string virtualHost, string name, string password, CancellationToken ct)
    {
        (await _http.PutAsync($"api/users/{name}", Json($$"""{"password":"{{password}}","tags":""}"""), ct)).EnsureSuccessStatusCode();
        var own = $"^{name}\\\\..*$";
        await PermitAsync(virtualHost, name, own, own, $"^(kki\\\\.events|{name}\\\\..*)$", ct);
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private async Task PermitAsync(string virtualHost, string user, string configure, string write, string read, CancellationToken ct)
    {
        var body = $$"""{"configure":"{{configure}}","write":"{{write}}","read":"{{read}}"}""";
        var answer = await _http.PutAsync($"api/permissions/{WebUtility.UrlEncode(virtualHost)}/{user}", Json(body), ct);
        answer.EnsureSuccessStatusCode();
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");
}
