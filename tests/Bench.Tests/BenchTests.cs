using System.Diagnostics;
using KkiMesh.AppHost;
using KkiMesh.TestKit;

[assembly: AssemblyFixture(typeof(TestServers))]

namespace KkiMesh.Bench.Tests;

/// <summary>The benches run; how fast anything is belongs to <c>./mesh bench</c>.</summary>
public sealed class BenchTests(TestServers servers)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    // Built as these tests are.
    private static string Program
    {
        get
        {
            var output = new DirectoryInfo(AppContext.BaseDirectory);
            return Path.Combine(Checkout.Root, "bench", "bin", output.Parent!.Name, output.Name, "KkiMesh.Bench.dll");
        }
    }

    [Fact]
    public async Task Every_bench_measures_each_of_its_figures_in_a_short_round()
    {
        var (code, output) = await RunAsync([]);

        Assert.True(code == 0, output);
        foreach (var bench in Benches.All)
            Assert.Matches($@"(?m)^\S+ {bench.Name}: figures measured: [1-9]", output);
    }

    [Fact]
    public async Task A_service_that_does_not_start_fails_its_bench_with_its_own_lines()
    {
        var (code, output) = await RunAsync(["gateway"], ("Identity__Clients__somebody__Secret", "short"));

        Assert.True(code == 1, output);
        Assert.Contains("identity ended with", output, StringComparison.Ordinal);
        Assert.Contains("Set Identity:Clients:somebody:Secret to at least 16 characters", output, StringComparison.Ordinal);
        Assert.EndsWith("NOT MEASURED: gateway. The reasons stand above the table.", output.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bench_that_leaves_a_figure_without_a_value_was_not_measured()
    {
        await using var session = await Session.StartAsync(TestContext.Current.CancellationToken);
        (string Name, Action<Figure> Measure)[] benches =
            [("no value", _ => { }), ("no number", figure => figure.Ratio(1, 0))];

        foreach (var (name, measure) in benches)
        {
            var bench = new Benchmark(name, session =>
            {
                measure(session.Figure(name, "something"));
                return Task.CompletedTask;
            });
            var e = await Assert.ThrowsAsync<InvalidOperationException>(() => session.MeasureAsync(bench));
            Assert.Equal($"No value: {name}.", e.Message);
        }

        var nothing = new Benchmark("nothing", _ => Task.CompletedTask);
        await Assert.ThrowsAsync<InvalidOperationException>(() => session.MeasureAsync(nothing));
    }

    [Fact]
    public async Task An_unknown_bench_is_refused_with_the_names_of_all()
    {
        var (code, output) = await RunAsync(["gatway"]);

        Assert.Equal(2, code);
        Assert.All(Benches.All, bench => Assert.Contains(bench.Name, output, StringComparison.Ordinal));
    }

    [Fact]
    public void A_bench_takes_along_what_belongs_to_it()
    {
        Assert.Equal(["latency", "idle"], Benches.Asked(["latency"])!.Select(b => b.Name));
        Assert.Equal(["idle"], Benches.Asked(["idle"])!.Select(b => b.Name));
        Assert.Equal(["ledger"], Benches.Asked(["ledger"])!.Select(b => b.Name));
        Assert.Equal(Benches.All, Benches.Asked([]));
    }

    // The program itself, as ./mesh bench runs it.
    private async Task<(int Code, string Output)> RunAsync(
        string[] names, params (string Name, string? Value)[] settings)
    {
        var start = new ProcessStartInfo("dotnet", [Program, .. names])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["ConnectionStrings__postgres"] = servers.Servers.Postgres,
                ["ConnectionStrings__rabbitmq"] = servers.Servers.RabbitMq.ToString(),
                ["ConnectionStrings__rabbitmqmanagement"] = servers.Servers.Management?.ToString(),
                ["MESH_BENCH_ROUNDS"] = "1",
                ["MESH_BENCH_SCALE"] = "0.01",
            },
        };
        foreach (var (name, value) in settings)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }

        return (process.ExitCode, await output + await errors);
    }
}
