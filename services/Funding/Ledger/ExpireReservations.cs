using KkiMesh.ServiceDefaults;
using Marten;
using Marten.Schema;

namespace KkiMesh.Funding;

/// <summary>Releases what reservations have left after their last day.</summary>
internal sealed class ExpireReservations(
    IDocumentStore store, OwnDecisions own, ClosedStreams closedStreams, TimeProvider time, IConfiguration configuration, ILogger<ExpireReservations> log) : BackgroundService
{
    private const int AtOnce = 100;

    /// <summary>Of all reservations ever made few have a last day: only these are looked through each minute.</summary>
    public static void OnlyWhatExpires(ComputedIndex index) =>
        (index.Name, index.Predicate) = ("mt_doc_reservation_idx_expires_on", "public.mt_immutable_date(data ->> 'expiresOn') is not null");

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.EachMinuteAsync(time, configuration, log, "expire reservations", isAtOnce: true, ExpireAsync, stoppingToken);

    // Two replicas may find the same ones: the second decision finds nothing left.
    private async Task ExpireAsync(string region, CancellationToken ct)
    {
        var today = BusinessDate.Of(time.GetUtcNow());
        var closed = await closedStreams.OfAsync(region, ct);
        await using var session = store.QuerySession(region);
        var due = await session.Query<Reservation>().Where(r => r.ExpiresOn < today && r.Remaining.Any() && !closed.Contains(r.Row)).Take(AtOnce).ToListAsync(ct);
        foreach (var reservation in due)
            await own.On<PlanRow, Reservation>(region, "funding.expire-reservations", reservation.Row, reservation.Id, (_, r) => r.Expire(today), ct);
    }
}
