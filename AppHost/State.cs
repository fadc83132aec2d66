using System.Diagnostics;
using System.Text.Json;

namespace KkiMesh.AppHost;

/// <summary>What this checkout's running mesh told about itself.</summary>
/// <param name="ProcessId">The runner.</param>
/// <param name="Gateway">The gateway's address.</param>
/// <param name="DevelopmentKey">Signs tokens; so the file is its owner's only.</param>
/// <param name="Integrator">The development integrator's AMQP address; null where the broker has no management API.</param>
public sealed record State(int ProcessId, Uri Gateway, string DevelopmentKey, Uri? Integrator)
{
    private static string File => Path.Combine(Checkout.State, "run.json");

    /// <summary>The running mesh; null where none runs.</summary>
    public static async Task<State?> ReadAsync()
    {
        if (!System.IO.File.Exists(File))
            return null;
        await using var stream = System.IO.File.OpenRead(File);
        var state = await JsonSerializer.DeserializeAsync<State>(stream);
        return state is not null && IsRunning(state.ProcessId) ? state : null;
    }

    /// <summary>Tells.</summary>
    public Task WriteAsync(CancellationToken ct) => Secrets.WriteAsync(File, JsonSerializer.Serialize(this), ct);

    /// <summary>The mesh has ended.</summary>
    public static void Delete() => System.IO.File.Delete(File);

    /// <summary>This checkout's signing key, made where it is missing.</summary>
    public static async Task<string> KeyAsync(CancellationToken ct)
    {
        var file = Path.Combine(Checkout.State, "development.key");
        if (!System.IO.File.Exists(file))
            await Secrets.WriteAsync(file, Tokens.NewKey(), ct);
        return (await System.IO.File.ReadAllTextAsync(file, ct)).Trim();
    }

    private static bool IsRunning(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
