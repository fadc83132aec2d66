namespace KkiMesh.AppHost;

/// <summary>A service of the mesh.</summary>
/// <param name="Name">Its name: in paths, as its database's name, and its queue's.</param>
/// <param name="Project">The folder of its project.</param>
/// <param name="HasStore">Whether it reads and writes events.</param>
/// <param name="HasDatabase">Whether it has a database.</param>
/// <param name="HasGrpc">Whether it takes calls of gRPC, on an endpoint of its own:
/// without TLS, HTTP/2 shares none with HTTP/1.1.</param>
public sealed record Service(string Name, string Project, bool HasStore = true, bool HasDatabase = true, bool HasGrpc = false);

/// <summary>What the mesh consists of, said once. A new service is one line.</summary>
public static class Topology
{
    /// <summary>The regions (tenants) that start with data; another one is one word more.</summary>
    public static readonly IReadOnlyList<string> Regions = ["gorenjska"];

    /// <summary>Issues the tokens that the others take.</summary>
    public static readonly Service Identity = new("identity", "services/Identity", HasStore: false);

    /// <summary>Services that store and exchange events; none waits for another one.</summary>
    public static readonly IReadOnlyList<Service> Services =
    [
        Identity,
        new("registry", "services/Registry"),
        new("challenges", "services/Challenges"),
        new("matchmaking", "services/Matchmaking"),
        new("helpdesk", "services/HelpDesk"),
        new("funding", "services/Funding", HasGrpc: true),
    ];

    /// <summary>
    /// What a service is told of the mesh in Development: its regions, whose tokens it takes, and with which secret it
    /// gets its own. What the issuer says of itself is read straight from it, not through the gateway.
    /// </summary>
    public static Dictionary<string, string?> Settings(Service service, Uri gateway, string secret)
    {
        var settings = new Dictionary<string, string?> { ["Mesh__PublicAddress"] = gateway.ToString() };
        foreach (var (index, region) in Regions.Index())
            settings[$"Mesh__Regions__{index}"] = region;
        if (service != Identity)
        {
            settings["Authentication__Authority"] = gateway.ToString();
            settings["Authentication__MetadataAddress"] = $"http://{Identity.Name}/.well-known/openid-configuration";
            if (service.HasStore)
                settings["Authentication__ClientSecret"] = secret;
        }
        else
        {
            foreach (var (client, shown) in Services.Where(s => s.HasStore).Select(s => ($"service-{s.Name}", secret)).Append(("demo-partner", DemoTokens.Password)))
                (settings[$"Identity__Clients__{client}__Secret"], settings[$"Identity__Clients__{client}__Role"]) = (shown, "partner");
        }

        return settings;
    }

    /// <summary>The only public door; it is started when every service is ready.</summary>
    public static readonly Service Gateway = new("gateway", "gateway", HasStore: false, HasDatabase: false, HasGrpc: true);

    /// <summary>Where a program listens that takes calls of gRPC: HTTP/1.1 at one port, HTTP/2 at the other.</summary>
    public static Dictionary<string, string?> Endpoints(string host, int port, int grpcPort) => new()
    {
        ["Kestrel__Endpoints__Http__Url"] = $"http://{host}:{port}",
        ["Kestrel__Endpoints__Http2__Url"] = $"http://{host}:{grpcPort}",
        ["Kestrel__Endpoints__Http2__Protocols"] = "Http2",
    };
}
