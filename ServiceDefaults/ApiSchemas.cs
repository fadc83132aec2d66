using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using KkiMesh.Contracts;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// What a schema says besides what the framework sees by itself: converters hide how a type is written, and the
/// attributes and comments of a record stand at the parameters of its constructor.
/// </summary>
internal static class ApiSchemas
{
    /// <summary>The schema of all problems.</summary>
    public const string Problem = "Problem";

    // Where a schema keeps the type that it was made of, until the whole document is there.
    private const string MadeOf = "kki-type";

    /// <summary>A schema's name in the document; null where it stands in place.</summary>
    public static string? NameOf(JsonTypeInfo type) =>
        PlainOf(type.Type) is not null || type.Type == typeof(JsonElement) ? null
        : typeof(ProblemDetails).IsAssignableFrom(type.Type) ? Problem
        : OpenApiOptions.CreateDefaultSchemaReferenceId(type);

    /// <summary>Gives a schema its type, as soon as it is made.</summary>
    public static Task Type(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken ct)
    {
        var type = TypeOf(context);
        if (ChoicesOf(type) is { } choices)
        {
            schema.Type = JsonSchemaType.String;
            schema.Enum = NamesOf(choices, context.JsonTypeInfo.Options);
            return Task.CompletedTask;
        }

        var isNullable = !IsInAddress(context) && IsNullable(context.JsonPropertyInfo, type);
        Type(schema, type, context.JsonTypeInfo, isNullable);
        return Task.CompletedTask;
    }

    private static void Type(OpenApiSchema schema, Type type, JsonTypeInfo info, bool isNullable)
    {
        if (PlainOf(type) is { } plain)
            Fill(schema, plain, isNullable);
        else if (schema.Enum is { Count: > 0 })
            Fill(schema, (JsonSchemaType.String, null), isNullable);
        else if (schema.Items is null && ElementOf(type) is { } element && PlainOf(element) is { } item)
            schema.Items = Fill(new OpenApiSchema(), item, isNullable: false);
        var made = Nullable.GetUnderlyingType(type) is { } given ? info.Options.GetTypeInfo(given) : info;
        (schema.Metadata ??= new Dictionary<string, object>())[MadeOf] = made;
        // The framework does not look into what may be null.
        if (made == info || schema.Properties is null)
            return;
        foreach (var property in made.Properties.Where(p => schema.Properties.ContainsKey(p.Name)))
        {
            var of = info.Options.GetTypeInfo(property.PropertyType);
            if (schema.Properties[property.Name] is OpenApiSchema inner)
                Type(inner, of.Type, of, IsNullable(property, of.Type));
        }
    }

    /// <summary>Says what it knows of a type's schema and its properties, once the document is whole.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="isAnswer">The service writes it and never reads it: all that it has is always there.</param>
    public static void Complete(OpenApiSchema schema, bool isAnswer)
    {
        if (schema.Metadata?.TryGetValue(MadeOf, out var type) != true || type is not JsonTypeInfo made)
            return;
        schema.Description = Described(made.Type, made.Options) ?? schema.Description;
        // Who refers to it says whether there may be none; it was perhaps made where there may.
        schema.Type &= ~JsonSchemaType.Null;
        if (schema.Enum is { } values)
            schema.Enum = [.. values.Where(v => v is not null && !v.IsJsonNullSentinel())];
        foreach (var info in made.Properties.Where(p => p.AttributeProvider is PropertyInfo))
        {
            if (schema.Properties?.TryGetValue(info.Name, out var property) != true)
                continue;
            Describe(property!, ApiTexts.Of((PropertyInfo)info.AttributeProvider!));
            if (property is OpenApiSchema inPlace)
                Bound(inPlace, AttributesOf(info));
        }

        // The contracts know nothing of documents.
        if (made.Type == typeof(Money) && schema.Properties!["currency"] is OpenApiSchema currency)
            currency.Pattern = "^[A-Z]{3}$";
        if (!isAnswer || made.Kind != JsonTypeInfoKind.Object)
            return;
        // A client must not break when something is added.
        schema.AdditionalPropertiesAllowed = true;
        schema.Required = made.Properties
            .Where(p => schema.Properties?.ContainsKey(p.Name) == true && !IsLeftOut(p))
            .Select(p => p.Name).ToHashSet();
    }

    /// <summary>Says which values are taken.</summary>
    public static void Bound(OpenApiSchema schema, IEnumerable<object> attributes)
    {
        foreach (var attribute in attributes)
            Bound(schema, attribute);
    }

    /// <summary>Describes a schema, or what refers to one.</summary>
    public static void Describe(IOpenApiSchema schema, string? text)
    {
        if (text is not null)
            schema.Description = text;
    }

    private static bool IsInAddress(OpenApiSchemaTransformerContext context) =>
        context.ParameterDescription is { } parameter && parameter.Source != BindingSource.Body;

    // Addresses are read as texts, whatever they become.
    private static Type TypeOf(OpenApiSchemaTransformerContext context) =>
        IsInAddress(context) && context.JsonTypeInfo.Type == typeof(string)
        && context.ParameterDescription!.ParameterDescriptor?.ParameterType is { IsArray: false } asked
            ? asked
            : context.JsonTypeInfo.Type;

