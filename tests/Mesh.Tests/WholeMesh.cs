using KkiMesh.AppHost;
using KkiMesh.TestKit;

[assembly: AssemblyFixture(typeof(KkiMesh.Mesh.Tests.WholeMesh))]
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace KkiMesh.Mesh.Tests;

/// <summary>The whole mesh as processes, on servers of its own, since tests kill them.</summary>
public sealed class WholeMesh : IAsyncLifetime
{
    private string? _folder;

    public Servers Servers { get; private set; } = null!;

    public MeshRun Run { get; private set; } = null!;

    public string Key { get; } = Tokens.NewKey();

    public Client Client() => new(Run.Gateway, Key);

    public async ValueTask InitializeAsync()
    {
        _folder = Directory.CreateTempSubdirectory("kkimesh-").FullName;
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_000_001);
        Servers = await Servers.StartOwnAsync(_folder, _ => { }, CancellationToken.None);
        var log = TextWriter.Synchronized(new StreamWriter(Path.Combine(_folder, "services.log")) { AutoFlush = true });
        Run = await MeshRun.StartAsync(
            new MeshOptions(Servers, Key, (name, line) => log.WriteLine($"{name} {line}"))
            {
                Replicas = new Dictionary<string, int> { ["challenges"] = 2, ["matchmaking"] = 2, ["funding"] = 2 },
            },
            CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
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
