using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Http.Extensions;

namespace KkiMesh.Gateway;

/// <summary>Nothing goes over the network in the open.</summary>
internal static class Https
{
    private const int DefaultPort = 443;
    private static readonly TimeSpan Remembered = TimeSpan.FromDays(365);

    /// <summary>
    /// TLS with <c>Gateway:Certificate</c>, or by those in <c>Gateway:TrustedProxies</c>. Outside Development a start
    /// with neither is refused, unless <c>Gateway:AllowHttp</c> is true.
    /// </summary>
    /// <exception cref="InvalidOperationException">It is set up wrongly; the sentence says how.</exception>
    public static void AddHttps(this WebApplicationBuilder builder)
    {
        var certificate = Certificate.Of(builder.Configuration.GetSection("Gateway:Certificate"));
        var hasProxies = builder.AddTrustedProxies();
        var isEncrypted = hasProxies || certificate is not null;
        var allowsHttp = builder.Configuration.GetValue("Gateway:AllowHttp", false);
        if (!isEncrypted && !allowsHttp && !builder.Environment.IsDevelopment())
        {
            throw new InvalidOperationException(
                "Outside Development the gateway speaks HTTPS: set Gateway:Certificate:Path, or Gateway:TrustedProxies where one in front of it does that. "
                + "Gateway:AllowHttp=true lets everybody on the way read passwords and tokens.");
        }

        var port = builder.Configuration.GetValue("Gateway:HttpsPort", DefaultPort);
        if (port is < 1 or > 65535)
            throw new InvalidOperationException("Gateway:HttpsPort takes 1 to 65535.");
        builder.Services.AddSingleton(new HttpsRule(isEncrypted && !allowsHttp, hasProxies, port));
        builder.Services.AddHsts(hsts => hsts.MaxAge = Remembered);
        if (certificate is null)
            return;
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureHttpsDefaults(certificate.Serve));
        builder.Services.AddSingleton(certificate);
        builder.Services.AddHostedService<RenewCertificate>();
    }

    /// <summary>Learns from trusted proxies how they were asked, and answers what was asked in the open.</summary>
    public static void UseHttps(this WebApplication app)
    {
        var rule = app.Services.GetRequiredService<HttpsRule>();
        // Where nobody is named, the library would believe everybody.
        if (rule.HasProxies)
            app.UseForwardedHeaders();
        if (!rule.IsRequired)
            return;
        app.UseHsts();
        app.Use((http, next) => http.Request.IsHttps || http.AsksForHealth() ? next(http) : Answer(http, rule.Port));
    }

    // What was secret in a request should not be repeated over HTTPS as if nothing had happened: who sent it is told.
    private static Task Answer(HttpContext http, int port)
    {
        var request = http.Request;
        var host = port == DefaultPort ? new HostString(request.Host.Host) : new HostString(request.Host.Host, port);
        var isSecret = request.Headers.Authorization.Count > 0 || !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method));
        if (isSecret || !request.Host.HasValue)
        {
            var sentence = $"This is for HTTPS only: https://{host}. Whoever is on the way could read what was sent.";
            return Problems.Of(StatusCodes.Status400BadRequest, sentence).ExecuteAsync(http);
        }

        http.Response.Redirect(UriHelper.BuildAbsolute("https", host, request.PathBase, request.Path, request.QueryString), permanent: true, preserveMethod: true);
        return Task.CompletedTask;
    }
}

/// <summary>How HTTP is taken.</summary>
/// <param name="IsRequired">Whether only HTTPS is served.</param>
/// <param name="HasProxies">Whether there are proxies to believe.</param>
/// <param name="Port">The port that the world finds HTTPS at.</param>
internal sealed record HttpsRule(bool IsRequired, bool HasProxies, int Port);
