using Npgsql;

namespace KkiMesh.AppHost;

/// <summary>PostgreSQL and RabbitMQ: given ones, containers, or the machine's own binaries, in this order.</summary>
public sealed class Servers : IAsyncDisposable
{
    private readonly PostgresServer? _postgres;
    private readonly RabbitMqServer? _rabbit;
    private readonly Uri? _givenRabbit;
    private readonly string? _givenPostgres;
    private readonly Uri? _givenManagement;

    private Servers(PostgresServer? postgres, RabbitMqServer? rabbit, string? givenPostgres, Uri? givenRabbit, Uri? givenManagement) =>
        (_postgres, _rabbit, _givenPostgres, _givenRabbit, _givenManagement) = (postgres, rabbit, givenPostgres, givenRabbit, givenManagement);

    /// <summary>PostgreSQL for an administrator, without a database.</summary>
    public string Postgres => _postgres?.ConnectionString ?? _givenPostgres!;

    /// <summary>RabbitMQ for an administrator.</summary>
    public Uri RabbitMq => _rabbit?.Amqp ?? _givenRabbit!;

    /// <summary>RabbitMQ's management API, with credentials; null where a given server has none.</summary>
    public Uri? Management => _rabbit?.Management ?? _givenManagement;

    /// <summary>
    /// Starts what is not given by <c>ConnectionStrings__postgres</c>, <c>ConnectionStrings__rabbitmq</c> (and
    /// <c>ConnectionStrings__rabbitmqmanagement</c>).
    /// </summary>
    /// <param name="folder">Where the data are; made where it is missing.</param>
    /// <param name="log">Takes the servers' own lines.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<Servers> StartAsync(string folder, Action<string> log, CancellationToken ct)
    {
        var givenPostgres = Environment.GetEnvironmentVariable("ConnectionStrings__postgres");
        var givenRabbit = Environment.GetEnvironmentVariable("ConnectionStrings__rabbitmq");
        var givenManagement = Environment.GetEnvironmentVariable("ConnectionStrings__rabbitmqmanagement");
        var postgres = givenPostgres is null ? PostgresServer.StartAsync(Path.Combine(folder, "postgres"), log, ct) : null;
        var rabbit = givenRabbit is null ? RabbitMqServer.StartAsync(Path.Combine(folder, "rabbitmq"), log, ct) : null;
        return new Servers(
            postgres is null ? null : await postgres,
            rabbit is null ? null : await rabbit,
            givenPostgres,
            givenRabbit is null ? null : new Uri(givenRabbit),
            givenManagement is null ? null : new Uri(givenManagement));
    }

    /// <summary>Servers that somebody else runs.</summary>
    public static Servers Given(string postgres, Uri rabbit, Uri? management) => new(null, null, postgres, rabbit, management);

    /// <summary>Starts both as processes of this machine, whatever is given; for who wants to kill them.</summary>
    public static async Task<Servers> StartOwnAsync(string folder, Action<string> log, CancellationToken ct)
    {
        var postgres = PostgresServer.StartAsync(Path.Combine(folder, "postgres"), log, ct);
        var rabbit = RabbitMqServer.StartAsync(Path.Combine(folder, "rabbitmq"), log, ct);
        return new Servers(await postgres, await rabbit, null, null, null);
    }

