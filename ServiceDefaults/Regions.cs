using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace KkiMesh.ServiceDefaults;

/// <summary>The regions that a service is there for (<c>Mesh:Regions</c>); where none is named, for any.</summary>
internal sealed class Regions(IConfiguration configuration)
{
    private readonly HashSet<string> _known = [.. configuration.GetSection("Mesh:Regions").Get<string[]>() ?? []];

    /// <summary>Those that are named.</summary>
    public IReadOnlyCollection<string> Names => _known;

    /// <summary>Why there is nothing of a region; null where there is.</summary>
    public Refusal? WhyNot(string region) => _known.Count == 0 || _known.Contains(region) ? null : Refusal.NotFound($"There is no region {region} here.");
}

/// <summary>Tells whoever asks for a region that is not there, before anything is read or kept for it.</summary>
internal static class RegionEndpoints
{
    private sealed record OfAny;

    /// <summary>
    /// The endpoint is there for a region that is not known (any more), too:
    /// what waits for it would else be out of reach.
    /// </summary>
    public static TBuilder OfAnyRegion<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new OfAny());

    public static Task Check(HttpContext http, RequestDelegate next) =>
        http.Request.RouteValues["region"] is string region
        && http.RequestServices.GetRequiredService<Regions>().WhyNot(region) is { } unknown
        && http.GetEndpoint()?.Metadata.GetMetadata<OfAny>() is null
            ? Problems.Of(unknown).ExecuteAsync(http)
            : next(http);
}
