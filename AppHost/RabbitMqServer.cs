using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace KkiMesh.AppHost;

/// <summary>RabbitMQ as a plain process on free loopback ports, with its data in a folder.</summary>
public sealed class RabbitMqServer : IAsyncDisposable
{
    private const string Server = "/usr/lib/rabbitmq/bin/rabbitmq-server";
    private readonly string _folder;
    private readonly string _password;
    private readonly Action<string> _log;
    private readonly (int Amqp, int Management, int Distribution, int Epmd) _ports = (Ports.Free(), Ports.Free(), Ports.Free(), Ports.Free());
    private ChildProcess? _epmd;
    private ChildProcess? _process;

    private RabbitMqServer(string folder, string password, Action<string> log) => (_folder, _password, _log) = (folder, password, log);

    /// <summary>Its administrator's address.</summary>
    public Uri Amqp => new($"amqp://mesh:{_password}@127.0.0.1:{_ports.Amqp}/");

    /// <summary>Its management API, with the administrator's credentials.</summary>
    public Uri Management => new($"http://mesh:{_password}@127.0.0.1:{_ports.Management}/");

    /// <summary>Whether the machine has it.</summary>
    public static bool IsInstalled => File.Exists(Server);

    /// <summary>Starts it; creates its data first where there are none.</summary>
    public static async Task<RabbitMqServer> StartAsync(string folder, Action<string> log, CancellationToken ct)
    {
        if (!IsInstalled)
            throw new InvalidOperationException("RabbitMQ is not installed; ./mesh doctor says what to do.");
        Directory.CreateDirectory(folder);
        var secret = Path.Combine(folder, "password");
        if (!File.Exists(secret))
            await Secrets.WriteAsync(secret, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)), ct);
        var cookie = Path.Combine(folder, ".erlang.cookie");
        if (!File.Exists(cookie))
        {
            await Secrets.WriteAsync(cookie, Convert.ToHexString(RandomNumberGenerator.GetBytes(16)), ct);
            File.SetUnixFileMode(cookie, UnixFileMode.UserRead);
        }

        var server = new RabbitMqServer(folder, (await File.ReadAllTextAsync(secret, ct)).Trim(), log);
        await server.StartAsync(ct);
        return server;
    }

    /// <summary>Starts it again on the same ports and data.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "rabbitmq.conf"),
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

            """,
            ct);
        await File.WriteAllTextAsync(Path.Combine(_folder, "enabled_plugins"), "[rabbitmq_management].\n", ct);

        // Its own port mapper, in the foreground, so that it ends with the server; where there is none, the server leaves one behind.
        _epmd = await ChildProcess.StartAsync(
            "epmd", ["epmd", "-address", "127.0.0.1", "-port", Text(_ports.Epmd)], new Dictionary<string, string?>(), _log);
        await Wait.Until("epmd", c => ListensAsync(_ports.Epmd, c), _epmd, TimeSpan.FromSeconds(10), ct);
        _process = await ChildProcess.StartAsync("rabbitmq", [Server], Environment, _log, _folder);
        await Wait.Until("RabbitMQ", AnswersAsync, _process, TimeSpan.FromSeconds(90), ct);
    }

    /// <summary>Ends it as a crash would.</summary>
    public async Task KillAsync()
    {
        await (_process?.KillAsync() ?? Task.CompletedTask);
        await (_epmd?.KillAsync() ?? Task.CompletedTask);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        if (_epmd is not null)
            await _epmd.DisposeAsync();
    }

    private Dictionary<string, string?> Environment => new()
    {
        ["HOME"] = _folder,
        // The start script then becomes the server instead of waiting for it: one process, which ends with this program.
        ["RUNNING_UNDER_SYSTEMD"] = "true",
        ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
        ["RABBITMQ_NODENAME"] = "mesh@localhost",
        ["RABBITMQ_CONFIG_FILE"] = Path.Combine(_folder, "rabbitmq.conf"),
        ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(_folder, "enabled_plugins"),
        ["RABBITMQ_MNESIA_BASE"] = Path.Combine(_folder, "data"),
        ["RABBITMQ_LOG_BASE"] = Path.Combine(_folder, "log"),
        ["RABBITMQ_PID_FILE"] = Path.Combine(_folder, "pid"),
        ["RABBITMQ_DIST_PORT"] = Text(_ports.Distribution),
        ["ERL_EPMD_PORT"] = Text(_ports.Epmd),
        ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
    };

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static async Task<bool> ListensAsync(int port, CancellationToken ct)
    {
        try
        {
            using var client = new System.Net.Sockets.TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, ct);
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }

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

    /// <summary>Creates a virtual host.</summary>
    public async Task CreateVirtualHostAsync(string name, CancellationToken ct)
    {
        (await _http.PutAsync($"api/vhosts/{name}", Json("{}"), ct)).EnsureSuccessStatusCode();
        await PermitAsync(name, "mesh", ".*", ".*", ".*", ct);
    }

    /// <summary>Deletes a virtual host with all it has.</summary>
    public async Task DeleteVirtualHostAsync(string name, CancellationToken ct) => await _http.DeleteAsync($"api/vhosts/{name}", ct);

    /// <summary>An account that may only have queues of its own, <c>&lt;name&gt;.*</c>, and bind them to the mesh's events.</summary>
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
