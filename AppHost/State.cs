using System.Diagnostics;
using System.Text.Json;

namespace KkiMesh.AppHost;

/// <summary>What this checkout's mesh told about itself, from the moment that it starts.</summary>
/// <param name="ProcessId">The runner.</param>
/// <param name="Started">When the runner started: another process may have its id later.</param>
/// <param name="IsReady">Whether everything was healthy.</param>
/// <param name="Gateway">The gateway's address.</param>
/// <param name="Integrator">The development integrator's AMQP address; null
/// where the broker has no management API.</param>
public sealed record State(int ProcessId, DateTime Started, bool IsReady, Uri Gateway, Uri? Integrator)
{
    private static string File => Path.Combine(Checkout.State, "run.json");

    /// <summary>The mesh that runs or starts; null where none does.</summary>
    public static async Task<State?> ReadAsync()
    {
        if (!System.IO.File.Exists(File))
            return null;
        try
        {
            var state = JsonSerializer.Deserialize<State>(await System.IO.File.ReadAllTextAsync(File));
            return state is not null && state.IsRunning() ? state : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The mesh that is ready; null, and a sentence, where none is.</summary>
    public static async Task<State?> ReadyAsync()
    {
        var state = await ReadAsync();
        if (state is { IsReady: true })
            return state;
        Console.Error.WriteLine(state is null ? "No mesh of this checkout runs: ./mesh up starts it." : "The mesh of this checkout is still starting.");
        return null;
    }

    /// <summary>
    /// Takes the checkout for this process until it ends, however it ends; two would use the same data.
    /// </summary>
    /// <returns>Null where another one has it.</returns>
    public static FileStream? TakeCheckout()
    {
        try
        {
            return new FileStream(Path.Combine(Checkout.State, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Tells.</summary>
    public Task WriteAsync(CancellationToken ct) => Secrets.WriteAsync(File, JsonSerializer.Serialize(this), ct);

    /// <summary>The mesh has ended.</summary>
    public static void Delete() => System.IO.File.Delete(File);

    /// <summary>What this checkout's services show to get tokens, made where it is missing.</summary>
    public static async Task<string> SecretAsync(CancellationToken ct)
    {
        var file = Path.Combine(Checkout.State, "services.secret");
        if (!System.IO.File.Exists(file))
            await Secrets.WriteAsync(file, Secrets.New(), ct);
        return (await System.IO.File.ReadAllTextAsync(file, ct)).Trim();
    }

    private bool IsRunning()
    {
        try
        {
            using var process = Process.GetProcessById(ProcessId);
            return !process.HasExited && (process.StartTime.ToUniversalTime() - Started).Duration() < TimeSpan.FromSeconds(2);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }
}
