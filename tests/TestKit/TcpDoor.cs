using System.Net;
using System.Net.Sockets;

namespace KkiMesh.TestKit;

/// <summary>
/// Passes connections on to the first of several loopback ports that answers, as a load balancer does.
/// </summary>
public sealed class TcpDoor : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    /// <summary>Opens it.</summary>
    public TcpDoor()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Where it leads, the first that answers; may be changed at any time, for connections to come.</summary>
    public IReadOnlyList<int> Targets { get; set; } = [];

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var open = new List<Task>();
        try
        {
            while (true)
            {
                open.RemoveAll(o => o.IsCompleted);
                open.Add(PassAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(open);
        }
    }

    // When one side ends, so does the other.
    private async Task PassAsync(TcpClient from)
    {
        using var here = from;
        using var there = await ConnectAsync();
        if (there is null)
            return;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        await Task.WhenAny(CopyAsync(here, there, stop.Token), CopyAsync(there, here, stop.Token));
        await stop.CancelAsync();
    }

    private async Task<TcpClient?> ConnectAsync()
    {
        foreach (var port in Targets)
        {
            var client = new TcpClient { NoDelay = true };
            try
            {
                await client.ConnectAsync(IPAddress.Loopback, port, _stop.Token);
                return client;
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                client.Dispose();
            }
        }

        return null;
    }

    private static async Task CopyAsync(TcpClient from, TcpClient to, CancellationToken ct)
    {
        try
        {
            await from.GetStream().CopyToAsync(to.GetStream(), ct);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // One side is gone.
        }
    }
}
