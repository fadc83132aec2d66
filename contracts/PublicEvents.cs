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

    /// <summary>All public events of an assembly, also of those types that it keeps to itself.</summary>
    public static IReadOnlyDictionary<string, Type> In(Assembly assembly) => Of(assembly.GetTypes());

    /// <summary>
    /// All public events that an assembly's code can use: its own, and those of the assemblies that it refers to.
    /// </summary>
    /// <exception cref="InvalidOperationException">Two of them have the same type.</exception>
    public static IReadOnlyDictionary<string, Type> KnownTo(Assembly assembly)
    {
        var found = new HashSet<Assembly>();
        var waiting = new Stack<Assembly>([assembly, typeof(PublicEvents).Assembly]);
        while (waiting.TryPop(out var next))
        {
            if (!found.Add(next))
                continue;
            foreach (var name in next.GetReferencedAssemblies())
            {
                // Whatever has a public event refers to the contracts, and so does what refers to that.
                if (Load(name) is { } referred && RefersToContracts(referred))
                    waiting.Push(referred);
            }
        }

        return Of(found.SelectMany(a => a.GetTypes()));
    }

    private static bool RefersToContracts(Assembly assembly) =>
        assembly.GetReferencedAssemblies().Any(a => a.Name == typeof(PublicEvents).Assembly.GetName().Name);

    // What is not there cannot be used either.
    private static Assembly? Load(AssemblyName name)
    {
        try
        {
            return Assembly.Load(name);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static Dictionary<string, Type> Of(IEnumerable<Type> types)
    {
        var events = new Dictionary<string, Type>();
        foreach (var record in types)
        {
            if (TypeOf(record) is { } type && !events.TryAdd(type, record))
                throw new InvalidOperationException($"{events[type]} and {record} are both the public event {type}.");
        }

        return events;
    }
}
