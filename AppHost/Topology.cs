namespace KkiMesh.AppHost;

/// <summary>A service of the mesh.</summary>
/// <param name="Name">Its name: in paths, as its database's name, and its queue's.</param>
/// <param name="Project">The folder of its project.</param>
/// <param name="HasStore">Whether it has a database and reads and writes events.</param>
public sealed record Service(string Name, string Project, bool HasStore = true);

/// <summary>What the mesh consists of, said once. A new service is one line.</summary>
public static class Topology
{
    /// <summary>The regions (tenants) that start with data; another one is one word more.</summary>
    public static readonly IReadOnlyList<string> Regions = ["gorenjska"];

    /// <summary>Services that store and exchange events; none waits for another one.</summary>
    public static readonly IReadOnlyList<Service> Services =
    [
        new("registry", "services/Registry"),
        new("challenges", "services/Challenges"),
        new("matchmaking", "services/Matchmaking"),
        new("helpdesk", "services/HelpDesk"),
        new("funding", "services/Funding"),
    ];

    /// <summary>The only public door; it is started when every service is ready.</summary>
    public static readonly Service Gateway = new("gateway", "gateway", HasStore: false);
}
