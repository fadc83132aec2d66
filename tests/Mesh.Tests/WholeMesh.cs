using KkiMesh.AppHost;
using KkiMesh.TestKit;

[assembly: AssemblyFixture(typeof(KkiMesh.TestKit.TestServers))]

namespace KkiMesh.Mesh.Tests;

/// <summary>Tests of the one whole mesh come one after the other, since some kill parts of it.</summary>
[CollectionDefinition]
public sealed class OnWholeMesh : ICollectionFixture<WholeMesh>;

/// <summary>
/// Tests with a mesh of their own, or none: one after the other, beside those of the whole one, which often wait.
/// </summary>
[CollectionDefinition]
public sealed class Apart;

/// <summary>The whole mesh as processes, on servers of its own, since tests kill them.</summary>
public sealed class WholeMesh : IAsyncLifetime
{
    private string? _folder;

    public Servers Servers { get; private set; } = null!;

    public MeshRun Run { get; private set; } = null!;

    /// <summary>Real tokens, of the mesh's own demo accounts.</summary>
    public DemoTokens Tokens { get; private set; } = null!;

    /// <summary>What the services said so far.</summary>
    public IEnumerable<string> LogLines()
    {
        using var file = new FileStream(Path.Combine(_folder!, "services.log"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var lines = new StreamReader(file);
        while (lines.ReadLine() is { } line)
            yield return line;
    }

    public Client Client() => new(Run.Gateway, who => Tokens.ForAsync(who));

    public async ValueTask InitializeAsync()
    {
        _folder = Directory.CreateTempSubdirectory("kkimesh-").FullName;
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_000_001);
        Servers = await Servers.StartOwnAsync(_folder, _ => { }, CancellationToken.None);
        var log = TextWriter.Synchronized(new StreamWriter(Path.Combine(_folder, "services.log")) { AutoFlush = true });
        Run = await MeshRun.StartAsync(
            new MeshOptions(Servers, "the services' secret", (name, line) => log.WriteLine($"{name} {line}"))
            {
                Replicas = new Dictionary<string, int> { ["identity"] = 2, ["challenges"] = 2, ["matchmaking"] = 2, ["funding"] = 2 },
                Environment = new Dictionary<string, string?> { ["Mail__Folder"] = Path.Combine(_folder, "mail") },
            },
            CancellationToken.None);
        Tokens = new DemoTokens(Run.Gateway);
    }

    public async ValueTask DisposeAsync()
    {
        Tokens?.Dispose();
        // A start that failed half-way leaves nothing behind either.
        if (Run is not null)
            await Run.DisposeAsync();
        if (Servers is not null)
            await Servers.DisposeAsync();
        if (Environment.GetEnvironmentVariable("MESH_KEEP_LOG") is { Length: > 0 } file)
            File.Copy(Path.Combine(_folder!, "services.log"), file, overwrite: true);
        Directory.Delete(_folder!, recursive: true);
    }
}