    private static bool IsNullable(JsonPropertyInfo? property, Type type) =>
        Nullable.GetUnderlyingType(type) is not null || property is { IsGetNullable: true } or { IsSetNullable: true };

    private static bool IsLeftOut(JsonPropertyInfo property) =>
        AttributesOf(property).OfType<JsonIgnoreAttribute>().Any(i => i.Condition != JsonIgnoreCondition.Never);

    private static OpenApiSchema Fill(
        OpenApiSchema schema, (JsonSchemaType Type, string? Format) plain, bool isNullable)
    {
        schema.Type = isNullable ? plain.Type | JsonSchemaType.Null : plain.Type;
        schema.Format = plain.Format ?? schema.Format;
        return schema;
    }

    // What converters write as a text.
    private static (JsonSchemaType Type, string? Format)? PlainOf(Type type) => Given(type) switch
    {
        var t when t == typeof(string) || t == typeof(Position) => (JsonSchemaType.String, null),
        var t when t == typeof(DateTimeOffset) => (JsonSchemaType.String, "date-time"),
        var t when IsId(t) => (JsonSchemaType.String, "uuid"),
        _ => null,
    };

    /// <summary>Whether it is an id in a type of its own.</summary>
    public static bool IsId(Type type) =>
        type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IId<>));

    private static Type? ElementOf(Type type) => type == typeof(string) ? null
        : type.IsArray ? type.GetElementType()
        : type.GetInterfaces().Append(type)
            .Where(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IEnumerable<>))
            .Select(i => i.GetGenericArguments()[0]).FirstOrDefault();

    private static Type Given(Type type) => Nullable.GetUnderlyingType(type) ?? type;

    private static Type? ChoicesOf(Type type) => Given(type) switch
    {
        { IsGenericType: true } t when t.GetGenericTypeDefinition() == typeof(Choice<>) => t.GetGenericArguments()[0],
        _ => null,
    };

    private static List<JsonNode> NamesOf(Type choices, JsonSerializerOptions options) =>
        [.. Enum.GetValues(choices).Cast<object>().Select(v => JsonSerializer.SerializeToNode(v, choices, options)!)];

    private static string? Described(Type type, JsonSerializerOptions options)
    {
        var summary = ApiTexts.Of(type);
        if (!type.IsEnum)
            return summary;
        var values = type.GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(f => $"{JsonSerializer.SerializeToNode(f.GetValue(null), type, options)}: {ApiTexts.Of(f)}");
        return $"{summary}\n\n- {string.Join("\n- ", values)}";
    }

    private static IEnumerable<object> AttributesOf(JsonPropertyInfo property) =>
        (property.AttributeProvider?.GetCustomAttributes(inherit: true) ?? [])
        .Concat(property.AssociatedParameter?.AttributeProvider?.GetCustomAttributes(inherit: true) ?? []);

    private static void Bound(OpenApiSchema schema, object attribute)
    {
        switch (attribute)
        {
            case RequiredAttribute when IsText(schema):
                schema.MinLength ??= 1;
                break;
            case StringLengthAttribute length:
                Size(schema, length.MinimumLength, length.MaximumLength);
                break;
            case LengthAttribute length:
                Size(schema, length.MinimumLength, length.MaximumLength);
                break;
            case MinLengthAttribute length:
                Size(schema, length.Length, null);
                break;
            case MaxLengthAttribute length:
                Size(schema, null, length.Length);
                break;
            case BoundsAttribute bounds when !IsText(schema) && schema.Items is null:
                (schema.Minimum, schema.Maximum) = (Number(bounds.Min), Number(bounds.Max));
                break;
            case BoundsAttribute bounds:
                Size(schema, (int)bounds.Min, (int)bounds.Max);
                break;
            case EachLengthAttribute each when schema.Items is OpenApiSchema item:
                Size(item, each.Min, each.Max);
                break;
            case FormatAttribute format:
                schema.Format = format.Name;
                break;
            case RangeAttribute range:
                (schema.Minimum, schema.Maximum) = (Number(range.Minimum), Number(range.Maximum));
                break;
            case EmailAddressAttribute:
                schema.Format = "email";
                break;
            case RegularExpressionAttribute expression:
                schema.Pattern = Whole(expression.Pattern);
                break;
        }
    }

    private static bool IsText(OpenApiSchema schema) => schema.Type?.HasFlag(JsonSchemaType.String) == true;

    private static void Size(OpenApiSchema schema, int? min, int? max)
    {
        if (IsText(schema))
            (schema.MinLength, schema.MaxLength) = (min is > 0 ? min : schema.MinLength, max ?? schema.MaxLength);
        else
            (schema.MinItems, schema.MaxItems) = (min is > 0 ? min : schema.MinItems, max ?? schema.MaxItems);
    }

    private static string? Number(object value) => Convert.ToString(value, CultureInfo.InvariantCulture);

    // .NET takes a pattern for the whole text; a schema looks for it anywhere.
    private static string Whole(string pattern) =>
        pattern.StartsWith('^') ? pattern.Replace("\\z", "$", StringComparison.Ordinal) : $"^({pattern})$";
}
