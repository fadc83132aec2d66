using System.Text.Json.Nodes;
using KkiMesh.Contracts;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace KkiMesh.ServiceDefaults;

/// <summary>What a service's OpenAPI document says besides what the framework sees by itself.</summary>
internal static class ApiDocument
{
    private const string Scheme = "token";
    private const string SignIn = "sign-in";

    public static void Describe(OpenApiOptions options, string name)
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = $"KkiMesh {name}";
            document.Info.Version = "v1";
            (document.Components ??= new OpenApiComponents()).SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                [Scheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description = "In development: ./mesh token <role>" },
                [SignIn] = SignsIn,
            };
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            var metadata = context.Description.ActionDescriptor.EndpointMetadata;
            operation.Parameters ??= [];
            if (context.Description.RelativePath?.StartsWith("{region}", StringComparison.Ordinal) == true && operation.Parameters.All(p => p.Name != "region"))
                operation.Parameters.Insert(0, Region);
            if (CommandEndpoints.IsCommand(metadata))
                operation.Parameters.Add(CommandEndpoints.KeyParameter);
            if (Needs.Of(metadata) is { } needs)
                (operation.Extensions ??= new Dictionary<string, IOpenApiExtension>())["x-roles"] = new JsonNodeExtension(new JsonArray([.. needs.Roles.Select(r => JsonValue.Create(r.ToString()))]));
            if (metadata.OfType<IAuthorizeData>().Any() || metadata.OfType<AuthorizationPolicy>().Any())
            {
                foreach (var either in (string[])[SignIn, Scheme])
                    (operation.Security ??= []).Add(new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(either, context.Document)] = [] });
            }

            return Task.CompletedTask;
        });
        options.AddSchemaTransformer((schema, context, _) =>
        {
            if (context.JsonTypeInfo.Type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IId<>)))
                (schema.Type, schema.Format) = (JsonSchemaType.String, "uuid");
            return Task.CompletedTask;
        });
    }

    // At the gateway, as are all addresses of the document.
    private static OpenApiSecurityScheme SignsIn => new()
    {
        Type = SecuritySchemeType.OAuth2,
        Description = "A person signs in.",
        Flows = new OpenApiOAuthFlows
        {
            AuthorizationCode = new OpenApiOAuthFlow
            {
                AuthorizationUrl = new Uri("/connect/authorize", UriKind.Relative),
                TokenUrl = new Uri("/connect/token", UriKind.Relative),
                RefreshUrl = new Uri("/connect/token", UriKind.Relative),
                Scopes = new Dictionary<string, string> { ["openid"] = "Who it is.", ["kkimesh"] = "Act in the mesh." },
            },
        },
    };

    private static OpenApiParameter Region => new()
    {
        Name = "region",
        In = ParameterLocation.Path,
        Required = true,
        Description = "The region, e.g. gorenjska.",
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, Pattern = "^[a-z][a-z0-9-]{0,39}$" },
    };
}
