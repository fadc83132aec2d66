using System.Globalization;
using System.Net;
using KkiMesh.AppHost;

namespace KkiMesh.TestKit;

/// <summary>Who listens where, as the kernel shows it.</summary>
public static class ListeningSockets
{
    private const string Listen = "0A";

    /// <summary>Where a process, and those that it started, listen for TCP.</summary>
    public static IReadOnlyList<IPEndPoint> Of(int process)
    {
        var sockets = ProcessTree.DescendantsOf(process).Append(process).SelectMany(SocketsOf).ToHashSet(StringComparer.Ordinal);
        return [.. All().Where(l => sockets.Contains(l.Inode)).Select(l => l.At)];
    }

    // "socket:[inode]"; a process may end while it is read.
    private static IEnumerable<string> SocketsOf(int process)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries($"/proc/{process}/fd")
                .Select(fd => new FileInfo(fd).LinkTarget)
                .Where(target => target?.StartsWith("socket:[", StringComparison.Ordinal) == true)
                .Select(target => target!["socket:[".Length..^1])];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static IEnumerable<(IPEndPoint At, string Inode)> All() =>
        from table in (string[])["/proc/net/tcp", "/proc/net/tcp6"]
        where File.Exists(table)
        from line in File.ReadLines(table).Skip(1)
        let columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        where columns[3] == Listen
        select (EndPoint(columns[1]), columns[9]);

    // "0100007F:1F90": the address in words of four bytes, each with its lowest byte first.
    private static IPEndPoint EndPoint(string text)
    {
        var parts = text.Split(':');
        var bytes = Convert.FromHexString(parts[0]);
        for (var word = 0; word < bytes.Length; word += 4)
            Array.Reverse(bytes, word, 4);
        return new IPEndPoint(new IPAddress(bytes), int.Parse(parts[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }
}
