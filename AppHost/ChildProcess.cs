using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace KkiMesh.AppHost;

/// <summary>
/// A process of the mesh, in a process group of its own. It ends with this program, however this program ends.
/// </summary>
public sealed class ChildProcess : IAsyncDisposable
{
    // Of a line that is kept: a stack trace that was logged as one line would hide the others.
    private const int LongestLine = 500;

    // The kernel's "end with your parent" means the parent's thread: so one thread, which never ends, starts them all.
    private static readonly BlockingCollection<Action> Starts = [];
    private readonly ConcurrentQueue<string> _last = new();
    private readonly Process _process;
    private bool _paused;

    static ChildProcess() => new Thread(() =>
    {
        foreach (var start in Starts.GetConsumingEnumerable())
            start();
    })
    { IsBackground = true, Name = "child processes" }.Start();

    private ChildProcess(string name, ProcessStartInfo start, Action<string> log)
    {
        Name = name;
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, e) => Log(e.Data, log);
        _process.ErrorDataReceived += (_, e) => Log(e.Data, log);
    }

    /// <summary>What people call it.</summary>
    public string Name { get; }

    /// <summary>The process's id, which is also its group's.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Its exit code, once it has ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>The last lines that it wrote.</summary>
    public IReadOnlyCollection<string> LastLines => _last;

    /// <summary>Starts a program.</summary>
    /// <param name="name">What people call it.</param>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="environment">What its environment has besides this program's; null takes a variable away.</param>
    /// <param name="log">Takes each line that it writes.</param>
    /// <param name="workingFolder">Where it runs.</param>
    public static Task<ChildProcess> StartAsync(
        string name,
        IReadOnlyList<string> command,
        IReadOnlyDictionary<string, string?> environment,
        Action<string> log,
        string? workingFolder = null)
    {
        var start = new ProcessStartInfo("setsid", ["setpriv", "--pdeathsig", "KILL", .. command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = workingFolder ?? "/",
        };
        foreach (var (key, value) in environment)
        {
            if (value is null)
                start.Environment.Remove(key);
            else
                start.Environment[key] = value;
        }

        var started = new TaskCompletionSource<ChildProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
        Starts.Add(() =>
        {
            try
            {
                var child = new ChildProcess(name, start, log);
                child._process.Start();
                child._process.StandardInput.Close();
                child._process.BeginOutputReadLine();
                child._process.BeginErrorReadLine();
                started.SetResult(child);
            }
            catch (Exception e)
            {
                started.SetException(e);
            }
        });
        return started.Task;
    }

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message has its last lines.</exception>
    public static async Task RunAsync(string name, IReadOnlyList<string> command, IReadOnlyDictionary<string, string?> environment, CancellationToken ct)
    {
        await using var child = await StartAsync(name, command, environment, _ => { });
        await child.WaitAsync(ct);
        if (child.ExitCode != 0)
            throw new InvalidOperationException($"{name} failed with {child.ExitCode}: {string.Join(Environment.NewLine, child.LastLines)}");
    }

    /// <summary>Waits for its end.</summary>
    public Task WaitAsync(CancellationToken ct) => _process.WaitForExitAsync(ct);

    /// <summary>Ends it and its children at once, as a crash would.</summary>
    public async Task KillAsync()
    {
        // Children that are stopped would not notice that their parent has
        // ended, and stay. It does nothing more itself.
        var stopped = _paused ? ProcessTree.DescendantsOf(Id) : [];
        _ = Native.Kill(-Id, Native.Sigkill);
        foreach (var child in stopped)
            _ = Native.Kill(child, Native.Sigcont);
        await _process.WaitForExitAsync();
    }

    /// <summary>Stops it and its children without ending them: connections stay open, and nobody answers.</summary>
    public void Pause()
    {
        _paused = true;
        SignalTree(Id, Native.Sigstop);
    }

    /// <summary>Lets it and its children go on.</summary>
    public void Resume()
    {
        if (!_paused)
            return;
        SignalTree(Id, Native.Sigcont);
        _paused = false;
    }

    /// <summary>Asks it to end, and makes it end when it takes too long.</summary>
    /// <param name="signal">How to ask.</param>
    /// <param name="patience">How long to wait.</param>
    public async Task StopAsync(int signal, TimeSpan patience)
    {
        if (!HasExited)
        {
            Resume();
            _ = Native.Kill(-Id, signal);
            using var timeout = new CancellationTokenSource(patience);
            try
            {
                await _process.WaitForExitAsync(timeout.Token);
            }
            catch (OperationCanceledException)
            {
                await KillAsync();
            }
        }

        _ = Native.Kill(-Id, Native.Sigkill);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await StopAsync(Native.Sigterm, TimeSpan.FromSeconds(20));
        _process.Dispose();
    }

    // The parent first: one that is stopped begins no further child. Children may
    // have groups of their own, as PostgreSQL's have.
    private static void SignalTree(int process, int signal)
    {
        _ = Native.Kill(process, signal);
        foreach (var child in ProcessTree.ChildrenOf(process))
            SignalTree(child, signal);
    }

    private void Log(string? line, Action<string> log)
    {
        if (line is null)
            return;
        _last.Enqueue(line.Length <= LongestLine ? line : $"{line[..LongestLine]} …");
        if (_last.Count > 20)
            _last.TryDequeue(out _);
        log(line);
    }
}

/// <summary>What .NET does not say to the system by itself.</summary>
internal static class Native
{
    /// <summary>Ends at once.</summary>
    public const int Sigkill = 9;

    /// <summary>Interrupts: PostgreSQL's fast stop.</summary>
    public const int Sigint = 2;

    /// <summary>Asks to end.</summary>
    public const int Sigterm = 15;

    /// <summary>Goes on.</summary>
    public const int Sigcont = 18;

    /// <summary>Stops without ending.</summary>
    public const int Sigstop = 19;

    /// <summary>Sends a signal to a process, or with a negative id to a group.</summary>
    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int Kill(int id, int signal);
}
