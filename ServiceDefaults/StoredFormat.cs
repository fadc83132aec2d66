using Marten;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>Brings a service's data of an older format to the one that this version knows.</summary>
public interface IUpgrade
{
    /// <summary>
    /// Runs before the service takes a request or an event, in one replica at a time, while nobody else can
    /// write. It runs again after a crash, so what is done already is done once more or skipped. Its
    /// sessions begin with <see cref="Formats.EnterUpgradeAsync"/>.
    /// </summary>
    Task RunAsync(CancellationToken ct);
}

/// <summary>
/// The data are of a newer format than this program knows. It waits: for its own upgrade, or for data that it knows.
/// </summary>
public sealed class NewerFormatException(string message) : Exception(message);

/// <summary>The beginning of a transaction that writes.</summary>
public static class Formats
{
    /// <summary>
    /// Makes sure that the data have the format that this program knows, and that they keep it until the transaction
    /// ends. Whoever takes a stream's turn has done it already.
    /// </summary>
    /// <exception cref="PostgresException">They have another one (<see cref="StoredFormat.Refused"/>).</exception>
    public static Task EnterFormatAsync(this IDocumentSession session, CancellationToken ct) =>
        BeginAsync(session, $"select {StoredFormat.Enter}", ct);

    /// <summary>Begins a transaction of an upgrade, which writes while nobody else can.</summary>
    public static Task EnterUpgradeAsync(this IDocumentSession session, CancellationToken ct) =>
        BeginAsync(session, $"select set_config('{StoredFormat.Entered}', 'yes', true)", ct);

    private static async Task BeginAsync(IDocumentSession session, string sql, CancellationToken ct)
    {
        await session.BeginTransactionAsync(ct);
        await using var enter = new NpgsqlCommand(sql);
        await session.ExecuteAsync(enter, ct);
    }
}

