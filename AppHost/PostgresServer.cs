using System.Globalization;
using System.Security.Cryptography;
using Npgsql;

namespace KkiMesh.AppHost;

/// <summary>PostgreSQL as a plain process on a free loopback port, with its data in a folder.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>How many connections it takes.</summary>
    internal const int MaxConnections = 300;

    /// <summary>How many of them PostgreSQL keeps for administrators.</summary>
    internal const int Reserved = 3;

    private readonly string _folder;
    private readonly string _binaries;
    private readonly string _password;
    private readonly int _port = Ports.Free();
    private readonly Action<string> _log;
    private ChildProcess? _process;

    private PostgresServer(string folder, string binaries, string password, Action<string> log) =>
        (_folder, _binaries, _password, _log) = (folder, binaries, password, log);

    /// <summary>Its administrator's connection string, without a database.</summary>
    public string ConnectionString => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = _port,
        Username = "mesh",
        Password = _password,
        Database = "postgres",
        KeepAlive = 10,
    }.ConnectionString;

    /// <summary>The folder of the newest installed binaries; null where there are none.</summary>
    public static string? FindBinaries()
    {
        var debian = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql")
                .OrderByDescending(d => double.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var v) ? v : 0)
                .Select(d => Path.Combine(d, "bin"))
            : [];
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return debian.Concat(path).FirstOrDefault(d => File.Exists(Path.Combine(d, "initdb")) && File.Exists(Path.Combine(d, "postgres")));
    }

    /// <summary>Starts it; creates its data first where there are none.</summary>
    public static async Task<PostgresServer> StartAsync(string folder, Action<string> log, CancellationToken ct)
    {
        var binaries = FindBinaries() ?? throw new InvalidOperationException("PostgreSQL is not installed; ./mesh doctor says what to do.");
        Directory.CreateDirectory(folder);
        var secret = Path.Combine(folder, "password");
        if (!File.Exists(secret))
            await Secrets.WriteAsync(secret, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)), ct);
        var server = new PostgresServer(folder, binaries, (await File.ReadAllTextAsync(secret, ct)).Trim(), log);
        await server.InitializeAsync(secret, ct);
        await server.StartAsync(ct);
        return server;
    }

    /// <summary>Starts it again on the same port and data.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        await StopOrphanAsync();
        _process = await ChildProcess.StartAsync(
            "postgres",
            [
                .. AsPostgres, Path.Combine(_binaries, "postgres"), "-D", Data, "-p", _port.ToString(CultureInfo.InvariantCulture),
                "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", string.Create(CultureInfo.InvariantCulture, $"max_connections={MaxConnections}"),
            ],
            new Dictionary<string, string?>(),
            _log);
        await Wait.Until("PostgreSQL", AnswersAsync, _process, TimeSpan.FromSeconds(60), ct);
    }

    /// <summary>Ends it as a crash would.</summary>
    public Task KillAsync() => _process?.KillAsync() ?? Task.CompletedTask;

    /// <summary>Stops it without ending it: its connections stay, and nobody answers.</summary>
    public void Pause() => _process?.Pause();

    /// <summary>Lets it go on.</summary>
    public void Resume() => _process?.Resume();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_process is null)
            return;
        await _process.StopAsync(Native.Sigint, TimeSpan.FromSeconds(20));
        await _process.DisposeAsync();
    }

    private string Data => Path.Combine(_folder, "data");

    // PostgreSQL does not run as root. setpriv replaces itself by the server, so its process id is the server's.
    private static string[] AsPostgres => Environment.UserName == "root"
        ? ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", "--pdeathsig", "KILL"]
        : [];

    private async Task InitializeAsync(string secret, CancellationToken ct)
    {
        if (File.Exists(Path.Combine(Data, "PG_VERSION")))
            return;
        var none = new Dictionary<string, string?>();
        Directory.CreateDirectory(Data);
        if (AsPostgres.Length > 0)
            await ChildProcess.RunAsync("chown", ["chown", "-R", "postgres:", _folder], none, ct);
        await ChildProcess.RunAsync(
            "initdb",
            [
                .. AsPostgres, Path.Combine(_binaries, "initdb"), "-D", Data, "-U", "mesh", "-E", "UTF8", "--locale=C.UTF-8",
                "--auth=scram-sha-256", $"--pwfile={secret}",
            ],
            none,
            ct);
    }

    // A server that a crash of this program left behind holds the data folder.
    private async Task StopOrphanAsync()
    {
        var pidFile = Path.Combine(Data, "postmaster.pid");
        if (!File.Exists(pidFile) || !int.TryParse((await File.ReadAllLinesAsync(pidFile)).FirstOrDefault(), CultureInfo.InvariantCulture, out var pid))
            return;
        var commandLine = $"/proc/{pid}/cmdline";
        if (!File.Exists(commandLine) || !(await File.ReadAllTextAsync(commandLine)).Contains(Data, StringComparison.Ordinal))
            return;
        _ = Native.Kill(pid, Native.Sigint);
        for (var i = 0; i < 100 && Directory.Exists($"/proc/{pid}"); i++)
            await Task.Delay(100);
    }

    private async Task<bool> AnswersAsync(CancellationToken ct)
    {
        try
        {
            await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false, Timeout = 2 }.ConnectionString);
            await connection.OpenAsync(ct);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }
}
