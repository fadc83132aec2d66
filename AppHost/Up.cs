namespace KkiMesh.AppHost;

internal static class Up
{
    /// <summary>Runs the mesh until it is asked to stop.</summary>
    public static async Task<int> RunAsync(int? port, bool fresh, string[] replicas, CancellationToken ct)
    {
        if (await State.ReadAsync() is { } running)
        {
            Console.Error.WriteLine($"The mesh of this checkout runs already, at {running.Gateway.ToString().TrimEnd('/')}; ./mesh down stops it.");
            return 1;
        }

        var data = Servers.FolderFor(Checkout.Root);
        if (fresh && Directory.Exists(data))
            Directory.Delete(data, recursive: true);
        try
        {
            await using var log = TextWriter.Synchronized(new StreamWriter(Path.Combine(Checkout.State, "servers.log")) { AutoFlush = true });
            await using var servers = await Servers.StartAsync(data, log.WriteLine, ct);
            await using var mesh = await MeshRun.StartAsync(
                new MeshOptions(servers, await State.KeyAsync(ct), Print)
                {
                    Port = port ?? Ports.FirstFree(8080),
                    Replicas = replicas.Select(r => r.Split('=')).ToDictionary(r => r[0], r => int.Parse(r[^1], System.Globalization.CultureInfo.InvariantCulture)),
                },
                ct);
            var state = new State(Environment.ProcessId, mesh.Gateway, await State.KeyAsync(ct), await IntegratorAsync(servers, ct));
            await state.WriteAsync(ct);
            Console.WriteLine($"mesh ready: {mesh.Gateway.ToString().TrimEnd('/')}");
            await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return 0;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return 0;
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException or FileNotFoundException)
        {
            Console.Error.WriteLine($"The mesh did not start. {e.Message}");
            return 1;
        }
        finally
        {
            State.Delete();
        }
    }

    // For development: who wants to read events over AMQP finds an account in a file that only the owner reads.
    private static async Task<Uri?> IntegratorAsync(Servers servers, CancellationToken ct)
    {
        if (servers.Management is null)
            return null;
        var address = await servers.CreateIntegratorAsync("integrator", Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(16)), ct);
        await Secrets.WriteAsync(Path.Combine(Checkout.State, "integrator.uri"), address.ToString() + Environment.NewLine, ct);
        return address;
    }

    private static void Print(string name, string line)
    {
        if (Console.IsOutputRedirected)
            Console.WriteLine($"{name,-12} {line}");
        else
            Console.WriteLine($"\e[{31 + (Math.Abs(string.GetHashCode(name, StringComparison.Ordinal)) % 6)}m{name,-12}\e[0m {line}");
    }
}

internal static class Down
{
    /// <summary>Stops the mesh and returns when it is gone.</summary>
    public static async Task<int> RunAsync(CancellationToken ct)
    {
        if (await State.ReadAsync() is not { } state)
        {
            Console.WriteLine("No mesh of this checkout runs.");
            return 0;
        }

        _ = Native.Kill(state.ProcessId, Native.Sigterm);
        for (var i = 0; i < 600 && await State.ReadAsync() is not null; i++)
            await Task.Delay(100, ct);
        if (await State.ReadAsync() is not null)
        {
            Console.Error.WriteLine($"The mesh (process {state.ProcessId}) did not stop within a minute.");
            return 1;
        }

        Console.WriteLine("The mesh is down; its data stay for the next ./mesh up.");
        return 0;
    }
}
