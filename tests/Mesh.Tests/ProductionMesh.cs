using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Duende.IdentityModel.OidcClient;
using KkiMesh.AppHost;
using KkiMesh.TestKit;
using MimeKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// A mesh in Production, set up as docs/operate.md says step by step: gateway, identity and one service
/// as processes, a certificate of its own, secrets in files.
/// </summary>
public sealed partial class ProductionMesh(TestServers servers) : IAsyncLifetime
{
    /// <summary>The program that invites the first operator.</summary>
    public const string First = "first";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kkimesh-");
    private readonly OwnCertificate _certificate = new();
    private readonly int _port = Ports.Free();
    private readonly int _httpsPort = Ports.Free();
    private Place? _place;

    public MeshRun Run { get; private set; } = null!;

    /// <summary>Where the world finds it.</summary>
    public Uri Address => new($"https://localhost:{_httpsPort}");

    /// <summary>Where it speaks HTTP.</summary>
    public Uri OpenAddress => new($"http://localhost:{_port}");

    /// <summary>Connections that trust its certificate, and no other.</summary>
    public HttpMessageHandler Connections() => _certificate.Connections();

    /// <summary>A client with a token; without one where it is null.</summary>
    public Client Client(string? token = null) => new(Address, _ => Task.FromResult(token!), Connections());

    /// <summary>Somebody's browser.</summary>
    public Browser Browser() => new(Address, handler: Connections());

    /// <summary>A client library that nobody here wrote, for the mesh's own client.</summary>
    public OidcClient SignIn() => new(new()
    {
        Authority = Address.ToString(),
        ClientId = "mesh",
        RedirectUri = new Uri(Address, "docs/signed-in").ToString(),
        Scope = "openid profile offline_access kkimesh",
        BackchannelHandler = Connections(),
    });

    public string Secret(string name) => File.ReadAllText(Path.Combine(_folder.FullName, name)).TrimEnd();

    /// <summary>The link in the newest letter to an address.</summary>
    public string LinkTo(string email)
    {
        var letters = Directory.GetFiles(Letters, "*.eml").Order(StringComparer.Ordinal).Select(file => MimeMessage.Load(file));
        return Link().Match(letters.Last(l => l.To.Mailboxes.Single().Address == email).TextBody!).Value;
    }

    public async ValueTask InitializeAsync()
    {
        WriteSecrets();
        _place = await servers.NewPlaceAsync();
        foreach (var service in (string[])["identity", "registry"])
            await _place.DatabaseAsync(service);
        Run = await MeshRun.StartAsync(
            new MeshOptions(_place.Servers, "", (_, _) => { })
            {
                Port = _port,
                Replicas = Topology.Services.ToDictionary(s => s.Name, s => s.Name is "identity" or "registry" ? 1 : 0),
                DatabasePrefix = $"{_place.Name}-",
                RabbitMq = _place.RabbitMq,
                Settings = Settings,
            },
            CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (Run is not null)
            await Run.DisposeAsync();
        if (_place is not null)
            await _place.DisposeAsync();
        _certificate.Dispose();
        _folder.Delete(recursive: true);
    }

    private string Letters => Path.Combine(_folder.FullName, "letters");

    // Where each program listens and finds the others, and the databases, says the run itself.
    private Dictionary<string, string?> Settings(Service service) => new(service.Name switch
    {
        "gateway" => new Dictionary<string, string?>(Tokens)
        {
            ["ASPNETCORE_URLS"] = $"http://localhost:{_port};https://localhost:{_httpsPort}",
            ["Gateway__Certificate__Path"] = _certificate.Pkcs12Path,
            ["Gateway__Certificate__Password_FILE"] = Path.Combine(_folder.FullName, "certificate"),
            ["Gateway__HttpsPort"] = $"{_httpsPort}",
        },
        "identity" => new Dictionary<string, string?>
        {
            ["Mesh__PublicAddress"] = Address.ToString().TrimEnd('/'),
            ["Mesh__Regions__0"] = "gorenjska",
            ["Identity__KeyRing__Certificate"] = Path.Combine(_folder.FullName, "keys.p12"),
            ["Identity__KeyRing__Password_FILE"] = Path.Combine(_folder.FullName, "keys"),
            ["Identity__Clients__service-registry__Secret_FILE"] = Path.Combine(_folder.FullName, "registry"),
            [$"Identity__Clients__{First}__Secret_FILE"] = Path.Combine(_folder.FullName, First),
            [$"Identity__Clients__{First}__Role"] = "operator",
            ["Mail__From"] = "KkiMesh <no-reply@kki.example.org>",
            ["Mail__Folder"] = Letters,
        },
        _ => new Dictionary<string, string?>(Tokens)
        {
            ["Mesh__Regions__0"] = "gorenjska",
            ["Authentication__ClientSecret_FILE"] = Path.Combine(_folder.FullName, "registry"),
        },
    })
    { ["ASPNETCORE_ENVIRONMENT"] = "Production" };

    private Dictionary<string, string?> Tokens => new()
    {
        ["Authentication__Authority"] = Address.ToString().TrimEnd('/'),
        ["Authentication__MetadataAddress"] = "http://identity/.well-known/openid-configuration",
    };

    private void WriteSecrets()
    {
        foreach (var name in (string[])["registry", First, "keys"])
            File.WriteAllText(Path.Combine(_folder.FullName, name), Convert.ToHexString(RandomNumberGenerator.GetBytes(32)) + "\n");
        File.WriteAllText(Path.Combine(_folder.FullName, "certificate"), OwnCertificate.Password + "\n");
        using var rsa = RSA.Create(2048);
        var request = new CertificateRequest("CN=kkimesh keys", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var keys = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        File.WriteAllBytes(Path.Combine(_folder.FullName, "keys.p12"), keys.Export(X509ContentType.Pkcs12, Secret("keys")));
    }

    [GeneratedRegex(@"https?://\S+", RegexOptions.None, 1000)]
    private static partial Regex Link();
}
