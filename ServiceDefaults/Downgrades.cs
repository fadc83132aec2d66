using KkiMesh.Contracts;

namespace KkiMesh.ServiceDefaults;

/// <summary>How an event of a newer contract is also published under its older ones until these are retired.</summary>
internal sealed class Downgrades
{
    private readonly Dictionary<Type, List<Func<object, object>>> _older = [];
    private readonly List<(string Newer, string Older)> _names = [];

    public void Add<TNew, TOld>(Func<TNew, TOld> derive)
        where TNew : class
        where TOld : class
    {
        if (!_older.TryGetValue(typeof(TNew), out var list))
            _older[typeof(TNew)] = list = [];
        list.Add(e => derive((TNew)e));
        _names.Add((PublicEvents.TypeOf(typeof(TNew))!, PublicEvents.TypeOf(typeof(TOld))!));
    }

    /// <summary>The older types under which an event of this type is published, too, each with its version.</summary>
    public IEnumerable<(string Type, string Version)> OlderThan(string type) =>
        _names.Where(n => n.Newer == type).Select(n => (n.Older, VersionOf(n.Older)));

    public IEnumerable<string> NewerThan(IReadOnlyCollection<string> types) => _names.Where(n => types.Contains(n.Older)).Select(n => n.Newer);

    public IEnumerable<(object Older, string Version)> Of(object e) =>
        _older.TryGetValue(e.GetType(), out var list) ? list.Select(derive => derive(e)).Select(old => (old, Version(old))) : [];

    private static string Version(object e) => VersionOf(PublicEvents.TypeOf(e.GetType())!);

    private static string VersionOf(string type) => type[(type.LastIndexOf('.') + 1)..];
}
