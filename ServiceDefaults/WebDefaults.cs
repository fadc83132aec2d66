using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using KkiMesh.Contracts;
using Marten;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// What the gateway has in common with the services: secrets out of files,
/// telemetry, health, problems, OpenAPI, a graceful stop.
/// </summary>
public static class WebDefaults
{
    /// <summary>Adds them. OTLP export is on when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set.</summary>
    public static void AddWebDefaults(this WebApplicationBuilder builder, string name)
    {
        // First: everything after it may read a secret.
        builder.Configuration.AddSecretFiles();
        builder.AddTelemetry(name);
        builder.Services.TryAddSingleton(ShiftedTimeProvider.From(builder.Configuration, builder.Environment));
        builder.Services.AddProblemDetails(ProblemOptions.Customize);
        builder.Services.AddExceptionHandler<ProblemOfException>();
        builder.Services.Configure<RouteOptions>(o => o.SetParameterPolicy<RegionConstraint>("region"));
        builder.Services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        builder.Services.ConfigureHttpJsonOptions(o =>
        {
            ContractJson.Apply(o.SerializerOptions);
            o.SerializerOptions.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
            TextConverter.Apply(o.SerializerOptions);
            AnswerJson.Apply(o.SerializerOptions);
        });
        builder.Services.AddOpenApi(options => ApiDocument.Describe(options, name));
        builder.Services.AddSingleton<QueryParameters>();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(15));
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.AddServerHeader = false;
            k.Limits.MaxRequestBodySize = 1024 * 1024;
        });
        builder.Services.AddHealthChecks();
    }

    /// <summary>Uses them, with <c>/alive</c> (the process answers).</summary>
    public static void UseWebDefaults(this WebApplication app)
    {
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.MapGet("/alive", () => Results.Text("alive")).ExcludeFromDescription();
    }

    /// <summary>
    /// <c>/health</c> (it can work) and <c>/openapi/v1.json</c> of a service; the gateway has its own.
    /// </summary>
    internal static void MapOwnHealthAndApi(this WebApplication app)
    {
        app.MapOpenApi("/openapi/v1.json");
        app.MapHealthChecks("/health", new HealthCheckOptions { ResponseWriter = Health.WriteAsync });
    }

    private static void AddTelemetry(this WebApplicationBuilder builder, string name)
    {
        // A line for what somebody should know; the libraries' own running commentary goes only where it is asked for.
        builder.Logging.AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat) = (true, "HH:mm:ss.fff "));
        foreach (var chatty in (string[])["Microsoft.AspNetCore", "OpenIddict", "System.Net.Http", "Npgsql", "MassTransit", "JasperFx", "Marten", "Yarp", "Microsoft.Hosting.Lifetime"])
            builder.Logging.AddFilter(chatty, LogLevel.Warning);
        builder.Logging.AddFilter("KkiMesh.ServiceDefaults.RelayLeader", LogLevel.Warning);
        builder.Logging.AddFilter("Marten.IDocumentStore", LogLevel.Critical).AddFilter("Marten.Events.Daemon", LogLevel.Error);
        builder.Logging.AddFilter("Yarp.ReverseProxy.Health", LogLevel.Error).AddFilter("Yarp.ReverseProxy.Forwarder", LogLevel.Error);
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        builder.Logging.AddOpenTelemetry(logging => logging.IncludeScopes = true);
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(name, serviceNamespace: "kkimesh"))
            // Not MassTransit's own source: it would add its header to every
            // message; the relay and the inbox trace for it.
            .WithTracing(tracing => tracing
                .AddSource(MeshTelemetry.Name, "Yarp.ReverseProxy")
                .AddAspNetCoreInstrumentation(o => o.Filter = http => http.Request.Path.Value is not ("/alive" or "/health"))
                .AddHttpClientInstrumentation()
                .AddNpgsql())
            .WithMetrics(metrics => metrics
                .AddMeter(MeshTelemetry.Name, "MassTransit", "Npgsql")
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation());
        if (!string.IsNullOrEmpty(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
            telemetry.UseOtlpExporter();
    }
}

