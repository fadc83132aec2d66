using System.Net;
using System.Net.Sockets;

namespace KkiMesh.AppHost;

public static class Ports
{
    /// <summary>A port that nobody uses now.</summary>
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
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