/// <summary>
/// The number of the format that a service's data have is stored with them, and only a version that knows this number
/// writes. The database itself refuses all others, in each transaction, so a version beside which the data were
/// upgraded can do no harm: its commands get 503, its events wait, its relay stops. See docs/adr/0012-stored-format.md.
/// </summary>
internal sealed class StoredFormat(
    MeshService service, NpgsqlDataSource database, IServiceProvider services, ILogger<StoredFormat> log)
{
    /// <summary>
    /// The SQL state of a refusal: of the class operator intervention, which is an
    /// outage for versions that know no format, too.
    /// </summary>
    public const string Refused = "57PKF";

    /// <summary>A setting of each connection: the format that its program knows.</summary>
    public const string Setting = "mesh.format";

    /// <summary>A setting of a transaction: it has been let in.</summary>
    public const string Entered = "mesh.entered";

    /// <summary>Lets a transaction in, or refuses it.</summary>
    public const string Enter = "mesh_enter()";

    private const string Key = "hashtextextended('mesh format', 0)";
    private const int LongestUpgradeSeconds = 1800;

    // Whoever shows no number is an older version, or a person: it writes what was written before there were numbers.
    // Each statement of the function sees what was committed before it, so the number is read when the lock is held.
    private const string Guard =
        $"""
        create table if not exists mesh_format (
            is_only boolean primary key default true check (is_only),
            number integer not null, unnumbered integer not null, is_upgraded boolean not null);
        create or replace function mesh_enter() returns void language plpgsql as $$
        declare known integer; stored mesh_format;
        begin
            if current_setting('{Entered}', true) = 'yes' then return; end if;
            perform pg_advisory_xact_lock_shared({Key});
            select * into stored from mesh_format;
            known := coalesce(nullif(current_setting('{Setting}', true), '')::integer, stored.unnumbered);
            if stored.number > known then
                raise exception 'The data have format %, and this version of the service knows format % at most: it has to be upgraded',
                    stored.number, known using errcode = '{Refused}';
            elsif stored.number < known or not stored.is_upgraded then
                raise exception 'The data are being upgraded to format %', known using errcode = '{Refused}';
            end if;
            perform set_config('{Entered}', 'yes', true);
        end $$;
        create or replace function mesh_enter_by_trigger() returns trigger language plpgsql as $$
        begin
            perform mesh_enter();
            return null;
        end $$
        """;

    // Whatever takes effect writes to one of these.
    private static readonly string[] Guarded = ["mt_events", "mt_event_progression", "mt_doc_inboxrecord", "mt_doc_picturestate"];

    private volatile string? _whyNot;

    /// <summary>Why this program writes nothing now; null where it may. It is a second old at most.</summary>
    public string? WhyNot => _whyNot;

    private int Known => service.Known.Number;

    /// <summary>
    /// What a refusal says, whether the database or this program refused; null where an exception is none.
    /// </summary>
    public static string? ReasonOf(Exception e) => e switch
    {
        NewerFormatException newer => newer.Message,
        PostgresException { SqlState: Refused } refused => refused.MessageText,
        AggregateException many => many.InnerExceptions.Select(ReasonOf).FirstOrDefault(reason => reason is not null),
        _ => e.InnerException is { } inner ? ReasonOf(inner) : null,
    };

    /// <summary>
    /// Stores this version's number where an older one is stored: from then on no
    /// older version writes. In the schema's turn.
    /// </summary>
    /// <exception cref="NewerFormatException">A newer one is.</exception>
    public async Task RaiseAsync(CancellationToken ct)
    {
        // Nothing of a newer version's is touched, its guard neither.
        if (await IsNumberedAsync(ct))
            ThrowWhereNewer((await LookAsync(ct)).Number);
        await DoAsync(Guard, ct);
        await GuardAsync(ct);
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        // Data that are there already are of the last version without a number.
        await using var raise = new NpgsqlCommand(
            $"""
            select pg_advisory_xact_lock({Key});
            insert into mesh_format (number, unnumbered, is_upgraded)
                select first, first, true
                from (select case when to_regclass('mt_events') is null then {Known} else {service.Known.Unnumbered} end as first) f
                on conflict do nothing;
            update mesh_format set number = {Known}, is_upgraded = false where number < {Known}
            """,
            connection,
            transaction);
        await raise.ExecuteNonQueryAsync(ct);
        await transaction.CommitAsync(ct);
        await LookAsync(ct);
    }

    /// <summary>Has the database guard the tables that are there.</summary>
    public async Task GuardAsync(CancellationToken ct)
    {
        // One by one: nobody waits for one who has another.
        foreach (var table in Guarded)
        {
            await DoAsync(
                $"""
                do $$ begin
                    if to_regclass('{table}') is not null
                        and not exists (select from pg_trigger where tgrelid = to_regclass('{table}') and tgname = 'mesh_format') then
                        create trigger mesh_format before insert or update on {table} for each statement
                            when (coalesce(current_setting('{Entered}', true), '') <> 'yes')
                            execute function mesh_enter_by_trigger();
                    end if;
                end $$
                """,
                ct);
        }
    }

    /// <summary>Upgrades the data where that is not done yet; one replica does, the others wait for it.</summary>
    /// <exception cref="NewerFormatException">They are of a newer version.</exception>
    public async Task UpgradeAsync(CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await TurnAsync(connection, "pg_advisory_lock", ct);
        try
        {
            var (number, isUpgraded) = await LookAsync(ct);
            ThrowWhereNewer(number);
            if (!isUpgraded)
            {
                log.LogInformation("The data are upgraded to format {Format}", Known);
                foreach (var upgrade in service.Upgrades)
                    await ((IUpgrade)services.GetRequiredService(upgrade)).RunAsync(ct);
                if (service.Upgrades.Count == 0)
                    await ActivatorUtilities.CreateInstance<SnapshotUpgrade>(services).RunAsync(ct);
                await DoAsync($"update mesh_format set is_upgraded = true where number = {Known}", ct);
            }
        }
        finally
        {
            // The connection goes back to its pool, where a lock of the session would stay.
            await TurnAsync(connection, "pg_advisory_unlock", CancellationToken.None);
        }

        await LookAsync(ct);
    }

    /// <summary>Whether the data are of this version or an older one, which this one upgrades.</summary>
    public bool IsKnown(int number) => number <= Known;

    /// <summary>Reads what is stored, and keeps whether this program may write.</summary>
    public async Task<(int Number, bool IsUpgraded)> LookAsync(CancellationToken ct)
    {
        await using var look = database.CreateCommand("select number, is_upgraded from mesh_format");
        look.CommandTimeout = 5;
        await using var reader = await look.ExecuteReaderAsync(ct);
        var (number, isUpgraded) = await reader.ReadAsync(ct) ? (reader.GetInt32(0), reader.GetBoolean(1)) : (0, false);
        _whyNot = number > Known ? Newer(number)
            : number < Known || !isUpgraded ? $"The data are being upgraded to format {Known}"
            : null;
        return (number, isUpgraded);
    }

    private string Newer(int number) =>
        $"The data have format {number}, and this version of the service knows format {Known} at most: it has to be upgraded";

    private void ThrowWhereNewer(int number)
    {
        if (number > Known)
            throw new NewerFormatException(Newer(number));
    }

    private async Task<bool> IsNumberedAsync(CancellationToken ct)
    {
        await using var look = database.CreateCommand("select to_regclass('mesh_format') is not null");
        return await look.ExecuteScalarAsync(ct) is true;
    }

    private static async Task TurnAsync(NpgsqlConnection connection, string function, CancellationToken ct)
    {
        await using var turn = new NpgsqlCommand($"select {function}(hashtextextended('mesh upgrade', 0))", connection);
        turn.CommandTimeout = LongestUpgradeSeconds;
        await turn.ExecuteNonQueryAsync(ct);
    }

    private async Task DoAsync(string sql, CancellationToken ct)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(ct);
    }
}

/// <summary>
/// Notices within a second that the data were upgraded by a newer version, or that
/// older ones were restored, which it upgrades.
/// </summary>
internal sealed class FormatWatch(StoredFormat format, ClosedStreams closed, SchemaAtStart schema, ILogger<FormatWatch> log)
    : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period);
        string? told = null;
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await WatchAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogDebug(e, "The stored format cannot be read, or not yet be upgraded");
            }

            if (format.WhyNot != told && (told = format.WhyNot) is { } reason)
                log.LogWarning("Nothing is written: {Reason}", reason);
        }
    }

    private async Task WatchAsync(CancellationToken ct)
    {
        try
        {
            var (number, _) = await format.LookAsync(ct);
            MeshTelemetry.Closed(await closed.CountAsync(ct));
            if (format.WhyNot is not null && format.IsKnown(number))
                await schema.PrepareAsync(ct);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            // Data of before there were numbers were restored.
            await schema.PrepareAsync(ct);
        }
    }
}

/// <summary>A service can work where the data have the format that it knows.</summary>
internal sealed class FormatCheck(StoredFormat format) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(
            format.WhyNot is { } reason ? HealthCheckResult.Unhealthy($"{reason}.") : HealthCheckResult.Healthy());
}
