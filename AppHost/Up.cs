using System.Diagnostics;
using System.Globalization;

namespace KkiMesh.AppHost;

internal static class Up
{
    private const int LastPort = 65535;

    /// <summary>Whether PostgreSQL takes the connections of so many replicas.</summary>
    public static async Task<int> DoctorAsync(string[] replicas, CancellationToken ct) =>
        Fault(null, replicas) is { } fault ? Refuse(fault) : await Connections.CheckAsync(Numbers(replicas), ct);

    /// <summary>Runs the mesh until it is asked to stop.</summary>
    public static async Task<int> RunAsync(int? port, bool fresh, string[] replicas, CancellationToken ct)
    {
        if (await State.ReadAsync() is { } running)
            return Refuse($"The mesh of this checkout {(running.IsReady ? "runs already" : "is starting already")}: {running.Gateway.ToString().TrimEnd('/')}; ./mesh down stops it.");
        // Whatever is wrong is said before anything is touched.
        if (Fault(port, replicas) is { } fault)
            return Refuse(fault);
        using var taken = State.TakeCheckout();
        if (taken is null)
            return Refuse("A mesh of this checkout runs already, or is starting or stopping; ./mesh down stops it.");

        var data = Servers.FolderFor(Checkout.Root);
        if (fresh && Directory.Exists(data))
            Directory.Delete(data, recursive: true);
        try
        {
            var gateway = new Uri($"http://localhost:{port ?? Ports.FirstFree(8080)}");
            var grpc = new Uri($"http://localhost:{Ports.FirstFree(gateway.Port == LastPort ? 8081 : gateway.Port + 1)}");
            await WriteStateAsync(gateway, isReady: false, null, ct);
#if ASPIRE
            return await RunWithAspireAsync(data, gateway, grpc, Numbers(replicas), ct);
#else
            return await RunProcessesAsync(data, gateway, grpc, Numbers(replicas), ct);
#endif
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return 0;
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException or IOException or Npgsql.NpgsqlException or HttpRequestException)
        {
            return Refuse($"The mesh did not start. {e.Message}");
        }
        finally
        {
            State.Delete();
        }
    }

#if ASPIRE
    private static async Task<int> RunWithAspireAsync(string data, Uri gateway, Uri grpc, Dictionary<string, int> replicas, CancellationToken ct)
    {
        var containers = Environment.GetEnvironmentVariable("ConnectionStrings__postgres") is null && await Engine.AnswersAsync(ct);
        await using var log = ServersLog();
        await using var servers = containers ? null : await Servers.StartAsync(data, log.WriteLine, ct);
        await AspireRunner.RunAsync(
            new AspireOptions(servers, gateway.Port, grpc.Port, await State.SecretAsync(ct), replicas),
            async running => await ReadyAsync(gateway, grpc, await IntegratorAsync(running, ct), ct),
            ct);
        return 0;
    }
#else
    private static async Task<int> RunProcessesAsync(string data, Uri gateway, Uri grpc, Dictionary<string, int> replicas, CancellationToken ct)
    {
        await using var log = ServersLog();
        await using var servers = await Servers.StartAsync(data, log.WriteLine, ct);
        await using var mesh = await MeshRun.StartAsync(
            new MeshOptions(servers, await State.SecretAsync(ct), Print) { Port = gateway.Port, GrpcPort = grpc.Port, Replicas = replicas, Environment = Mail }, ct);
        await ReadyAsync(mesh.Gateway, mesh.Grpc, await IntegratorAsync(servers, ct), ct);
        await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return 0;
    }

    // Letters are laid where who develops finds them.
    private static Dictionary<string, string?> Mail => new() { ["Mail__Folder"] = Path.Combine(Checkout.State, "mail") };

    private static void Print(string name, string line)
    {
        if (Console.IsOutputRedirected)
            Console.WriteLine($"{name,-12} {line}");
        else
            Console.WriteLine($"\e[{31 + (Math.Abs(string.GetHashCode(name, StringComparison.Ordinal)) % 6)}m{name,-12}\e[0m {line}");
    }
#endif

    private static string? Fault(int? port, string[] replicas) =>
        port is < 1 or > LastPort ? "--port takes 1 to 65535."
        : port is { } taken && !Ports.IsFree(taken) ? $"The port {taken} is taken."
        : Array.Find(replicas, r => Number(r) is null) is { } wrong ? $"--replicas takes service=number (1 to 16), not {wrong}; the services are {string.Join(", ", Topology.Services.Select(s => s.Name))}."
        : null;

    private static Dictionary<string, int> Numbers(string[] replicas) =>
        replicas.Select(r => Number(r)!.Value).GroupBy(n => n.Service).ToDictionary(n => n.Key, n => n.Last().Number);

    private static (string Service, int Number)? Number(string text) =>
        text.Split('=') is [var name, var digits] && Topology.Services.Any(s => s.Name == name)
        && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= 16
            ? (name, number)
            : null;

    private static int Refuse(string sentence)
    {
        Console.Error.WriteLine(sentence);
        return 1;
    }

    private static TextWriter ServersLog() =>
        TextWriter.Synchronized(new StreamWriter(Path.Combine(Checkout.State, "servers.log")) { AutoFlush = true });

    private static async Task ReadyAsync(Uri gateway, Uri grpc, Uri? integrator, CancellationToken ct)
    {
        await WriteStateAsync(gateway, isReady: true, integrator, ct);
        Console.WriteLine($"mesh gRPC:  {grpc.ToString().TrimEnd('/')}");
        Console.WriteLine($"mesh ready: {gateway.ToString().TrimEnd('/')}");
    }

    private static async Task WriteStateAsync(Uri gateway, bool isReady, Uri? integrator, CancellationToken ct)
    {
        using var self = Process.GetCurrentProcess();
        await new State(self.Id, self.StartTime.ToUniversalTime(), isReady, gateway, integrator).WriteAsync(ct);
    }

    // For development: who wants to read events over AMQP finds an account in a file that only the owner reads.
    private static async Task<Uri?> IntegratorAsync(Servers servers, CancellationToken ct)
    {
        if (servers.Management is null)
            return null;
        var address = await servers.CreateIntegratorAsync("integrator", Secrets.New(), ct);
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
