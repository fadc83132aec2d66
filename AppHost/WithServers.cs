using System.Diagnostics;

namespace KkiMesh.AppHost;

internal static class WithServers
{
    /// <summary>
    /// Runs a command with servers of its own, given to it as connection strings; all data are gone afterwards.
    /// </summary>
    public static async Task<int> RunAsync(string[] command, CancellationToken ct)
    {
        var folder = Directory.CreateTempSubdirectory("kkimesh-").FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_000_001);
        try
        {
            await using var servers = await Servers.StartAsync(folder, _ => { }, ct);
            var start = new ProcessStartInfo(command[0], command[1..])
            {
                UseShellExecute = false,
                Environment =
                {
                    ["ConnectionStrings__postgres"] = servers.Postgres,
                    ["ConnectionStrings__rabbitmq"] = servers.RabbitMq.ToString(),
                    ["ConnectionStrings__rabbitmqmanagement"] = servers.Management?.ToString(),
                },
            };
            return await Programs.RunAsync(start, ct);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}

internal static class WithMesh
{
    /// <summary>Runs a command that talks to the running mesh.</summary>
    public static async Task<int> RunAsync(string[] command, CancellationToken ct)
    {
        if (await State.ReadyAsync() is not { } state)
            return 1;

        var start = new ProcessStartInfo(command[0], command[1..])
        {
            UseShellExecute = false,
            Environment =
            {
                ["MESH_GATEWAY"] = state.Gateway.ToString(),
                ["MESH_AMQP"] = state.Integrator?.ToString(),
            },
        };
        return await Programs.RunAsync(start, ct);
    }
}

internal static class Programs
{
    /// <summary>Runs a program to its end, in this terminal.</summary>
    public static async Task<int> RunAsync(ProcessStartInfo start, CancellationToken ct)
    {
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start.");
        try
        {
            await process.WaitForExitAsync(ct);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            return 130;
        }

        return process.ExitCode;
    }
}
