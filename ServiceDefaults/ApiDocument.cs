using KkiMesh.Contracts;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace KkiMesh.ServiceDefaults;

/// <summary>What a service's OpenAPI document says besides what the framework sees by itself.</summary>
internal static class ApiDocument
{
    private const string Scheme = "token";

    public static void Describe(OpenApiOptions options, string name)
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = $"KkiMesh {name}";
            document.Info.Version = "v1";
            (document.Components ??= new OpenApiComponents()).SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                [Scheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description = "In development: ./mesh token <role>" },
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
            if (metadata.OfType<IAuthorizeData>().Any() || metadata.OfType<AuthorizationPolicy>().Any())
                (operation.Security ??= []).Add(new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Scheme, context.Document)] = [] });
            return Task.CompletedTask;
        });
        options.AddSchemaTransformer((schema, context, _) =>
        {
            if (context.JsonTypeInfo.Type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IId<>)))
                (schema.Type, schema.Format) = (JsonSchemaType.String, "uuid");
            return Task.CompletedTask;
        });
    }

    private static OpenApiParameter Region => new()
    {
        Name = "region",
        In = ParameterLocation.Path,
        Required = true,
        Description = "The region, e.g. gorenjska.",
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, Pattern = "^[a-z][a-z0-9-]{0,39}$" },
    };
}