/// <summary>
/// A region's name in an address: lower case letters, digits and dashes, at most 40; "Gorenjska" is not "gorenjska".
/// </summary>
internal sealed partial class RegionConstraint : IRouteConstraint
{
    /// <summary>The same rule for addresses and events.</summary>
    public static bool IsRegion(string? name) => name is not null && Name().IsMatch(name);

    public bool Match(HttpContext? httpContext, IRouter? route, string routeKey, RouteValueDictionary values, RouteDirection routeDirection) =>
        IsRegion(values[routeKey] as string);

    // \z: a name does not end with a line break.
    [GeneratedRegex(@"^[a-z][a-z0-9-]{0,39}\z", RegexOptions.None, 1000)]
    private static partial Regex Name();
}

/// <summary>The database answers, and takes events: one that is read-only, or was demoted, stops all commands.</summary>
internal sealed class DatabaseCheck(NpgsqlDataSource database) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var command = database.CreateCommand(
                "select current_setting('transaction_read_only') = 'off' and "
                + "coalesce(has_table_privilege(to_regclass('mt_events'), 'insert'), true)");
            command.CommandTimeout = 2;
            return await command.ExecuteScalarAsync(cancellationToken) is true
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy("The database takes no changes: it is read-only, or the service may not write.");
        }
        catch (Exception e) when (Faults.IsOutage(e))
        {
            return HealthCheckResult.Unhealthy("The database does not answer.");
        }
    }
}

/// <summary>
/// Creates and extends the schema before anything uses it, and waits for a database that is still starting.
/// </summary>
internal sealed class SchemaAtStart(
    MeshService service,
    IDocumentStore store,
    NpgsqlDataSource database,
    StoredFormat format,
    StoreEpochs epochs,
    Bindings bindings,
    TimeProvider time,
    ILogger<SchemaAtStart> log)
    : IHostedService
{
    /// <summary>Finds a thread's events; Marten has none for it.</summary>
    public const string ThreadIndex = "mt_events_thread";

    private const int MaxAttempts = 60;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await PrepareAsync(cancellationToken);
                return;
            }
            catch (Exception e) when (attempt < MaxAttempts && Faults.IsOutage(e))
            {
                log.LogWarning("The database is not ready yet ({Attempt} of {MaxAttempts}): {Reason}", attempt, MaxAttempts, e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
            }
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Makes schema and data what this version knows.</summary>
    /// <exception cref="NewerFormatException">The data are of a newer version; they stay
    /// as they are, and so does the schema.</exception>
    public async Task PrepareAsync(CancellationToken ct)
    {
        await ApplyAsync(ct);
        await format.UpgradeAsync(ct);
    }

    // Raises the format, then extends the schema: one replica after the other, since two that
    // create the same table at once make one of them fail.
    private async Task ApplyAsync(CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        // It waits while other connections work, which may take long where an index is made.
        const string takeTurn = "set local idle_in_transaction_session_timeout = 0; select pg_advisory_xact_lock(hashtextextended('mesh schema', 0))";
        await using var turn = new NpgsqlCommand(takeTurn, connection, transaction) { CommandTimeout = 120 };
        await turn.ExecuteNonQueryAsync(ct);
        await format.RaiseAsync(ct);
        await store.Storage.ApplyAllConfiguredChangesToDatabaseAsync();
        string[] statements =
        [
            $"create index if not exists {ThreadIndex} on mt_events (correlation_id, seq_id)",
            CommandReceipts.Table, ParkedEvents.Table, StoreEpochs.Table, Consumers.Table, ClosedStreams.Table, Bindings.Table, .. RecordedTime.Schema, .. service.Tables,
        ];
        await using var own = database.CreateCommand(string.Join(";\n", statements));
        await own.ExecuteNonQueryAsync(ct);
        await format.GuardAsync(ct);
        await bindings.SayAsync(ct);
        if (await epochs.CheckAsync(ct))
            log.LogInformation("A new epoch of the store begins: it is new, or its database was restored or moved");
    }
}
