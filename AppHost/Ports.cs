using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace KkiMesh.AppHost;

public static class Ports
{
    // Below those that Linux gives to outgoing connections: whoever is killed
    // finds its port free when it is started again.
    private const int First = 20_000;
    private const int AfterLast = 32_000;
    private const int MostTries = 1_000;
    private static readonly ConcurrentDictionary<int, bool> Given = [];

    /// <summary>A port that nobody uses now, and that this program has not been given before.</summary>
    public static int Free()
    {
        for (var tries = 0; tries < MostTries; tries++)
        {
            var port = Random.Shared.Next(First, AfterLast);
            if (IsFree(IPAddress.Loopback, port) && Given.TryAdd(port, true))
                return port;
        }

        throw new InvalidOperationException($"No port between {First} and {AfterLast} is free.");
    }

    /// <summary>The first port from this one on that nobody uses.</summary>
    public static int FirstFree(int from)
    {
        for (var port = from; port < from + 1000; port++)
        {
            if (IsFree(port))
                return port;
        }

        throw new InvalidOperationException($"No port from {from} to {from + 999} is free.");
    }

    /// <summary>Whether nobody uses it on this machine.</summary>
    public static bool IsFree(int port) => IsFree(IPAddress.Loopback, port) && IsFree(IPAddress.IPv6Loopback, port);

    private static bool IsFree(IPAddress address, int port)
    {
        try
        {
            using var listener = new TcpListener(address, port);
            listener.Start();
            return true;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.AddressNotAvailable;
        }
    }
}
