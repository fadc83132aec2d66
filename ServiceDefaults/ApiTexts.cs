using System.Reflection;
using System.Text.RegularExpressions;
using Namotion.Reflection;

namespace KkiMesh.ServiceDefaults;

/// <summary>What the comments in the code say, for the API document.</summary>
internal static partial class ApiTexts
{
    private static readonly XmlDocsOptions Options = new() { ResolveExternalXmlDocs = false };

    /// <summary>What a type is; null where its comment does not say.</summary>
    public static string? Of(Type type) => Clean(Open(type).GetXmlDocsSummary(Options));

    /// <summary>What a property is, or the parameter that its record has for it.</summary>
    public static string? Of(PropertyInfo property) =>
        Clean((Open(property.DeclaringType!).GetProperty(property.Name) ?? property).GetXmlDocsSummary(Options));

    /// <summary>What a value of an enumeration is.</summary>
    public static string? Of(FieldInfo value) => Clean(value.GetXmlDocsSummary(Options));

    // Comments stand with the open type: Page<T>, not Page<Challenge>.
    private static Type Open(Type type) => type.IsConstructedGenericType ? type.GetGenericTypeDefinition() : type;

    private static string? Clean(string text) => text.Length == 0 ? null : Blanks().Replace(text, " ").Trim();

    [GeneratedRegex(@"\s+", RegexOptions.None, 1000)]
    private static partial Regex Blanks();
}
