using KkiMesh.AppHost;

namespace KkiMesh.TestKit;

/// <summary>
/// Several RabbitMQ nodes on loopback that form a cluster, and a door in front of them as a load balancer is.
/// </summary>
public sealed class BrokerCluster : IAsyncDisposable
{
    private readonly string _folder;
    private readonly Epmd _epmd;
    private readonly List<RabbitMqServer> _nodes = [];
    private readonly TcpDoor _door;

    private BrokerCluster(string folder, Epmd epmd, TcpDoor door) => (_folder, _epmd, _door) = (folder, epmd, door);

    /// <summary>The nodes, in the order of their numbers, from 0.</summary>
    public IReadOnlyList<RabbitMqServer> Nodes => _nodes;

    /// <summary>
    /// The cluster's own address: connections go to the first node of <see cref="Prefer"/> that answers.
    /// </summary>
    public Uri Amqp => new UriBuilder(_nodes[0].Amqp) { Port = _door.Port }.Uri;

    /// <summary>Starts the nodes side by side and returns when all of them see all.</summary>
    public static async Task<BrokerCluster> StartAsync(int nodes, CancellationToken ct)
    {
        var folder = Directory.CreateTempSubdirectory("kkimesh-").FullName;
        var cluster = new BrokerCluster(folder, new Epmd(_ => { }), new TcpDoor());
        try
        {
            await cluster._epmd.StartAsync(ct);
            string[] names = [.. Enumerable.Range(1, nodes).Select(n => $"mesh-{n}")];
            foreach (var name in names)
                cluster._nodes.Add(await RabbitMqServer.CreateAsync(folder, new ClusterMember(name, names, cluster._epmd), _ => { }, ct));
            cluster.Prefer(0);
            await Task.WhenAll(cluster._nodes.Select(n => n.StartAsync(ct)));
            await Eventually.Is(() => cluster.SeenBy(0, ct), seen => seen == nodes, 60);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Sends new connections to this node first, then to those after it; connections that are open stay.
    /// </summary>
    public void Prefer(int node) => _door.Targets = [.. _nodes.Skip(node).Concat(_nodes.Take(node)).Select(n => n.Amqp.Port)];

    /// <summary>How many running nodes one of them sees, itself too.</summary>
    public async Task<int> SeenBy(int node, CancellationToken ct)
    {
        using var management = new ManagementApi(_nodes[node].Management);
        return await management.RunningNodesAsync(ct);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _door.DisposeAsync();
        await Task.WhenAll(_nodes.Select(n => n.KillAsync()));
        foreach (var node in _nodes)
            await node.DisposeAsync();
        await _epmd.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
