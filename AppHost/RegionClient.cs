using System.Net.Http.Headers;

namespace KkiMesh.AppHost;

/// <summary>Commands of people go through the gateway as everybody's.</summary>
internal static class RegionClient
{
    /// <summary>
    /// A client for the running mesh, in the region of <c>MESH_REGION</c>, for a demo
    /// account; null, and a sentence, where none runs.
    /// </summary>
    public static async Task<HttpClient?> CreateAsync(string account)
    {
        if (await State.ReadyAsync() is not { } state)
            return null;

        var region = Environment.GetEnvironmentVariable("MESH_REGION") ?? Topology.Regions[0];
        var http = new HttpClient { BaseAddress = new Uri(state.Gateway, $"/{region}/"), Timeout = TimeSpan.FromSeconds(60) };
        using var tokens = new DemoTokens(state.Gateway);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await tokens.ForAsync(account));
        return http;
    }
}
