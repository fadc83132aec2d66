using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.Infrastructure;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.OpenApi;

namespace KkiMesh.ServiceDefaults;

/// <summary>What an operation says besides what the framework sees by itself.</summary>
internal static class ApiOperations
{
    /// <summary>A token that somebody has.</summary>
    public const string Token = "token";

    /// <summary>A person signs in, and gets a token.</summary>
    public const string SignIn = "sign-in";

    // What any address may answer, at the gateway where people ask.
    private static readonly int[] Always = [400, 401, 404, 429, 503];

    /// <summary>Completes an operation.</summary>
    public static Task Complete(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        operation.OperationId ??= NameOf(metadata);
        operation.Parameters = Parameters(operation, context.Description, metadata);
        if (Needs.Of(metadata) is { } needs)
            (operation.Extensions ??= new Dictionary<string, IOpenApiExtension>())["x-roles"] = Roles(needs);
        if (Conflicts.Whom.Of(metadata) is { } whom)
            (operation.Extensions ??= new Dictionary<string, IOpenApiExtension>())["x-concerns"] = new JsonNodeExtension(whom.ToString());
        operation.Security = Security(metadata, context.Document!);
        operation.Responses ??= [];
        AddContents(operation, metadata);
        AddProblems(operation, metadata, context.Document!);
        operation.Responses = InOrder(operation.Responses);
        foreach (var (status, answer) in operation.Responses)
            Describe(status, (OpenApiResponse)answer, context.Description, CommandEndpoints.IsCommand(metadata));
        return Task.CompletedTask;
    }

    // As its file is named, by its verb; where a file has more than one, the others are named where they are mapped.
    private static string? NameOf(IEnumerable<object> metadata) =>
        metadata.OfType<MethodInfo>().LastOrDefault()?.DeclaringType is { } type
        && !type.IsDefined(typeof(CompilerGeneratedAttribute))
            ? JsonNamingPolicy.CamelCase.ConvertName(type.Name)
            : null;

    private static JsonNodeExtension Roles(Needs needs) =>
        new(new JsonArray([.. needs.Roles.Select(r => JsonValue.Create(r.ToString()))]));

    // Those of the path first, in its order; the framework names only what the endpoint's method takes.
    private static List<IOpenApiParameter> Parameters(
        OpenApiOperation operation, ApiDescription description, IList<object> metadata)
    {
        var found = (operation.Parameters ?? []).OfType<OpenApiParameter>().ToList();
        foreach (var parameter in found)
        {
            var described = description.ParameterDescriptions.FirstOrDefault(p => p.Name == parameter.Name);
            Complete(parameter, described, metadata);
        }

        var path = RoutePatternFactory.Parse(description.RelativePath ?? "").Parameters.Select(p => p.Name == "region"
            ? Region
            : found.Find(f => f.In == ParameterLocation.Path && f.Name == p.Name) ?? OfPath(p.Name, metadata));
        IEnumerable<OpenApiParameter> key = CommandEndpoints.IsCommand(metadata) ? [CommandEndpoints.KeyParameter] : [];
        return [.. path, .. found.Where(f => f.In != ParameterLocation.Path), .. key];
    }

    private static void Complete(
        OpenApiParameter parameter, ApiParameterDescription? described, IList<object> metadata)
    {
        var info = (described?.ParameterDescriptor as IParameterInfoParameterDescriptor)?.ParameterInfo;
        if (parameter.In == ParameterLocation.Query)
            parameter.Name = JsonNamingPolicy.CamelCase.ConvertName(parameter.Name!);
        parameter.Description = Explained(parameter.Name!, metadata)
            ?? (info?.Member is PropertyInfo property ? ApiTexts.Of(property) : null)
            ?? parameter.Description
            ?? (described?.ParameterDescriptor?.ParameterType is { } type ? Identified(type) : null);
        if (parameter.Schema is OpenApiSchema schema && info is not null)
            ApiSchemas.Bound(schema, info.GetCustomAttributes(inherit: true));
    }

    private static string? Explained(string name, IList<object> metadata) =>
        metadata.OfType<ApiParameter>().LastOrDefault(p => p.Name == name)?.Description;

    // An id in a type of its own says itself of what it is.
    private static string? Identified(Type asked) =>
        (Nullable.GetUnderlyingType(asked) ?? asked) is var type
        && ApiSchemas.IsId(type)
        && ApiTexts.Of(type) is { } what
            ? $"Identifies {char.ToLowerInvariant(what[0])}{what[1..]}"
            : null;

    private static OpenApiParameter OfPath(string name, IList<object> metadata) => new()
    {
        Name = name,
        In = ParameterLocation.Path,
        Required = true,
        Description = Explained(name, metadata),
        Schema = new OpenApiSchema { Type = JsonSchemaType.String },
    };

