using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using KkiMesh.TestKit;
using Npgsql;
using Spectre.Console;

namespace KkiMesh.Bench;

/// <summary>One run of the bench: its servers, how much it measures, and what it found.</summary>
internal sealed class Session : IAsyncDisposable
{
    // Below this nothing is measured but the bench itself: whether it runs.
    private const double Short = 0.1;
    private static readonly TimeSpan LongestBench = TimeSpan.FromMinutes(20);
    private readonly TestServers _servers = new();
    private readonly List<Figure> _figures = [];
    private readonly CancellationToken _stop;
    private OwnMesh? _mesh;
    private string _doing = "";
    private string _postgres = "";

    private Session(CancellationToken stop) => _stop = stop;

    /// <summary>How often each side is measured, in turn; <c>MESH_BENCH_ROUNDS</c>.</summary>
    public int Rounds { get; } = (int)Setting("MESH_BENCH_ROUNDS", 3, 1, 100);

    /// <summary>
    /// How much is measured in a round, 1 being all; <c>MESH_BENCH_SCALE</c>, for trying the bench itself.
    /// </summary>
    public double Scale { get; } = Setting("MESH_BENCH_SCALE", 1, 0.01, 100);

    /// <summary>Whether only the bench itself is tried, and what takes long is left out.</summary>
    public bool IsShort => Scale < Short;

    /// <summary>The bench that runs is over, or given up.</summary>
    public CancellationToken Token { get; private set; }

    public static async Task<Session> StartAsync(CancellationToken stop)
    {
        var session = new Session(stop);
        await session._servers.InitializeAsync();
        await using var database = NpgsqlDataSource.Create(session._servers.Servers.Postgres);
        await using var version = database.CreateCommand("select split_part(version(), ' ', 2)");
        session._postgres = (string)(await version.ExecuteScalarAsync(stop))!;
        return session;
    }

    /// <summary>Runs a bench within its time.</summary>
    /// <exception cref="InvalidOperationException">It declared no figure, or left one without a value.</exception>
    public async Task MeasureAsync(Benchmark bench)
    {
        using var time = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        time.CancelAfter(LongestBench);
        (Token, _doing) = (time.Token, bench.Name);
        var before = _figures.Count;
        await bench.Run(this);
        var own = _figures.Skip(before).ToList();
        if (own.Count == 0 || own.Exists(f => !f.IsMeasured))
            throw new InvalidOperationException($"No value: {string.Join(", ", own.Where(f => !f.IsMeasured).Select(f => f.Name).DefaultIfEmpty("no figure at all"))}.");
        Say($"figures measured: {own.Count}");
    }

    /// <summary>
    /// The whole mesh: started by the first bench that uses it, shared by those after it, and there to the end.
    /// </summary>
    public async Task<OwnMesh> MeshAsync()
    {
        if (_mesh is null)
        {
            Say("starting the mesh");
            _mesh = await OwnMesh.StartAsync(this);
        }

        return _mesh;
    }

    /// <summary>A part of the servers that nobody else uses.</summary>
    public Task<Place> NewPlaceAsync() => _servers.NewPlaceAsync();

    /// <summary>As many as this run is to measure of them.</summary>
    public int Scaled(int number) => Math.Max(1, (int)(number * Scale));

    /// <summary>As long as this run is to measure.</summary>
    public TimeSpan Scaled(TimeSpan time) => time * Scale;

    /// <summary>
    /// Does it in rounds, after two that do not count (one in a short run): a service's first thousands of events run
    /// code that is not optimised yet, at twice the processor time.
    /// </summary>
    /// <param name="round">Does it; told whether it counts.</param>
    public async Task InRoundsAsync(Func<bool, Task> round)
    {
        for (var number = IsShort ? 0 : -1; number <= Rounds; number++)
        {
            Say(number > 0 ? $"round {number} of {Rounds}" : "warming up");
            await round(number > 0);
        }
    }

    /// <summary>A line of the table.</summary>
    public Figure Figure(string name, string what, string unit = "", Goal? goal = null)
    {
        var figure = new Figure(name, what, unit, goal);
        _figures.Add(figure);
        return figure;
    }

    /// <summary>Tells whoever waits how far it is.</summary>
    public void Say(string what) => Console.Error.WriteLine($"{TimeProvider.System.GetLocalNow():HH:mm:ss} {_doing}: {what}");

    /// <summary>Prints the table of what was measured.</summary>
    public void Print()
    {
        // A line is a line, also where nobody looks (a log, CI).
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 160);
        AnsiConsole.Write(Table());
    }

    public async ValueTask DisposeAsync()
    {
        if (_mesh is not null)
            await _mesh.DisposeAsync();
        await _servers.DisposeAsync();
    }

    private Table Table()
    {
        var configuration = typeof(Session).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration;
        var table = new Table { Border = TableBorder.Simple, ShowRowSeparators = false };
        table.Caption(new TableTitle(string.Create(
            CultureInfo.InvariantCulture,
            $"Medians of {Rounds} rounds, least and most beside them. Built for {configuration}; .NET {Environment.Version}, PostgreSQL {_postgres}, {Environment.ProcessorCount} processors ({RuntimeInformation.OSArchitecture}) for servers, services and load.")));
        foreach (var column in (string[])["", "what is compared", "median", "min – max", "goal", "met", "measured (medians)"])
            table.AddColumn(column);
        foreach (var figure in _figures.Where(f => f.IsMeasured))
            table.AddRow([.. figure.Cells.Select(c => new Text(c))]);
        return table;
    }

    private static double Setting(string name, double otherwise, double least, double most) =>
        double.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? Math.Clamp(value, least, most) : otherwise;
}
