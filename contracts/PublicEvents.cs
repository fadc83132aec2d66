using System.Collections.Concurrent;
using System.Reflection;

namespace KkiMesh.Contracts;

/// <summary>Which records are public events, and what they are called on the wire.</summary>
public static class PublicEvents
{
    private static readonly ConcurrentDictionary<Type, string?> Types = new();

    /// <summary>The CloudEvents type of a record; null where it is not a public event.</summary>
    public static string? TypeOf(Type record) =>
        Types.GetOrAdd(record, static r => r.GetCustomAttribute<PublicEventAttribute>()?.Type);

    /// <summary>All public events of an assembly.</summary>
    public static IReadOnlyDictionary<string, Type> In(Assembly assembly) =>
        assembly.GetExportedTypes().Where(t => TypeOf(t) is not null).ToDictionary(t => TypeOf(t)!);
}
