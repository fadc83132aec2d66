using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace KkiMesh.TestKit;

/// <summary>
/// A foreign OpenID Connect issuer, as small as one can be: it describes itself, publishes its key,
/// and gives tokens to services. Tests of one service run against it, so that they need no
/// Identity; tests of roles make whatever tokens they want.
/// </summary>
public sealed class Issuer : IAsyncDisposable
{
    /// <summary>How long its tokens are good.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(10);

    private const string Audience = "kkimesh";
    private readonly WebApplication _app;
    private RSA _rsa = null!;
    private SigningCredentials _signing = null!;

    private Issuer()
    {
        ReplaceKey();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.MapGet("/.well-known/openid-configuration", () => new Dictionary<string, object>
        {
            ["issuer"] = Address.ToString(),
            ["jwks_uri"] = new Uri(Address, "/keys"),
            ["token_endpoint"] = new Uri(Address, "/token"),
        });
        _app.MapGet("/keys", () => new Dictionary<string, object> { ["keys"] = new[] { PublicKey() } });
        _app.MapPost("/token", async (HttpRequest request) =>
        {
            var client = (await request.ReadFormAsync())["client_id"].ToString();
            return new Dictionary<string, object> { ["access_token"] = Token($"partner-{client}"), ["token_type"] = "Bearer", ["expires_in"] = (int)Life.TotalSeconds };
        });
    }

    /// <summary>Its address, and its name in tokens.</summary>
    public Uri Address => new(_app.Urls.First());

    /// <summary>Starts one.</summary>
    public static async Task<Issuer> StartAsync()
    {
        var issuer = new Issuer();
        await issuer._app.StartAsync();
        return issuer;
    }

    /// <summary>Withdraws its key, and signs with a new one from now on.</summary>
    public void ReplaceKey()
    {
        _rsa?.Dispose();
        _rsa = RSA.Create(2048);
        _signing = new SigningCredentials(new RsaSecurityKey(_rsa) { KeyId = Guid.NewGuid().ToString() }, SecurityAlgorithms.RsaSha256);
    }

    /// <summary>A token for somebody who is called by their role.</summary>
    /// <param name="who">E.g. <c>juror-2</c>, or <c>juror-2/what the role is
    /// good for</c>; it is the subject too. Or several roles, and whose they are: <c>member+juror/this=ana</c>.</param>
    /// <param name="region">The region that it is good in.</param>
    public string Token(string who, string region = "gorenjska")
    {
        if (who.Split('=') is [var several, var account])
        {
            return Token(account, new Dictionary<string, object>
            {
                ["roles"] = several.Split('+').Select(one => $"{region}/{one}").ToArray(),
                ["scope"] = "openid kkimesh",
            });
        }

        var (name, of) = who.Split('/', 2) is [var before, var after] ? (before, "/" + after) : (who, "");
        var role = name.Split('-')[0];
        return Token(name, new Dictionary<string, object>
        {
            ["roles"] = new[] { $"{region}/{role}{of}" },
            // As Keycloak writes it.
            ["realm_access"] = new Dictionary<string, object> { ["roles"] = new[] { role } },
            ["scope"] = "openid kkimesh",
        });
    }

    /// <summary>A token that says just this.</summary>
    /// <param name="subject">Whose it is.</param>
    /// <param name="claims">What it says besides.</param>
    /// <param name="audience">For whom.</param>
    /// <param name="issued">When, from now; it is good for ten minutes.</param>
    /// <param name="by">Who says to have signed it; by default this issuer.</param>
    public string Token(string subject, Dictionary<string, object> claims, string audience = Audience, TimeSpan issued = default, string? by = null) =>
        new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = by ?? Address.ToString(),
            Audience = audience,
            IssuedAt = (DateTimeOffset.UtcNow + issued).UtcDateTime,
            NotBefore = (DateTimeOffset.UtcNow + issued).UtcDateTime,
            Expires = (DateTimeOffset.UtcNow + issued + Life).UtcDateTime,
            Claims = new Dictionary<string, object>(claims) { ["sub"] = subject, ["jti"] = Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture) },
            SigningCredentials = _signing,
        });

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _rsa.Dispose();
    }

    private Dictionary<string, string> PublicKey()
    {
        var key = _rsa.ExportParameters(includePrivateParameters: false);
        return new()
        {
            ["kty"] = "RSA",
            ["use"] = "sig",
            ["alg"] = "RS256",
            ["kid"] = _signing.Key.KeyId,
            ["n"] = Base64UrlEncoder.Encode(key.Modulus),
            ["e"] = Base64UrlEncoder.Encode(key.Exponent),
        };
    }
}
