using System.Globalization;

namespace KkiMesh.AppHost;

/// <summary>Which processes belong to which, as /proc shows it.</summary>
public static class ProcessTree
{
    /// <summary>The processes that this one started and that still run.</summary>
    public static IReadOnlyList<int> ChildrenOf(int process) => [.. All().Where(p => p.Parent == process).Select(p => p.Id)];

    /// <summary>The processes that this one started, those that they started, and so on; not itself.</summary>
    public static IReadOnlyList<int> DescendantsOf(int process)
    {
        var children = All().ToLookup(p => p.Parent, p => p.Id);
        List<int> found = [.. children[process]];
        // It grows while it is read: each process has one parent, so each comes once.
        for (var i = 0; i < found.Count; i++)
            found.AddRange(children[found[i]]);
        return found;
    }

    private static IEnumerable<(int Id, int Parent)> All() =>
        from folder in Directory.EnumerateDirectories("/proc")
        let name = Path.GetFileName(folder)
        where name.All(char.IsAsciiDigit)
        let parent = ParentOf(folder)
        where parent is not null
        select (int.Parse(name, CultureInfo.InvariantCulture), parent.Value);

    // "id (name) state parent …": the name may have anything in it, so one reads from behind its last bracket.
    private static int? ParentOf(string folder)
    {
        try
        {
            var stat = File.ReadAllText(Path.Combine(folder, "stat"));
            return int.Parse(stat[(stat.LastIndexOf(')') + 1)..].Split(' ')[2], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
