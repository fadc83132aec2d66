using System.Globalization;
using System.Reflection;
using System.Text.Json;
using KkiMesh.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// What an address may ask: what the endpoint knows, each parameter once. The framework ignores the rest, so that a
/// filter with a slip in its name would find everything. It also reads days and instants in many forms, each in its own
/// way (1.7.2026 is 7 January): here each has one form, and another one is refused. Texts keep to the rule of texts.
/// </summary>
internal static class QueryRules
{
    /// <summary>
    /// Holds all endpoints of a group to them, after the caller is known and before parameters are bound.
    /// </summary>
    public static RouteGroupBuilder ChecksQueries(this RouteGroupBuilder group)
    {
        ((IEndpointConventionBuilder)group).Finally(endpoint =>
        {
            var bind = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = http =>
                Fault(http) is { } fault ? Problems.Of(fault).ExecuteAsync(http) : bind(Normalized(http));
        });
        return group;
    }

    // What is stored is in NFC, and so must be what it is compared with.
    private static HttpContext Normalized(HttpContext http)
    {
        if (http.Request.Query.All(asked => asked.Value.All(value => value?.IsNormalized() != false)))
            return http;
        http.Request.Query = new QueryCollection(http.Request.Query.ToDictionary(
            asked => asked.Key,
            asked => new StringValues([.. asked.Value.Select(v => v is null ? null : Text.Normalized(v))])));
        return http;
    }

    private static Refusal? Fault(HttpContext http)
    {
        if (http.Request.Query.Count == 0)
            return null;
        IReadOnlyList<QueryParameter> known =
            [.. http.RequestServices.GetRequiredService<QueryParameters>().Of(http.GetEndpoint()!)];
        return http.Request.Query
            .Select(asked => WhyNot(known, asked.Key, [.. asked.Value]) is { } reason
                ? new Refusal(StatusCodes.Status400BadRequest, reason, asked.Key)
                : null)
            .FirstOrDefault(fault => fault is not null);
    }

    private static string? WhyNot(IReadOnlyList<QueryParameter> known, string name, string?[] values)
    {
        // The framework does not look at the case of letters either.
        if (known.FirstOrDefault(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is not { } parameter)
            return known.Count == 0 ? "This takes no parameters." : $"This takes only {Names(known)}.";
        return values.Length > 1 && !parameter.IsList
            ? $"{parameter.Name} is given once."
            : values.Select(parameter.WhyNot).FirstOrDefault(reason => reason is not null);
    }

    private static string Names(IEnumerable<QueryParameter> known) => string.Join(", ", known.Select(p => p.Name));
}

/// <summary>A parameter that an endpoint takes in a query.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The type of a value.</param>
/// <param name="IsList">Whether it may be given several times.</param>
internal sealed record QueryParameter(string Name, Type Type, bool IsList)
{
    private const string Day = "A day is written yyyy-MM-dd, e.g. 2026-07-01.";

    private const string Instant =
        "An instant is written as in RFC 3339, with its offset: 2026-07-01T10:00:00Z, or 2026-07-01T12:00:00%2B02:00.";

    /// <summary>What is wrong with a value; null where nothing is, or where binding finds out.</summary>
    public string? WhyNot(string? value) =>
        value is not null && Text.FaultOf(value) is { } fault ? fault.En
        : Type == typeof(DateOnly) && !IsDay(value) ? Day
        : Type == typeof(DateTimeOffset) && !Rfc3339.TryParse(value, out _) ? Instant
        : null;

    private static bool IsDay(string? value) =>
        DateOnly.TryParseExact(value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
}

/// <summary>The parameters that each endpoint takes in a query, as the OpenAPI document shows them.</summary>
internal sealed class QueryParameters(IApiDescriptionGroupCollectionProvider api)
{
    // At the first question: then all endpoints are mapped.
    private readonly Lazy<ILookup<MethodInfo, QueryParameter>> _all = new(() => api.ApiDescriptionGroups.Items
        .SelectMany(group => group.Items)
        .SelectMany(endpoint => endpoint.ParameterDescriptions.Where(p => p.Source == BindingSource.Query)
            .Select(p => (Method: Method(endpoint.ActionDescriptor.EndpointMetadata), Parameter: Of(p))))
        .Where(p => p.Method is not null)
        .ToLookup(p => p.Method!, p => p.Parameter));

    /// <summary>Those of an endpoint.</summary>
    public IEnumerable<QueryParameter> Of(Endpoint endpoint) => _all.Value[Method(endpoint.Metadata)!];

    private static MethodInfo? Method(IEnumerable<object> metadata) => metadata.OfType<MethodInfo>().LastOrDefault();

    private static QueryParameter Of(ApiParameterDescription parameter)
    {
        var type = parameter.ParameterDescriptor.ParameterType;
        var value = type.IsArray ? type.GetElementType()! : type;
        var name = JsonNamingPolicy.CamelCase.ConvertName(parameter.Name);
        return new QueryParameter(name, Nullable.GetUnderlyingType(value) ?? value, type.IsArray);
    }
}