    private static OpenApiParameter Region => new()
    {
        Name = "region",
        In = ParameterLocation.Path,
        Required = true,
        Description = "The region, e.g. gorenjska.",
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, Pattern = "^[a-z][a-z0-9-]{0,39}$", MaxLength = 40 },
    };

    // Where none is needed, one may be shown: some answers tell more to those who are known.
    private static List<OpenApiSecurityRequirement> Security(IList<object> metadata, OpenApiDocument document)
    {
        var isNeeded = metadata.OfType<IAuthorizeData>().Any() || metadata.OfType<AuthorizationPolicy>().Any();
        IEnumerable<OpenApiSecurityRequirement> none = isNeeded ? [] : [[]];
        return
        [
            .. none,
            .. ((string[])[SignIn, Token]).Select(scheme =>
                new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(scheme, document)] = [] }),
        ];
    }

    private static void AddContents(OpenApiOperation operation, IList<object> metadata)
    {
        foreach (var content in metadata.OfType<ApiContent>())
        {
            var schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = content.IsText ? null : "binary" };
            operation.Responses!["200"].Content![content.ContentType] = new OpenApiMediaType { Schema = schema };
        }
    }

    private static OpenApiResponses InOrder(OpenApiResponses answers)
    {
        var ordered = new OpenApiResponses();
        foreach (var (status, answer) in answers.OrderBy(a => a.Key, StringComparer.Ordinal))
            ordered[status] = answer;
        return ordered;
    }

    private static void AddProblems(OpenApiOperation operation, IList<object> metadata, OpenApiDocument document)
    {
        IEnumerable<int> statuses =
        [
            .. Always,
            .. operation.Responses!.Keys.Where(status => status[0] >= '4').Select(int.Parse),
            .. Needs.Of(metadata) is null ? (int[])[] : [403],
            .. operation.RequestBody is null ? (int[])[] : [413, 415],
            .. CommandEndpoints.IsCommand(metadata) ? (int[])[409, 413, 422] : [],
        ];
        foreach (var status in statuses.Distinct().Order())
        {
            operation.Responses.Remove($"{status}");
            operation.Responses[$"{status}"] = new OpenApiResponse
            {
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    ["application/problem+json"] = new OpenApiMediaType
                    {
                        Schema = new OpenApiSchemaReference(ApiSchemas.Problem, document),
                    },
                },
            };
        }
    }

    private static void Describe(string status, OpenApiResponse answer, ApiDescription description, bool isCommand)
    {
        var type = description.SupportedResponseTypes.FirstOrDefault(r => $"{r.StatusCode}" == status)?.Type;
        var what = type is null || type == typeof(void) || type == typeof(string) ? null : ApiTexts.Of(type);
        answer.Description = status switch
        {
            "201" => $"Created. {what}",
            "202" => $"Accepted; it is done soon. {what}",
            "204" => "Done.",
            _ when status[0] == '2' => what ?? "Done.",
            _ => Problem(status),
        };
        if (answer.Content?.ContainsKey(JsonLines.ContentType) == true)
            answer.Description = $"Lines of JSON, each an object by itself. {answer.Description}";
        AddHeaders(status, answer, isCommand);
    }

    private static void AddHeaders(string status, OpenApiResponse answer, bool isCommand)
    {
        var headers = answer.Headers ??= new Dictionary<string, IOpenApiHeader>();
        if (status == "201")
            headers["Location"] = Header("The address of what is new.", JsonSchemaType.String, "uri-reference");
        if (status[0] == '2' && isCommand)
            headers["Idempotency-Replayed"] = Header("true: the first answer again.", JsonSchemaType.String);
        if (status is "429" or "503")
            headers["Retry-After"] = Header("How many seconds to wait.", JsonSchemaType.Integer, "int32");
    }

    private static OpenApiHeader Header(string description, JsonSchemaType type, string? format = null) => new()
    {
        Description = description,
        Schema = new OpenApiSchema { Type = type, Format = format },
    };

    private static string Problem(string status) => status switch
    {
        "400" => "The request is not as this document says; the problem names the field, header or parameter at fault.",
        "401" => "There is no token, or it is not valid.",
        "403" => "The token's roles, or its scope, do not allow this.",
        "404" => "There is no such thing in the region, or no such region.",
        "409" => "It does not fit what is there, or somebody changed the same at this moment.",
        "410" => "The service's database was restored; goOnAfter is the position to read on after.",
        "413" => "The body is too large.",
        "415" => "The body's Content-Type is not one that this takes.",
        "422" => "A rule refuses a value, which the problem names; or the key was used before for another request.",
        "429" => "Too many requests.",
        "503" => "The service cannot answer for the moment; try again, a command with the same key.",
        _ => "It is refused.",
    };
}
