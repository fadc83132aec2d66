using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace KkiMesh.AppHost;

/// <summary>
/// Erlang's port mapper on loopback, in the foreground, so that it ends with this program. Where there is none, the
/// first RabbitMQ node starts one and leaves it behind.
/// </summary>
public sealed class Epmd : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Action<string> _log;
    private ChildProcess? _process;

    /// <summary>One that is not started yet.</summary>
    public Epmd(Action<string> log) => _log = log;

    /// <summary>Where nodes find each other.</summary>
    public int Port { get; } = Ports.Free();

    /// <summary>Starts it; again on the same port.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        _process = await ChildProcess.StartAsync(
            "epmd",
            ["epmd", "-address", "127.0.0.1", "-port", Port.ToString(CultureInfo.InvariantCulture)],
            new Dictionary<string, string?>(),
            _log);
        await Wait.Until("epmd", ListensAsync, _process, Patience, ct);
    }

    /// <summary>Ends it as a crash would.</summary>
    public Task KillAsync() => _process?.KillAsync() ?? Task.CompletedTask;

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _process?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task<bool> ListensAsync(CancellationToken ct)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port, ct);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
