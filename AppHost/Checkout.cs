namespace KkiMesh.AppHost;

/// <summary>The folder that this program was built in.</summary>
public static class Checkout
{
    /// <summary>The folder of KkiMesh.sln.</summary>
    public static string Root { get; } = Find();

    /// <summary>The folder of this checkout's run state; nobody else reads it.</summary>
    public static string State => Directory.CreateDirectory(
        Path.Combine(Root, ".mesh"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute).FullName;

    /// <summary>A service's program, built with the same configuration as this one.</summary>
    public static string Program(Service service)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(
            Root, service.Project, "bin", output.Parent!.Name, output.Name, $"KkiMesh.{Path.GetFileName(service.Project) switch { "gateway" => "Gateway", var n => n }}.dll");
        return File.Exists(program) ? program : throw new FileNotFoundException($"{service.Name} is not built: there is no {program}.");
    }

    private static string Find()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "KkiMesh.sln")))
                return at.FullName;
        }

        throw new InvalidOperationException("This program runs from a checkout of KkiMesh; there is no KkiMesh.sln above it.");
    }
}
