using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Xunit;

namespace KkiMesh.TestKit;

/// <summary>
/// A certificate for this machine and kki.example.org, signed by an authority below a root that nobody else knows.
/// </summary>
public sealed class OwnCertificate : IDisposable
{
    /// <summary>Protects the PKCS #12 file.</summary>
    public const string Password = "secret";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kkimesh-");
    private readonly X509Certificate2 _root = Sign("root", null);
    private readonly X509Certificate2 _between;

    /// <summary>Makes it.</summary>
    public OwnCertificate()
    {
        _between = Sign("between", _root);
        Renew();
    }

    /// <summary>PEM: the certificate, then the authority's.</summary>
    public string Path => System.IO.Path.Combine(_folder.FullName, "chain.pem");

    /// <summary>PEM: the private key.</summary>
    public string KeyPath => System.IO.Path.Combine(_folder.FullName, "key.pem");

    /// <summary>PKCS #12: all of it, protected with <see cref="Password"/>.</summary>
    public string Pkcs12Path => System.IO.Path.Combine(_folder.FullName, "chain.p12");

    /// <summary>Settings of a gateway that shows it.</summary>
    public string[] Pem =>
    [
        "--environment=Production",
        "--urls=http://127.0.0.1:0;https://127.0.0.1:0",
        $"--Gateway:Certificate:Path={Path}",
        $"--Gateway:Certificate:KeyPath={KeyPath}",
    ];

    /// <summary>The certificate that is shown.</summary>
    public X509Certificate2 Newest { get; private set; } = null!;

    /// <summary>Puts a new one in the place of the one before.</summary>
    public void Renew()
    {
        Newest = Sign("localhost", _between);
        File.WriteAllText(Path, Newest.ExportCertificatePem() + "\n" + _between.ExportCertificatePem() + "\n");
        File.WriteAllText(KeyPath, Newest.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        var chain = new X509Certificate2Collection { Newest, X509CertificateLoader.LoadCertificate(_between.RawData) };
        File.WriteAllBytes(Pkcs12Path, chain.Export(X509ContentType.Pkcs12, Password)!);
    }

    /// <summary>A client that trusts the root, and knows nothing of what is between.</summary>
    /// <param name="address">Where it sends to.</param>
    /// <param name="shown">Is told the certificate of each connection.</param>
    public HttpClient Client(Uri address, Action<X509Certificate2>? shown = null) =>
        new(Connections(shown)) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(20) };

    /// <summary>Connections that trust the root, and follow no redirect.</summary>
    /// <param name="shown">Is told the certificate of each.</param>
    public SocketsHttpHandler Connections(Action<X509Certificate2>? shown = null)
    {
        var handler = new SocketsHttpHandler { ActivityHeadersPropagator = null, UseProxy = false, AllowAutoRedirect = false };
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { X509CertificateLoader.LoadCertificate(_root.RawData) },
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
        {
            shown?.Invoke((X509Certificate2)certificate!);
            return errors == System.Net.Security.SslPolicyErrors.None;
        };
        return handler;
    }

    /// <summary>Whose certificate a new connection is shown.</summary>
    public async Task<string?> ShownAsync(Uri address)
    {
        string? thumbprint = null;
        using var client = Client(address, certificate => thumbprint = certificate.Thumbprint);
        using var answer = await client.GetAsync("/alive", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return thumbprint;
    }

    /// <inheritdoc />
    public void Dispose() => _folder.Delete(recursive: true);

    private static X509Certificate2 Sign(string name, X509Certificate2? issuer)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var isAuthority = name != "localhost";
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, critical: true));
        if (!isAuthority)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(IPAddress.Loopback);
            names.AddDnsName("localhost");
            names.AddDnsName("kki.example.org");
            request.CertificateExtensions.Add(names.Build());
        }

        // Nobody signs for longer than they live.
        var (from, to) = (DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(issuer is null ? 4 : isAuthority ? 3 : 2));
        return issuer is null
            ? request.CreateSelfSigned(from, to)
            : request.Create(issuer, from, to, RandomNumberGenerator.GetBytes(16)).CopyWithPrivateKey(key);
    }
}
