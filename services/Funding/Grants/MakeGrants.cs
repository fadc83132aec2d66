using JasperFx.Events;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>That grants and payments were made of what was recorded before they were kept as they are now.</summary>
/// <param name="Id">There is one of it.</param>
public sealed record GrantsMade(string Id);

/// <summary>
/// Makes grants and payments of a ledger that is older than they are, once: an earlier version kept less of a grant, and none
/// of what a treasurer promised.
/// </summary>
internal sealed class MakeGrants(Loader loader, IConfiguration configuration) : IHostedService
{
    private const string Once = "once";

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var region in configuration.GetSection("Mesh:Regions").Get<string[]>() ?? [])
            await loader.LoadAsync(region, "make grants", load => MakeAsync(load.Session, cancellationToken), cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static async Task MakeAsync(IDocumentSession session, CancellationToken ct)
    {
        if (await session.LoadAsync<GrantsMade>(Once, ct) is not null)
            return;
        // Only the rows that anything was promised of.
        var rows = await session.Query<Reservation>().Where(r => r.Commitments.Any()).Select(r => r.Row).Distinct().ToListAsync(ct);
        foreach (var row in rows)
        {
            var events = await session.Events.FetchStreamAsync(row, token: ct);
            session.Store(events.Where(e => Grant.KeyOf(e.Data) is not null).GroupBy(e => Grant.KeyOf(e.Data))
                .Select(grant => grant.Aggregate((Grant?)null, (state, e) => Grant.Apply(state, e.Data))).OfType<Grant>());
            session.Store(PaymentsIn(events));
        }

        session.Store(new GrantsMade(Once));
    }

    private static IEnumerable<Payment> PaymentsIn(IReadOnlyList<IEvent> events)
    {
        var reversed = events.Select(e => (e.Data as TransactionReversed)?.Reverses).ToHashSet();
        return events.Where(e => e.Data is FundsPaid).Select(e => Payment.Of(e.Id, (FundsPaid)e.Data) with { IsReversed = reversed.Contains(e.Id) });
    }
}
