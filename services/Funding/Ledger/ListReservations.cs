using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

internal static class ListReservations
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/rows/{row}/reservations", List).WithSummary("Lists the reservations of a row, the newest first");
        group.MapGet("/rows/{row}/reservations/{id}", Get)
            .WithName("showReservation")
            .WithSummary("Shows a reservation with its commitments")
            .Produces<Reservation>().ProducesProblem(404);
    }

    private static async Task<Page<Reservation>> List(string region, string row, int? fiscalYear, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        IQueryable<Reservation> reservations = session.Query<Reservation>().Where(r => r.Row == row);
        if (fiscalYear is { } year)
            reservations = reservations.Where(r => r.FiscalYear == year);
        return await paging.Of(reservations.OrderByDescending(r => r.Id), ct);
    }

    internal static async Task<IResult> Get(string region, string row, ReservationId id, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<Reservation>(id.ToString(), ct) is { } found && found.Row == row
            ? Results.Ok(found)
            : Problems.Of(Refusal.NotFound($"The row {row} has no reservation {id}."));
    }
}
