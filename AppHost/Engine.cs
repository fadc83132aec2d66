using System.ComponentModel;
using System.Diagnostics;

namespace KkiMesh.AppHost;

internal static class Engine
{
    /// <summary>Whether a container engine runs here; its command line alone is not enough.</summary>
    public static async Task<bool> AnswersAsync(CancellationToken ct)
    {
        try
        {
            var start = new ProcessStartInfo("docker", ["info"]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
            using var docker = Process.Start(start)!;
            docker.OutputDataReceived += (_, _) => { };
            docker.BeginOutputReadLine();
            docker.BeginErrorReadLine();
            await docker.WaitForExitAsync(ct).WaitAsync(TimeSpan.FromSeconds(10), ct);
            return docker.ExitCode == 0;
        }
        catch (Exception e) when (e is Win32Exception or TimeoutException)
        {
            return false;
        }
    }
}
