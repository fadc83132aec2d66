using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace KkiMesh.Gateway;

/// <summary>Whose word the gateway takes for where a request came from.</summary>
internal static class Proxies
{
    /// <summary>
    /// Believes <c>X-Forwarded-For</c>, <c>-Proto</c> and <c>-Host</c> of those in <c>Gateway:TrustedProxies</c> (IP
    /// addresses and networks such as 10.1.0.0/16), and of nobody else.
    /// </summary>
    /// <returns>Whether there is anybody to believe.</returns>
    /// <exception cref="InvalidOperationException">An entry is neither address nor
    /// network, or everybody would be believed.</exception>
    public static bool AddTrustedProxies(this WebApplicationBuilder builder)
    {
        if (builder.Configuration.GetValue("ForwardedHeaders_Enabled", false))
            throw new InvalidOperationException(
                "ASPNETCORE_FORWARDEDHEADERS_ENABLED would make the gateway believe everybody: set Gateway:TrustedProxies in its place.");
        var trusted = builder.Configuration.GetSection("Gateway:TrustedProxies").Get<string[]>() ?? [];
        builder.Services.Configure<ForwardedHeadersOptions>(options =>
        {
            options.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost;
            // As far back as the chain is of trusted ones; the size of headers is limited.
            options.ForwardLimit = null;
            options.KnownProxies.Clear();
            options.KnownIPNetworks.Clear();
            foreach (var network in trusted.Select(Parse))
                options.KnownIPNetworks.Add(network);
        });
        return trusted.Select(Parse).ToList().Count > 0;
    }

    private static IPNetwork Parse(string text) =>
        IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
        : IPNetwork.TryParse(text, out var network) && network.PrefixLength > 0 ? network
        : throw new InvalidOperationException($"Gateway:TrustedProxies has {text}, which is neither an IP address nor a network such as 10.1.0.0/16.");
}
