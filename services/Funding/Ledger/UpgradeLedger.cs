using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>How a region's read models are kept.</summary>
/// <param name="Id">There is one of it.</param>
/// <param name="Version">The version that they were made by.</param>
public sealed record LedgerFormat(string Id, int Version);

/// <summary>
/// Makes the read models anew from the transactions where an earlier version made them: transactions stand, what is made of them may
/// change. It goes on from where it was, should it be stopped.
/// </summary>
internal sealed class UpgradeLedger(IDocumentStore store, NpgsqlDataSource database, IConfiguration configuration, ILogger<UpgradeLedger> log) : IHostedService
{
    private const string Only = "ledger";

    // One more with each change of what rows, parts, payments or the journal are.
    private const int Version = 3;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var region in configuration.GetSection("Mesh:Regions").Get<string[]>() ?? [])
        {
            await using var session = store.LightweightSession(region);
            if (await session.LoadAsync<LedgerFormat>(Only, cancellationToken) is { Version: >= Version })
                continue;
            var rebuild = new LedgerRebuild(region, store, database, cancellationToken);
            var streams = await rebuild.StreamsAsync();
            foreach (var stream in streams)
                await rebuild.DoAsync(stream);
            await MakePaymentsAsync(session, cancellationToken);
            session.Store(new LedgerFormat(Only, Version));
            await session.SaveChangesAsync(cancellationToken);
            if (streams.Count > 0)
                log.LogInformation("Made the read models of {Region} anew from {Streams} streams", region, streams.Count);
        }
    }

    private static async Task MakePaymentsAsync(IDocumentSession session, CancellationToken ct)
    {
        var (paid, reversed) = (PublicEvents.TypeOf(typeof(FundsPaid)), PublicEvents.TypeOf(typeof(TransactionReversed)));
        var payments = new Dictionary<Guid, Payment>();
        await foreach (var e in session.Events.QueryAllRawEvents().Where(e => e.EventTypeName == paid || e.EventTypeName == reversed).OrderBy(e => e.Sequence).ToAsyncEnumerable(ct))
        {
            if (e.Data is FundsPaid payment)
                payments[e.Id] = Payment.Of(e.Id, payment);
            else if (e.Data is TransactionReversed { Reverses: var mistake } && payments.TryGetValue(mistake, out var known))
                payments[mistake] = known with { IsReversed = true };
        }

        session.Store<Payment>(payments.Values);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
