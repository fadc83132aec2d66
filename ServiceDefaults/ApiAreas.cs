using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace KkiMesh.ServiceDefaults;

/// <summary>An area of a service, as people know it. The API document lists operations by areas.</summary>
/// <param name="Name">Its name: words in lower case.</param>
/// <param name="Description">What it is about.</param>
/// <param name="IsOfEvery">Every service has it; these come last.</param>
internal sealed record ApiArea(string Name, string Description, bool IsOfEvery);

/// <summary>What a parameter means.</summary>
/// <param name="Name">Its name in the address.</param>
/// <param name="Description">What it means.</param>
internal sealed record ApiParameter(string Name, string Description);

/// <summary>Another content type of an answer, e.g. CSV beside JSON.</summary>
/// <param name="ContentType">The content type.</param>
/// <param name="IsText">Whether people can read it; otherwise it is bytes.</param>
internal sealed record ApiContent(string ContentType, bool IsText);

/// <summary>
/// Shows in the API document which values an endpoint takes: the least and the largest number, the shortest and the
/// longest text, the smallest and the largest list. It checks nothing, since the endpoint refuses others itself.
/// </summary>
[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.Property)]
public sealed class BoundsAttribute(long min, long max) : Attribute
{
    /// <summary>The least value or size.</summary>
    public long Min => min;

    /// <summary>The largest value or size.</summary>
    public long Max => max;
}

/// <summary>Shows in the API document which form a text has: uuid, date, date-time.</summary>
[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.Property)]
public sealed class FormatAttribute(string name) : Attribute
{
    /// <summary>Its name in JSON Schema.</summary>
    public string Name => name;
}

/// <summary>Shows in the API document how long each text of a list is.</summary>
[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.Property)]
public sealed class EachLengthAttribute(int min, int max) : Attribute
{
    /// <summary>The length of the shortest text.</summary>
    public int Min => min;

    /// <summary>The length of the longest text.</summary>
    public int Max => max;
}

/// <summary>What endpoints say of themselves for the API document.</summary>
public static class ApiAreas
{
    /// <summary>Begins an area; its endpoints go into the group that this returns.</summary>
    public static RouteGroupBuilder Area(this RouteGroupBuilder group, string name, string description) =>
        group.Area("", new ApiArea(name, description, IsOfEvery: false));

    /// <summary>Begins an area that every service has, below a path of its own.</summary>
    internal static RouteGroupBuilder AreaOfEvery(
        this RouteGroupBuilder group, string path, string name, string description) =>
        group.Area(path, new ApiArea(name, description, IsOfEvery: true));

    /// <summary>Says what a parameter of these endpoints means; the nearest explanation counts.</summary>
    public static TBuilder Explains<TBuilder>(this TBuilder endpoint, string parameter, string description)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.WithMetadata(new ApiParameter(parameter, description));

    /// <summary>The endpoint answers with a text of another content type, too.</summary>
    public static RouteHandlerBuilder AlsoProducesText(this RouteHandlerBuilder endpoint, string contentType) =>
        endpoint.WithMetadata(new ApiContent(contentType, IsText: true));

    /// <summary>The endpoint answers with bytes of another content type, too.</summary>
    public static RouteHandlerBuilder AlsoProducesBytes(this RouteHandlerBuilder endpoint, string contentType) =>
        endpoint.WithMetadata(new ApiContent(contentType, IsText: false));

    private static RouteGroupBuilder Area(this RouteGroupBuilder group, string path, ApiArea area) =>
        group.MapGroup(path).WithTags(area.Name).WithMetadata(area);
}
