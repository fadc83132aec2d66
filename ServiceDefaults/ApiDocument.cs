using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace KkiMesh.ServiceDefaults;

/// <summary>What a service's OpenAPI document says besides what the framework sees by itself.</summary>
internal static class ApiDocument
{
    private const string Introduction =
        """
        Part of KkiMesh: a region's policy for its cultural and creative industries.

        An address begins with a region. A command needs an `Idempotency-Key`: sent again with the same key it has
        one effect, and gets the same answer. Amounts are in cents. Instants are written with their offset (RFC 3339),
        days as `yyyy-MM-dd`; they are days in Europe/Ljubljana. What is refused is a problem (RFC 9457) with a
        sentence and the field at fault. New properties may be added to answers at any time.

        People and programs get tokens by OpenID Connect, see `/.well-known/openid-configuration`.
        """;

    public static void Describe(OpenApiOptions options, string name)
    {
        options.CreateSchemaReferenceId = ApiSchemas.NameOf;
        options.AddSchemaTransformer(ApiSchemas.Type);
        options.AddOperationTransformer(ApiOperations.Complete);
        options.AddDocumentTransformer((document, context, _) =>
        {
            document.Info.Title = $"KkiMesh {name}";
            document.Info.Version = "v1";
            document.Info.Description = Introduction;
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                [ApiOperations.Token] = Token,
                [ApiOperations.SignIn] = SignsIn,
            };
            (document.Components.Schemas ??= new Dictionary<string, IOpenApiSchema>())[ApiSchemas.Problem] = Problem;
            Complete(document);
            document.Tags = Areas(context);
            return Task.CompletedTask;
        });
    }

    private static void Complete(OpenApiDocument document)
    {
        var inputs = Inputs(document);
        foreach (var (id, schema) in document.Components!.Schemas!)
        {
            if (schema is OpenApiSchema own)
                ApiSchemas.Complete(own, isAnswer: !inputs.Contains(id));
        }
    }

    // The schemas that bodies of requests are made of.
    private static HashSet<string> Inputs(OpenApiDocument document)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        var bodies = document.Paths.Values.SelectMany(p => p.Operations!.Values)
            .Select(o => o.RequestBody).OfType<IOpenApiRequestBody>();
        foreach (var content in bodies.SelectMany(b => b.Content!.Values))
            Visit(content.Schema);
        return found;

        void Visit(IOpenApiSchema? schema)
        {
            if (schema is null || (schema is OpenApiSchemaReference { Reference.Id: { } id } && !found.Add(id)))
                return;
            foreach (var choice in schema.OneOf ?? [])
                Visit(choice);
            foreach (var (_, property) in schema.Properties ?? new Dictionary<string, IOpenApiSchema>())
                Visit(property);
            Visit(schema.Items);
            Visit(schema.AdditionalProperties);
        }
    }

    private static HashSet<OpenApiTag> Areas(OpenApiDocumentTransformerContext context) =>
    [
        .. context.DescriptionGroups.SelectMany(group => group.Items)
            .Select(d => d.ActionDescriptor.EndpointMetadata.OfType<ApiArea>().LastOrDefault()).OfType<ApiArea>()
            .Distinct().OrderBy(area => area.IsOfEvery)
            .Select(area => new OpenApiTag { Name = area.Name, Description = area.Description }),
    ];

    private static OpenApiSecurityScheme Token => new()
    {
        Type = SecuritySchemeType.Http,
        Scheme = "bearer",
        BearerFormat = "JWT",
        Description = "In development: ./mesh token <role>",
    };

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

    private static OpenApiSchema Problem => new()
    {
        Type = JsonSchemaType.Object,
        Description = "Why a request was refused (RFC 9457). Some problems say more, in members of their own.",
        Required = new HashSet<string> { "status", "detail", "traceId" },
        AdditionalProperties = new OpenApiSchema(),
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = Text("What kind of problem it is.", "uri-reference"),
            ["title"] = Text("The kind in words."),
            ["status"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Integer,
                Format = "int32",
                Description = "The HTTP status.",
            },
            ["detail"] = Text("What is wrong, in a sentence."),
            ["instance"] = Text("What the problem is about.", "uri-reference"),
            ["traceId"] = Text("Leads the operator to the log."),
            ["errors"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = "The fields, headers or parameters at fault, each with what is wrong.",
                AdditionalProperties = new OpenApiSchema
                {
                    Type = JsonSchemaType.Array,
                    Items = new OpenApiSchema { Type = JsonSchemaType.String },
                },
            },
        },
    };

    private static OpenApiSchema Text(string description, string? format = null) =>
        new() { Type = JsonSchemaType.String, Format = format, Description = description };
}
