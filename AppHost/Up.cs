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
#if ASPIRE
            return await RunWithAspireAsync(data, port ?? Ports.FirstFree(8080), Numbers(replicas), ct);
#else
            return await RunProcessesAsync(data, port ?? Ports.FirstFree(8080), Numbers(replicas), ct);
#endif
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

#if ASPIRE
    private static async Task<int> RunWithAspireAsync(string data, int port, Dictionary<string, int> replicas, CancellationToken ct)
    {
        var containers = Environment.GetEnvironmentVariable("ConnectionStrings__postgres") is null && await Engine.AnswersAsync(ct);
        await using var log = ServersLog();
        await using var servers = containers ? null : await Servers.StartAsync(data, log.WriteLine, ct);
        var gateway = new Uri($"http://localhost:{port}");
        await AspireRunner.RunAsync(
            new AspireOptions(servers, port, await State.KeyAsync(ct), replicas),
            async running => await ReadyAsync(gateway, await IntegratorAsync(running, ct), ct),
            ct);
        return 0;
    }
#else
    private static async Task<int> RunProcessesAsync(string data, int port, Dictionary<string, int> replicas, CancellationToken ct)
    {
        await using var log = ServersLog();
        await using var servers = await Servers.StartAsync(data, log.WriteLine, ct);
        await using var mesh = await MeshRun.StartAsync(
            new MeshOptions(servers, await State.KeyAsync(ct), Print) { Port = port, Replicas = replicas }, ct);
        await ReadyAsync(mesh.Gateway, await IntegratorAsync(servers, ct), ct);
        await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return 0;
    }

    private static void Print(string name, string line)
    {
        if (Console.IsOutputRedirected)
            Console.WriteLine($"{name,-12} {line}");
        else
            Console.WriteLine($"\e[{31 + (Math.Abs(string.GetHashCode(name, StringComparison.Ordinal)) % 6)}m{name,-12}\e[0m {line}");
    }
#endif

    private static Dictionary<string, int> Numbers(string[] replicas)
    {
        var numbers = new Dictionary<string, int>();
        foreach (var words in replicas.Select(r => r.Split('=')))
        {
            if (words.Length != 2 || Topology.Services.All(s => s.Name != words[0]) || !int.TryParse(words[1], System.Globalization.CultureInfo.InvariantCulture, out var number) || number is < 1 or > 16)
                throw new InvalidOperationException($"--replicas takes service=number (1 to 16), not {string.Join('=', words)}.");
            numbers[words[0]] = number;
        }

        return numbers;
    }

    private static TextWriter ServersLog() =>
        TextWriter.Synchronized(new StreamWriter(Path.Combine(Checkout.State, "servers.log")) { AutoFlush = true });

    private static async Task ReadyAsync(Uri gateway, Uri? integrator, CancellationToken ct)
    {
        await new State(Environment.ProcessId, gateway, await State.KeyAsync(ct), integrator).WriteAsync(ct);
        Console.WriteLine($"mesh ready: {gateway.ToString().TrimEnd('/')}");
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