    /// <summary>
    /// Where a checkout's servers keep their data: beside it, or, where PostgreSQL's user cannot enter, in /var/tmp.
    /// </summary>
    public static string FolderFor(string checkout)
    {
        if (Environment.UserName != "root" || OthersCanEnter(checkout))
            return Path.Combine(checkout, ".mesh", "data");
        var hash = System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(checkout));
        return $"/var/tmp/kkimesh-{Convert.ToHexStringLower(hash)[..12]}";
    }

    /// <summary>Creates a database where it is missing.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabaseAsync(string name, CancellationToken ct = default)
    {
        try
        {
            await using var admin = NpgsqlDataSource.Create(Postgres);
            await using var create = admin.CreateCommand($"create database \"{name}\"");
            await create.ExecuteNonQueryAsync(ct);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
        {
            // It is there, or somebody else creates it in this moment.
        }

        return new NpgsqlConnectionStringBuilder(Postgres) { Database = name }.ConnectionString;
    }

    /// <summary>Deletes a database, whoever is connected.</summary>
    public async Task DropDatabaseAsync(string name, CancellationToken ct = default)
    {
        await using var admin = NpgsqlDataSource.Create(Postgres);
        await using var drop = admin.CreateCommand($"drop database if exists \"{name}\" with (force)");
        await drop.ExecuteNonQueryAsync(ct);
    }

    /// <summary>A virtual host of its own.</summary>
    /// <returns>Its address for an administrator.</returns>
    public async Task<Uri> CreateVirtualHostAsync(string name, CancellationToken ct = default)
    {
        using var management = Manage();
        await management.CreateVirtualHostAsync(name, ct);
        return new UriBuilder(RabbitMq) { Path = name }.Uri;
    }

    /// <summary>Deletes a virtual host with all it has.</summary>
    public async Task DeleteVirtualHostAsync(string name, CancellationToken ct = default)
    {
        using var management = Manage();
        await management.DeleteVirtualHostAsync(name, ct);
    }

    /// <summary>An integrator's account: it reads events from queues of its own, and publishes nothing.</summary>
    /// <returns>Its address.</returns>
    public async Task<Uri> CreateIntegratorAsync(string name, string password, CancellationToken ct = default)
    {
        using var management = Manage();
        var host = RabbitMq.AbsolutePath is "/" or "" ? "/" : Uri.UnescapeDataString(RabbitMq.AbsolutePath[1..]);
        await management.CreateIntegratorAsync(host, name, password, ct);
        return new UriBuilder(RabbitMq) { UserName = name, Password = password }.Uri;
    }

    /// <summary>The process, for fault tests; null where PostgreSQL is given.</summary>
    public PostgresServer? OwnPostgres => _postgres;

    /// <summary>The process, for fault tests; null where RabbitMQ is given.</summary>
    public RabbitMqServer? OwnRabbitMq => _rabbit;

    /// <summary>For fault tests.</summary>
    public Task KillPostgresAsync() => _postgres!.KillAsync();

    /// <summary>For fault tests.</summary>
    public Task StartPostgresAsync(CancellationToken ct = default) => _postgres!.StartAsync(ct);

    /// <summary>For fault tests.</summary>
    public Task KillRabbitMqAsync() => _rabbit!.KillAsync();

    /// <summary>For fault tests.</summary>
    public Task StartRabbitMqAsync(CancellationToken ct = default) => _rabbit!.StartAsync(ct);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        var rabbit = _rabbit?.DisposeAsync() ?? ValueTask.CompletedTask;
        if (_postgres is not null)
            await _postgres.DisposeAsync();
        await rabbit;
    }

    private ManagementApi Manage() =>
        new(Management ?? throw new InvalidOperationException("ConnectionStrings__rabbitmqmanagement is not given."));

    private static bool OthersCanEnter(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            if (at.Exists && !at.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
                return false;
        }

        return true;
    }
}

internal static class Secrets
{
    /// <summary>A new one: 256 bits.</summary>
    public static string New() => Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));

    /// <summary>Writes a file that only its owner can read.</summary>
    public static async Task WriteAsync(string path, string text, CancellationToken ct)
    {
        await using var stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text), ct);
    }
}

internal static class Wait
{
    /// <summary>
    /// Waits until something answers; fails at once when its process ends, and after a time in any case.
    /// </summary>
    public static async Task Until(string what, Func<CancellationToken, Task<bool>> answers, ChildProcess process, TimeSpan patience, CancellationToken ct)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timeout.CancelAfter(patience);
        try
        {
            while (!await AnswersAsync(answers, timeout.Token))
            {
                if (process.HasExited)
                    throw new InvalidOperationException($"{what} ended with {process.ExitCode}:{Environment.NewLine}{string.Join(Environment.NewLine, process.LastLines)}");
                await Task.Delay(100, timeout.Token);
            }
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new TimeoutException($"{what} was not ready within {patience.TotalSeconds} s:{Environment.NewLine}{string.Join(Environment.NewLine, process.LastLines)}", e);
        }
    }

    // A server that is starting may take a question and never answer it: give that one up, not the wait.
    private static async Task<bool> AnswersAsync(Func<CancellationToken, Task<bool>> answers, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            return await answers(patience.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }
}
