using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace KkiMesh.Gateway;

/// <summary>The certificate that the gateway shows, with the chain above it.</summary>
/// <param name="path">PEM with the certificate first, or PKCS #12 where there is no <paramref name="keyPath"/>.</param>
/// <param name="keyPath">The private key, PEM.</param>
/// <param name="password">What protects the key; null where nothing does.</param>
internal sealed class Certificate(string path, string? keyPath, string? password)
{
    private volatile SslStreamCertificateContext _current = Load(path, keyPath, password);

    /// <summary>When it ends.</summary>
    public DateTime Ends => _current.TargetCertificate.NotAfter.ToUniversalTime();

    /// <summary>What <c>Gateway:Certificate</c> describes; null where it describes nothing.</summary>
    /// <exception cref="InvalidOperationException">It cannot be read.</exception>
    public static Certificate? Of(IConfiguration settings)
    {
        if (settings["Path"] is not { Length: > 0 } path)
            return null;
        try
        {
            return new Certificate(path, settings["KeyPath"], settings["Password"]);
        }
        catch (Exception e) when (IsUnusable(e))
        {
            throw new InvalidOperationException($"The certificate {path} (Gateway:Certificate:Path) cannot be used: {e.Message}", e);
        }
    }

    /// <summary>Reads it again.</summary>
    /// <returns>Whether it is another one than before.</returns>
    public bool Renew()
    {
        var read = Load(path, keyPath, password);
        if (read.TargetCertificate.RawDataMemory.Span.SequenceEqual(_current.TargetCertificate.RawDataMemory.Span))
            return false;
        _current = read;
        return true;
    }

    /// <summary>Shows the newest one to each new connection.</summary>
    public void Serve(HttpsConnectionAdapterOptions https)
    {
        https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
        https.ServerCertificateSelector = (_, _) => _current.TargetCertificate;
        // The selector alone would leave out the chain.
        https.OnAuthenticate = (_, tls) => (tls.ServerCertificateSelectionCallback, tls.ServerCertificateContext) = (null, _current);
    }

    /// <summary>Whether a file is missing, or not what it should be.</summary>
    public static bool IsUnusable(Exception e) => e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException;

    private static SslStreamCertificateContext Load(string path, string? keyPath, string? password)
    {
        if (string.IsNullOrEmpty(keyPath))
        {
            var all = X509CertificateLoader.LoadPkcs12CollectionFromFile(path, password);
            var own = all.FirstOrDefault(c => c.HasPrivateKey)
                ?? throw new CryptographicException("It has no private key, and Gateway:Certificate:KeyPath names none.");
            return SslStreamCertificateContext.Create(own, all, offline: true);
        }

        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(path);
        var certificate = password is null
            ? X509Certificate2.CreateFromPemFile(path, keyPath)
            : X509Certificate2.CreateFromEncryptedPemFile(path, password, keyPath);
        return SslStreamCertificateContext.Create(certificate, chain, offline: true);
    }
}

/// <summary>Looks every minute whether the certificate was renewed, so that this needs no restart.</summary>
internal sealed class RenewCertificate(Certificate certificate, TimeProvider time, ILogger<RenewCertificate> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMinutes(1), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            Renew();
    }

    private void Renew()
    {
        try
        {
            if (certificate.Renew())
                log.LogInformation("The certificate was renewed; it ends at {Ends}", certificate.Ends);
        }
        catch (Exception e) when (Certificate.IsUnusable(e))
        {
            log.LogWarning("The certificate cannot be read again, the one before stays and ends at {Ends}: {Reason}", certificate.Ends, e.Message);
        }
    }
}
