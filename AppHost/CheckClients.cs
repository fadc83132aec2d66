using System.Diagnostics;
using System.Text.RegularExpressions;

namespace KkiMesh.AppHost;

/// <summary>
/// Holds the services' API documents to a linter's rules, makes clients in TypeScript of them and compiles these, in a
/// folder that is gone afterwards. The mesh that it asks is its own, too.
/// </summary>
internal static partial class CheckClients
{
    private const string Needs =
        "./mesh check-clients needs Node.js 20.19 or newer with npm, and the npm registry: see https://nodejs.org.";

    private static readonly Version Oldest = new(20, 19);

    // What an event says is its contract's; what a problem says besides, and which headers come, nobody can know.
    // A generator writes it for an answer without a body, too.
    private static readonly string[] MayBeUnknown =
        ["data: unknown;", "[key: string]: unknown", "[name: string]: unknown;", "202: unknown;"];

    public static async Task<int> RunAsync(CancellationToken ct)
    {
        if (await WhyNotAsync(ct) is { } missing)
        {
            Console.Error.WriteLine($"{missing} {Needs}");
            return 1;
        }

        var folder = Directory.CreateTempSubdirectory("kkimesh-clients-").FullName;
        // PostgreSQL may run as another user.
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_000_001);
        try
        {
            return await CheckAsync(folder, ct) ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<string?> WhyNotAsync(CancellationToken ct)
    {
        try
        {
            var version = await VersionAsync("node", ct);
            await VersionAsync("npm", ct);
            return Version.TryParse(version, out var there) && there >= Oldest ? null : $"Node.js is {version}.";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "There is no node, or no npm, on the PATH.";
        }
    }

    private static async Task<bool> CheckAsync(string folder, CancellationToken ct)
    {
        var clients = Directory.CreateDirectory(Path.Combine(folder, "clients")).FullName;
        foreach (var file in Directory.GetFiles(Path.Combine(Checkout.Root, "AppHost", "Clients")))
            File.Copy(file, Path.Combine(clients, Path.GetFileName(file)));
        const string Install = "install --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error";
        if (!await StepAsync(clients, "npm", Install, ct))
            return false;
        Console.WriteLine("starting a mesh, to ask it for its documents");
        await WriteDocumentsAsync(folder, clients, ct);
        var names = Topology.Services.Select(s => s.Name).ToList();
        var documents = string.Join(' ', names.Select(name => $"{name}.json"));
        var isGood = await StepAsync(clients, "npx", $"redocly lint --extends=recommended {documents}", ct);
        foreach (var name in names)
            isGood &= await MakeAsync(clients, name, ct);

        isGood &= await StepAsync(clients, "npx", "tsc", ct);
        Console.WriteLine(isGood
            ? $"{names.Count} documents are sound; their clients compile"
            : "The documents are not sound: what is above says why.");
        return isGood;
    }

    private static async Task<bool> MakeAsync(string clients, string name, CancellationToken ct) =>
        await StepAsync(clients, "npx", $"openapi-typescript {name}.json --output {name}.d.ts", ct)
        && await StepAsync(clients, "npx", $"openapi-ts --silent --no-log-file -i {name}.json -o sdk/{name}", ct)
        && IsKnown(clients, $"{name}.d.ts")
        && IsKnown(clients, $"sdk/{name}/types.gen.ts");

    private static async Task WriteDocumentsAsync(string folder, string clients, CancellationToken ct)
    {
        await using var servers = await Servers.StartOwnAsync(folder, _ => { }, ct);
        await using var mesh = await MeshRun.StartAsync(new MeshOptions(servers, Secrets.New(), (_, _) => { }), ct);
        using var http = new HttpClient { BaseAddress = mesh.Gateway };
        foreach (var name in Topology.Services.Select(s => s.Name))
        {
            var document = await http.GetStringAsync($"/openapi/{name}.json", ct);
            await File.WriteAllTextAsync(Path.Combine(clients, $"{name}.json"), document, ct);
        }
    }

    // A generator writes unknown where a document does not say what something is.
    private static bool IsKnown(string folder, string file)
    {
        var unknown = File.ReadLines(Path.Combine(folder, file)).Select(line => line.Trim())
            .Where(line => Unknown().IsMatch(line) && !Array.Exists(MayBeUnknown, line.StartsWith)).ToList();
        foreach (var line in unknown)
            Console.Error.WriteLine($"{file}: {line}");
        return unknown.Count == 0;
    }

    private static async Task<bool> StepAsync(string folder, string program, string arguments, CancellationToken ct)
    {
        Console.WriteLine($"{program} {arguments}");
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            WorkingDirectory = folder,
            Environment = { ["REDOCLY_TELEMETRY"] = "off", ["REDOCLY_SUPPRESS_UPDATE_NOTICE"] = "true" },
        };
        return await Programs.RunAsync(start, ct) == 0;
    }

    private static async Task<string> VersionAsync(string program, CancellationToken ct)
    {
        using var process = Process.Start(new ProcessStartInfo(program, "--version")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        })!;
        var text = await process.StandardOutput.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        return text.Trim().TrimStart('v');
    }

    [GeneratedRegex(@"^[^*/].*[:|&<,] ?unknown\b", RegexOptions.None, 1000)]
    private static partial Regex Unknown();
}
